"""What is exported: one view of a benchmark in matrices and tables, whatever the format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.pool import ModelPool
from vlrb.benchmark.store import Benchmark


@dataclass(frozen=True, eq=False)
class Content:
    """All samples × the pool's models, samples in order of their ids and models in order of theirs.

    Attributes:
        name: Name of the benchmark.
        synthetic: Whether the data are generated.
        dataset_root: Folder that picture references are relative to.
        samples: (N,) rows, columns `schema.SAMPLE_COLUMNS`.
        model_ids: M ids.
        display_names: M names to show.
        Y: (N, M) float32 quality, NaN = unknown.
        C: (N, M) float64 USD per query, NaN = unknown.
        tokens_in: (N, M) float32.
        tokens_out: (N, M) float32.
        split: (N,) rows: split and split_group.
        pricing: Name of the price book.
        split_name: Label of the split, and its seed.
        parts: Content hashes of the benchmark's parts.
        features: "text" and "vision" → encoder name → (N, D) float32.
    """

    name: str
    synthetic: bool
    dataset_root: Path
    samples: pd.DataFrame
    model_ids: list[str]
    display_names: list[str]
    Y: np.ndarray
    C: np.ndarray
    tokens_in: np.ndarray
    tokens_out: np.ndarray
    split: pd.DataFrame
    pricing: str
    split_name: tuple[str, int]
    parts: dict[str, str]
    features: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return what every export says about itself, as plain values."""
        return {
            "benchmark": self.name,
            "synthetic": self.synthetic,
            "samples": len(self.samples),
            "models": len(self.model_ids),
            "cells_without_quality": int(np.isnan(self.Y).sum()),
            "cells_without_cost": int(np.isnan(self.C).sum()),
            "pricing": self.pricing,
            "split": {"name": self.split_name[0], "seed": self.split_name[1]},
            "parts": self.parts,
        }


def collect(
    bench: Benchmark,
    pool: ModelPool,
    pricing: str,
    split: tuple[str, int],
    features: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> Content:
    """Gather what is exported.

    Args:
        bench: The benchmark.
        pool: Models to export, under the pool's ids.
        pricing: Price book, by name.
        split: Label and seed of the split.
        features: Cached features to add, by modality and encoder name; rows in benchmark order.

    Raises:
        StateError: Costs or split were not built.
    """
    columns = pool.select(bench.model_ids)
    names = [pool.canonical(bench.model_ids[column]) for column in columns]
    order = np.array([column for _, column in sorted(zip(names, columns, strict=True))], np.int64)
    ids = bench.samples[schema.SAMPLE_ID].tolist()
    rows = np.array(sorted(range(len(ids)), key=ids.__getitem__), np.int64)
    table = bench.costs(pricing)
    cells = np.ix_(rows, order)
    return Content(
        name=bench.name,
        synthetic=bool(bench.manifest.get("synthetic", False)),
        dataset_root=Path(str(bench.manifest.get("dataset_root", ""))),
        samples=bench.samples.iloc[rows].reset_index(drop=True),
        model_ids=sorted(names),
        display_names=[pool.display_name(name) for name in sorted(names)],
        Y=bench.Y[cells],
        C=table.C[cells],
        tokens_in=bench.tokens_in[cells],
        tokens_out=bench.tokens_out[cells],
        split=bench.split(*split).iloc[rows].reset_index(drop=True),
        pricing=pricing,
        split_name=split,
        parts=bench.fingerprints,
        features={
            kind: {name: array[rows] for name, array in named.items()} for kind, named in (features or {}).items()
        },
    )
