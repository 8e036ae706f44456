"""Open a benchmark folder: tables and matrices, read when first asked for, matrices memory-mapped."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from vlrb import schema
from vlrb.benchmark import stages, tables
from vlrb.benchmark.budgets import Budget
from vlrb.benchmark.pictures import SamplePictures
from vlrb.metrics.bounds import CostBounds
from vlrb.utils.errors import StateError
from vlrb.utils.files import open_array, read_json


@dataclass(frozen=True)
class CostTable:
    """Costs under one price book.

    Attributes:
        name: Name of the price book.
        C: (N, M) float64 USD per query, NaN = tokens or price unknown; memory-mapped.
        bounds: Bounds of the Rank Score, a constant of the benchmark and the prices.
        prices: What prices.yaml holds: name, date, source, prices by model id, budgets_usd.
        mean_costs: Mean cost behind the bounds, by model id; None = the model has no cost.
        budgets: Budget points, ascending.
    """

    name: str
    C: np.ndarray
    bounds: CostBounds
    prices: dict[str, Any]
    mean_costs: dict[str, float | None]
    budgets: tuple[Budget, ...]


class Benchmark:
    """A benchmark folder: N samples × M models, with costs, splits and reports beside each other.

    Use `Benchmark.open(folder)`.
    """

    def __init__(self, root: Path, manifest: dict[str, Any]) -> None:
        self.root = root
        self.manifest = manifest

    @classmethod
    def open(cls, root: str | Path) -> "Benchmark":
        """Open a folder that `build_data.py` wrote.

        Raises:
            StateError: There is no benchmark, or one that is not finished.
        """
        root = Path(root)
        manifest = stages.read_manifest(root)
        if "records" not in manifest["parts"]:
            raise StateError(f"{root}: no benchmark here", "build it: python build_data.py dataset=…")
        return cls(root, manifest)

    @property
    def name(self) -> str:
        """Name of the benchmark (its folder's name)."""
        return str(self.manifest.get("name", self.root.name))

    @cached_property
    def samples(self) -> pd.DataFrame:
        """All samples, columns as `schema.SAMPLE_COLUMNS`, rows in benchmark order."""
        frame: pd.DataFrame = tables.read_table(self.root / schema.SAMPLES_FILE).to_pandas()
        return frame

    @cached_property
    def picture_references(self) -> list[list[dict[str, Any]]]:
        """The pictures of each sample (`schema.PICTURE_FIELDS`), rows in benchmark order."""
        references: list[list[dict[str, Any]]] = self.samples[schema.IMAGES].tolist()
        return references

    @cached_property
    def records(self) -> pd.DataFrame:
        """All records, columns as `schema.RECORD_COLUMNS`."""
        frame: pd.DataFrame = tables.read_table(self.root / schema.RECORDS_FILE).to_pandas()
        return frame

    @cached_property
    def models(self) -> list[dict[str, Any]]:
        """Cards of the models in column order: id, display_name, parameters, provider, token rule."""
        cards: list[dict[str, Any]] = read_json(self._finished(schema.MODELS_FILE))
        return cards

    @cached_property
    def model_ids(self) -> list[str]:
        """Ids of the models in column order."""
        return list(self.manifest["parts"]["records"]["facts"]["model_ids"])

    @cached_property
    def Y(self) -> np.ndarray:  # noqa: N802 - the field's name
        """Quality (N, M) float32 in [0, 1], NaN = unknown."""
        return open_array(self._finished(schema.QUALITY_FILE))

    @cached_property
    def tokens_in(self) -> np.ndarray:
        """Input tokens (N, M) float32: text and pictures by the model's rule."""
        return open_array(self._finished(schema.TOKENS_IN_FILE))

    @cached_property
    def tokens_out(self) -> np.ndarray:
        """Output tokens (N, M) float32, NaN = no answer in the logs."""
        return open_array(self._finished(schema.TOKENS_OUT_FILE))

    @cached_property
    def sample_tokens(self) -> pd.DataFrame:
        """Columns sample_id, text_tokens and pictures, rows in benchmark order."""
        frame: pd.DataFrame = tables.read_table(self._finished(schema.SAMPLE_TOKENS_FILE)).to_pandas()
        return frame

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """Content hash of each part, and of `samples` (what features are made from)."""
        parts = {
            name: stages.content(self.manifest, *sorted(part["files"])) for name, part in self.manifest["parts"].items()
        }
        parts["samples"] = stages.content(self.manifest, schema.SAMPLES_FILE)
        return {name: value for name, value in parts.items() if value is not None}

    def costs(self, pricing_name: str) -> CostTable:
        """Return the costs under a price book.

        Raises:
            StateError: They were not computed.
        """
        folder = f"{schema.COSTS_FOLDER}/{pricing_name}"
        bounds = read_json(self._finished(f"{folder}/{schema.BOUNDS_FILE}", f"pricing={pricing_name}"))
        prices = (self.root / folder / schema.PRICES_FILE).read_text(encoding="utf-8")
        return CostTable(
            name=pricing_name,
            C=open_array(self.root / folder / schema.COST_FILE),
            bounds=CostBounds.from_plain(bounds),
            prices=yaml.safe_load(prices),
            mean_costs=bounds["per_model_mean_cost"],
            budgets=tuple(Budget(**budget) for budget in bounds.get("budgets", ())),
        )

    def split(self, label: str, seed: int) -> pd.DataFrame:
        """Return sample_id, split and split_group, rows in benchmark order.

        Raises:
            StateError: The split was not made.
        """
        path = self._finished(split_file(label, seed), f"split=… split.seed={seed}")
        frame: pd.DataFrame = tables.read_table(path).to_pandas()
        return frame

    def pictures(self, dataset_root: str | Path | None = None) -> SamplePictures:
        """Return the pictures of the samples, in benchmark order.

        Args:
            dataset_root: Folder with the raw logs, if it has moved since the build.

        Raises:
            StateError: The folder is not there.
        """
        root = Path(dataset_root or self.manifest.get("dataset_root", ""))
        if not root.is_dir():
            raise StateError(f"{self.root}: its raw data are no longer at {root}", "give the folder: dataset.root=…")
        images = tables.read_table(self.root / schema.SAMPLES_FILE, [schema.IMAGES])[schema.IMAGES]
        return SamplePictures(root, images)

    def _finished(self, relative: str, options: str = "") -> Path:
        if stages.content(self.manifest, relative) is None:
            hint = f"python build_data.py dataset=… {options}".strip()
            raise StateError(f"{self.root}: {relative} was not built", hint)
        return self.root / relative


def split_file(label: str, seed: int) -> str:
    """Return the path of a split inside a benchmark folder (`label` as `SplitRule.label`)."""
    return f"{schema.SPLITS_FOLDER}/{label}-{seed}.parquet"
