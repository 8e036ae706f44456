"""Read the folder that the VL-RouterBench code builds into samples and records."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.sources.base import Note, RecordSet
from vlrb.sources.reference.matrices import (
    SCORES,
    Y_FILE,
    aligned,
    cost_matrix,
    outcome_matrix,
    read_scores,
    registry_models,
    score_matrix,
)
from vlrb.sources.reference.pictures import AssetPictures
from vlrb.sources.reference.samples import read_meta, read_samples, sample_frame
from vlrb.sources.reference.splits import read_split
from vlrb.utils.errors import ConfigError, DataError
from vlrb.utils.suggest import did_you_mean

READER_VERSION = 1  # raise when the same files give other records
FOLDERS = ("BENCHMARKS", "ORACLE", "SPLITS", "data/matrices", "data/registry")
NEVER_READ = (".pkl", ".pickle", ".csv")


class ReferenceSource:
    """A folder with BENCHMARKS, ORACLE/score, SPLITS, data/matrices and data/registry.

    Quality is ORACLE/score's (graded), else Y.npz's; recorded costs are C.npy's.

    Args:
        root: The folder.
        pictures: Folder with the TSV files and pictures that samples name; None = the root.
        models: With ORACLE/score only these models; without it the names of Y.npz's columns, in their order.
        quality_max: Dataset → the score that means perfectly right, for datasets where it is not 1.
        unreadable: A picture that cannot be found or read is an error, or reported and left out.
    """

    def __init__(
        self,
        root: str | int,
        pictures: str | None,
        models: list[str] | None,
        quality_max: Mapping[str, float],
        unreadable: str,
    ) -> None:
        if unreadable not in ("error", "report"):
            raise ConfigError(f"dataset.source.unreadable must be error or report, not {unreadable!r}")
        for dataset, most in quality_max.items():
            if not isinstance(most, int | float) or not most > 0:
                raise ConfigError(f"dataset.source.quality_max.{dataset} must be a number > 0, not {most!r}")
        self.layout = Path(str(root)).expanduser()
        self.pictures = None if pictures is None else Path(pictures).expanduser()
        self.models = models
        self.quality_max, self.unreadable = dict(quality_max), unreadable

    @property
    def root(self) -> Path:
        """Folder that picture references are relative to."""
        return self.layout if self.pictures is None else self.pictures

    def fingerprint(self) -> dict[str, Any]:
        """Return settings, and name, size and time of every file that may be read; no file is opened."""
        self._check_folders()
        found = [p for folder in FOLDERS for p in (self.layout / folder).glob("**/*") if p.is_file()]
        found += [path for path in [self.layout / "data" / "splits.json"] if path.is_file()]
        files = []
        for path in sorted(p for p in found if p.suffix not in NEVER_READ):
            status = path.stat()
            files.append([path.relative_to(self.layout).as_posix(), status.st_size, status.st_mtime_ns])
        settings = [self.models, self.quality_max, self.unreadable, str(self.pictures)]
        return {"reader": READER_VERSION, "settings": settings, "files": files}

    def read(self) -> RecordSet:
        """Read everything.

        Raises:
            DataError: A file is damaged, shapes do not fit, an id is unknown or repeated, or a picture is not there.
        """
        self._check_folders()
        root, notes = self.layout, list[Note]()
        meta = read_meta(root)
        records = read_samples(root, meta, notes)
        ids = [str(record["sample_id"]) for record in records]
        scores = read_scores(root)
        if scores is not None:
            known = sorted(set(scores.model.tolist()))
            models = self._chosen(known)
            quality = score_matrix(scores, ids, [str(r["dataset"]) for r in records], models, self.quality_max)
            self._compare(meta, ids, known, (models, quality), notes)
            where = SCORES
        else:
            models, quality = self._from_matrix(meta, ids)
            known, where = models, Y_FILE
        costs = cost_matrix(root, meta, ids, known, notes)
        if costs is not None:
            costs = aligned(costs.T, known, models).T
        given = read_split(root, meta, ids, notes)
        pictures = AssetPictures(self.root.resolve(), self.unreadable)
        samples = sample_frame(records, pictures, given)
        notes += pictures.notes() + _hole_notes(quality, models, where)
        return RecordSet(samples, _record_frame(ids, models, quality, costs, where), models, notes)

    def _check_folders(self) -> None:
        if not self.layout.is_dir():
            raise DataError(f"{self.layout}: no such folder", "the folder that holds BENCHMARKS, ORACLE and data")
        if not (self.layout / SCORES).is_dir() and not (self.layout / Y_FILE).is_file():
            raise DataError(
                f"{self.layout}: neither {SCORES} nor {Y_FILE}",
                "dataset.root must be the folder that holds BENCHMARKS, ORACLE and data",
            )
        if self.pictures is not None and not self.pictures.is_dir():
            raise DataError(f"{self.pictures}: no such folder", "dataset.source.pictures=<folder of the TSV files>")

    def _chosen(self, known: list[str]) -> list[str]:
        for model in self.models or ():
            if model not in known:
                raise DataError(f"{SCORES}: no scores of model {model!r}", did_you_mean(model, known))
        return known if self.models is None else sorted(set(self.models))

    def _from_matrix(self, meta: pd.DataFrame | None, ids: list[str]) -> tuple[list[str], np.ndarray]:
        names = self.models if self.models is not None else registry_models(self.layout)
        Y = outcome_matrix(self.layout, meta, names)
        if Y is None:
            raise DataError(f"{self.layout}: no scores in {SCORES}, and no {Y_FILE}")
        assert meta is not None
        assert names is not None
        if len(set(names)) < len(names):
            raise DataError(f"{Y_FILE}: a model is named twice among its columns")
        if ((Y < 0) | (Y > 1)).any():
            raise DataError(f"{Y_FILE}: values outside 0 … 1", "qualities are read from ORACLE/score where it is there")
        strangers = set(meta["sample_id"]) - set(ids)
        if strangers:
            raise DataError(f"{Y_FILE}: sample {min(strangers)} of meta.parquet is not in BENCHMARKS")
        models = sorted(names)
        return models, aligned(aligned(Y, meta["sample_id"].tolist(), ids).T, names, models).T

    def _compare(
        self,
        meta: pd.DataFrame | None,
        ids: list[str],
        known: list[str],
        scored: tuple[list[str], np.ndarray],
        notes: list[Note],
    ) -> None:
        """Note how often Y.npz says something else than ORACLE/score, where it can be told."""
        if meta is None or not (self.layout / Y_FILE).is_file():
            return
        names = registry_models(self.layout) or known
        Y = outcome_matrix(self.layout, meta, names)
        assert Y is not None
        models, quality = scored
        again = aligned(aligned(Y, meta["sample_id"].tolist(), ids).T, names, models).T
        both = ~(np.isnan(again) | np.isnan(quality))
        differ = int((np.abs(again - quality)[both] > np.finfo(np.float32).eps).sum())
        if differ:
            what = f"cells differ from {SCORES}, which is used (the reference cuts grades to whole numbers)"
            notes.append(Note("quality_differs", Y_FILE, what, differ))


def _hole_notes(quality: np.ndarray, models: list[str], where: str) -> list[Note]:
    holes = np.isnan(quality).sum(axis=0)
    what = "samples without a score"
    return [Note("missing_cells", f"{where}: {m}", what, int(k)) for m, k in zip(models, holes, strict=True) if k]


def _record_frame(
    ids: list[str], models: list[str], quality: np.ndarray, costs: np.ndarray | None, where: str
) -> pd.DataFrame:
    known = ~np.isnan(quality)
    if costs is not None:
        known |= ~np.isnan(costs)
    row, column = np.nonzero(known)
    value = quality[row, column].astype(np.float32)
    same = np.zeros(len(row), np.int8)
    frame = pd.DataFrame(
        {
            schema.SAMPLE_ID: pd.Categorical.from_codes(row, pd.Index(ids)),
            schema.MODEL_ID: pd.Categorical.from_codes(column, pd.Index(models)),
            schema.QUALITY: value,
            schema.GRADED_BY: pd.Categorical.from_codes(same, pd.Index(["reference"])),
            schema.SOURCE: pd.Categorical.from_codes(same, pd.Index([where])),
            schema.FLAGS: pd.Categorical.from_codes(np.isnan(value).astype(np.int8), pd.Index(["", "ungraded"])),
            schema.PREDICTION: pd.Series([None] * len(row), dtype="str"),
        }
    )
    return frame if costs is None else frame.assign(**{schema.RECORDED_COST: costs[row, column]})
