"""Read a folder of VLMEvalKit logs into samples and records."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from vlrb import schema
from vlrb.sources.base import Note, RecordSet
from vlrb.sources.vlmevalkit.categories import read_categories
from vlrb.sources.vlmevalkit.cell_records import CellRecords
from vlrb.sources.vlmevalkit.choose import Cell, choose
from vlrb.sources.vlmevalkit.complete import check_counts, check_files
from vlrb.sources.vlmevalkit.datasets import KNOWN, DatasetSpec
from vlrb.sources.vlmevalkit.layout import Layout, scan
from vlrb.sources.vlmevalkit.notes import compact
from vlrb.sources.vlmevalkit.pool import run_all
from vlrb.sources.vlmevalkit.records import flag_notes, join_records
from vlrb.sources.vlmevalkit.repeats import read_cell
from vlrb.sources.vlmevalkit.samples import dataset_samples
from vlrb.sources.vlmevalkit.settings import Expected, Folders, Rules, Selection
from vlrb.sources.vlmevalkit.tsv import TsvIndex, match_tsv, read_tsv
from vlrb.utils.errors import DataError

READER_VERSION = 2  # raise when the same files give other records
TABLE_OVERHEAD = 16 << 10  # bytes of a workbook that are read in the time that any table takes
TSV_SPEED = 10  # how many times faster a byte of base64 is read than a byte of a workbook


class VLMEvalKitSource:
    """Logs of VLMEvalKit: an evaluation and an inference folder beside dataset TSV files, or one work folder.

    Args:
        root: Folder with the logs.
        folders: Names of its subfolders.
        select: Which datasets, models and judges are read.
        rules: Choices among ways of grading.
        expected: What must be there; None = whatever is found.
        where: Where the logs can be had, told when they are not there.
    """

    def __init__(
        self, root: str, folders: Folders, select: Selection, rules: Rules, expected: Expected | None, where: str = ""
    ) -> None:
        self.root = Path(root).expanduser()
        self.folders, self.select, self.rules, self.expected, self.where = folders, select, rules, expected, where

    def fingerprint(self) -> dict[str, Any]:
        """Return settings, and name, size and time of every file found; no file is opened."""
        layout = self._scan()
        files = [[file.name, file.size, file.mtime_ns] for file in (*layout.tables, *layout.summaries)]
        for path in sorted(layout.tsv.values()):
            status = path.stat()
            files.append([path.relative_to(self.root.resolve()).as_posix(), status.st_size, status.st_mtime_ns])
        settings = {
            "select": vars(self.select),
            "rules": vars(self.rules),
            "expected": vars(self.expected) if self.expected else None,
        }
        return {"reader": READER_VERSION, "settings": settings, "files": files}

    def read(self) -> RecordSet:
        """Read, grade and join everything.

        Raises:
            DataError: A file is damaged, a grade cannot be told from a file that should hold it, a sample repeats, a
                picture cannot be read, or something that must be there is missing.
        """
        layout = self._scan()
        expected = self._wanted()
        named = (*expected.samples, *expected.models) if expected is not None else ()
        cells, notes = choose(layout.tables, self.select, self.rules, layout.summaries, layout.models, named)
        notes = layout.notes + notes
        if expected is not None:
            pairs = {(cell.spec.name, cell.model) for cell in cells}
            tsv = [name for name in expected.samples if match_tsv(name, layout.tsv) is not None]
            notes += check_files(pairs, tsv, expected)
        found, indexes = self._read_files(cells, layout, notes)
        if not found:
            raise DataError(f"{self.root}: nothing in its logs can be graded", _explain(notes))
        notes += [note for records in found for note in records.notes]
        samples = self._samples(cells, found, indexes, notes)
        records = join_records(found, samples)
        notes += flag_notes(records)
        if expected is not None:
            notes += check_counts(samples, records, expected)
        replicates = _replicates(found, samples)
        if replicates is not None:
            notes.append(Note("replicates", "logs", "records of other runs are kept beside these", len(replicates)))
        model_ids = sorted(set(records[schema.MODEL_ID].unique()))
        return RecordSet(samples, records, model_ids, compact(notes), replicates)

    def categories(self) -> dict[str, str]:
        """Return the category that the logs give each sample id; samples without one are left out."""
        layout, expected = self._scan(), self._wanted()
        named = (*expected.samples, *expected.models) if expected is not None else ()
        cells, _ = choose(layout.tables, self.select, self.rules, layout.summaries, layout.models, named)
        return read_categories(cells)

    def rotated(self) -> tuple[str, ...]:
        """Return datasets where an answer is right only if it is for every order of the options."""
        return () if self.rules.mmbench == "vanilla" else tuple(n for n, s in KNOWN.items() if s.rule == "circular")

    def _scan(self) -> Layout:
        return scan(self.root, self.folders, self.where, self.select.models)

    def _wanted(self) -> Expected | None:
        """Return what is expected of the datasets and models that were asked for."""
        expected = self.expected
        if expected is None:
            return None
        datasets, models = self.select.datasets, self.select.models
        samples = {
            name: None if name.startswith("MMMU_") and self.rules.mmmu == "validation" else count
            for name, count in expected.samples.items()
            if name not in self.select.exclude_datasets and (datasets is None or name in datasets)
        }
        wanted_models = [model for model in expected.models if models is None or model in models]
        return replace(expected, samples=samples, models=wanted_models)

    def _read_files(
        self, cells: list[Cell], layout: Layout, notes: list[Note]
    ) -> tuple[list[CellRecords], dict[str, TsvIndex]]:
        """Read every cell and every TSV file that belongs to a dataset of theirs."""
        root = self.root.resolve()
        paths = {cell.spec.name: match_tsv(cell.spec.name, layout.tsv) for cell in cells}
        wanted = {dataset: path for dataset, path in paths.items() if path is not None}
        jobs: list[tuple[Callable[..., Any], tuple[Any, ...], int]] = []
        jobs += [(read_tsv, (path, root), path.stat().st_size // TSV_SPEED) for path in wanted.values()]
        jobs += [(read_cell, (cell,), _weight(cell)) for cell in cells]
        results = run_all(jobs, "reading logs")
        indexes = dict(zip(wanted, results[: len(wanted)], strict=True))
        found = []
        for cell, records in zip(cells, results[len(wanted) :], strict=True):
            if records is None or not len(records.keys):
                files = [log.name for log in (*cell.graded, *cell.predicted)]
                why = "no rows" if records is not None else _why_unused(cell)
                notes.append(Note("unused_logs", f"{cell.model} on {cell.spec.name}", why, len(files)))
            else:
                found.append(records)
        return found, indexes

    def _samples(
        self, cells: list[Cell], found: list[CellRecords], indexes: dict[str, TsvIndex], notes: list[Note]
    ) -> pd.DataFrame:
        keys: dict[str, set[str]] = defaultdict(set)
        for records in found:
            keys[records.dataset].update(records.keys)
        by_dataset: dict[str, list[Cell]] = defaultdict(list)
        for cell in cells:
            by_dataset[cell.spec.name].append(cell)
        parts = []
        for dataset in sorted(keys):
            own = by_dataset[dataset]
            _note_unknown(own[0].spec, keys[dataset], notes)
            parts.append(dataset_samples(own[0].spec, keys[dataset], own, indexes.get(dataset), self.rules, notes))
        return pd.concat(parts, ignore_index=True)


def _replicates(found: list[CellRecords], samples: pd.DataFrame) -> pd.DataFrame | None:
    others = [other for records in found for other in records.replicates]
    return join_records(others, samples, predictions=False) if others else None


def _why_unused(cell: Cell) -> str:
    if cell.spec.known:
        return "no table of rows among its files"
    return "a dataset without a rule of its own, and no right/wrong column"


def _weight(cell: Cell) -> int:
    own = sum(log.file.size + TABLE_OVERHEAD for log in (*cell.graded[:1], *cell.predicted[:1]))
    return own + sum(map(_weight, cell.others))


def _note_unknown(spec: DatasetSpec, keys: set[str], notes: list[Note]) -> None:
    if not spec.known:
        message = "not a dataset with a rule of its own; its right/wrong column is taken as it is"
        notes.append(Note("unknown_dataset", spec.name, message, len(keys)))


def _explain(notes: list[Note]) -> str:
    shown = "; ".join(f"{note.where}: {note.message}" for note in notes[:3])
    return shown or "no table has a right/wrong column or a dataset with a scoring rule"
