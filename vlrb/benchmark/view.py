"""Views: the part of a benchmark that a run works on, chosen by pool, price book, missing rule and split."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.costs import cost_bounds
from vlrb.benchmark.pool import ModelPool
from vlrb.benchmark.store import Benchmark, CostTable
from vlrb.metrics.bounds import CostBounds
from vlrb.utils.errors import ConfigError, DataError
from vlrb.utils.fingerprint import array_fingerprint, fingerprint

Missing = Literal["drop_sample", "mask", "error"]


@dataclass(frozen=True, eq=False)
class BenchmarkView:
    """n samples × m models of a benchmark, with everything a run sees of them.

    A cell counts as known when both its quality and its cost are known; the others are NaN in both Y and C.

    Attributes:
        rows: (n,) int64 rows of the benchmark (features are indexed by them).
        columns: (m,) int64 columns of the benchmark.
        model_ids: m ids (the pool's).
        display_names: m names to show.
        sample_ids: n ids.
        Y: (n, m) float32 quality, NaN = unknown.
        C: (n, m) float64 USD per query, NaN = unknown.
        tokens_in: (n, m) float32 input tokens.
        tokens_out: (n, m) float32 output tokens, NaN = unknown.
        split: (n,) str, "train", "dev", "test", or "unused" (in none of them).
        split_group: (n,) int64 codes of related samples.
        dataset: (n,) int64 codes into `dataset_names`.
        dataset_names: Datasets that have samples in the view, sorted.
        dataset_groups: Reporting group of each dataset.
        bounds: Cost bounds of the benchmark under the price book; the pool's own where the benchmark's are undefined
            because no sample has a cost for every model.
        pricing: Name of the price book.
        dropped: How many samples were left out, in all ("samples") and by dataset; and "masked_cells".
        parts: Hashes of what a result depends on, by part (samples, models, quality, costs, tokens, split), so that a
            change can be named.
        fingerprint: One hash of all parts.
    """

    rows: np.ndarray
    columns: np.ndarray
    model_ids: tuple[str, ...]
    display_names: tuple[str, ...]
    sample_ids: np.ndarray
    Y: np.ndarray
    C: np.ndarray
    tokens_in: np.ndarray
    tokens_out: np.ndarray
    split: np.ndarray
    split_group: np.ndarray
    dataset: np.ndarray
    dataset_names: tuple[str, ...]
    dataset_groups: tuple[str, ...]
    bounds: CostBounds
    pricing: str
    dropped: dict[str, int]
    parts: dict[str, str]
    fingerprint: str

    @classmethod
    def create(
        cls,
        benchmark: Benchmark,
        pool: ModelPool,
        pricing_name: str,
        missing: Missing = "drop_sample",
        split_name: str = "grouped",
        split_seed: int = 0,
    ) -> "BenchmarkView":
        """Take the view.

        Args:
            benchmark: The benchmark; it is not changed.
            pool: Models that may be chosen.
            pricing_name: Price book, by name.
            missing: Samples with unknown cells: `drop_sample` leaves them out, `mask` keeps those with at least one
                known cell, `error` refuses.
            split_name: Label of the split (`SplitRule.label`).
            split_seed: Its seed.

        Raises:
            DataError: Cells are missing under `error`, or more than half of the samples would be dropped.
            StateError: Costs or split were not built.
        """
        columns = np.array(pool.select(benchmark.model_ids), dtype=np.int64)
        model_ids = tuple(pool.canonical(benchmark.model_ids[column]) for column in columns)
        table = benchmark.costs(pricing_name)
        unknown = np.isnan(benchmark.Y[:, columns]) | np.isnan(table.C[:, columns])
        keep = _keep(unknown, missing, model_ids)
        rows = np.flatnonzero(keep)
        hidden = unknown[rows]
        parts = {
            "rows": rows,
            "columns": columns,
            "model_ids": model_ids,
            "display_names": tuple(pool.display_name(model_id) for model_id in model_ids),
            "Y": np.where(hidden, np.float32(np.nan), benchmark.Y[rows][:, columns]),
            "C": np.where(hidden, np.nan, table.C[rows][:, columns]),
            "tokens_in": benchmark.tokens_in[rows][:, columns],
            "tokens_out": benchmark.tokens_out[rows][:, columns],
            "bounds": _bounds(table, columns, model_ids),
            "pricing": pricing_name,
            "dropped": _dropped(benchmark.samples[schema.DATASET], keep, hidden),
            **_samples(benchmark.samples.iloc[rows]),
            **_split(benchmark.split(split_name, split_seed).iloc[rows]),
        }
        hashes = _part_fingerprints(parts)
        return cls(**parts, parts=hashes, fingerprint=fingerprint(hashes))

    def members(self, split: schema.SplitName) -> np.ndarray:
        """Return the positions in the view of one split's samples, (k,) int64."""
        return np.flatnonzero(self.split == split)


def _keep(unknown: np.ndarray, missing: Missing, model_ids: tuple[str, ...]) -> np.ndarray:
    if missing not in ("drop_sample", "mask", "error"):
        raise ConfigError(f"missing={missing}: no such choice", "valid: drop_sample, mask, error")
    if missing == "error" and unknown.any():
        counts = {m: int(k) for m, k in zip(model_ids, unknown.sum(axis=0), strict=True) if k}
        listed = ", ".join(f"{model_id} {count:,}" for model_id, count in counts.items())
        raise DataError(f"missing cells: {listed}", "use missing=drop_sample or missing=mask")
    spoilt = unknown.all(axis=1) if missing == "mask" else unknown.any(axis=1)
    keep = ~np.asarray(spoilt)
    if 2 * keep.sum() < len(keep) or not keep.any():
        leave_out = _to_leave_out(unknown, model_ids)
        hint = f"leave out the models with most holes: model_pool.exclude=[{','.join(leave_out)}]"
        if not leave_out or missing == "mask":
            hint = "reports/coverage.csv says what is missing"
        raise DataError(f"only {int(keep.sum()):,} of {len(keep):,} samples would be left (missing={missing})", hint)
    return keep


def _to_leave_out(unknown: np.ndarray, model_ids: tuple[str, ...]) -> list[str]:
    """Return the fewest models found greedily without which at least half of the samples are complete."""
    left = list(range(len(model_ids)))
    out: list[str] = []
    while left and 2 * (~unknown[:, left].any(axis=1)).sum() < len(unknown):
        # Remove the model whose holes alone spoil most samples; among equals the one with most holes.
        holes = unknown[:, left]
        alone = holes[holes.sum(axis=1) == 1].sum(axis=0)
        worst = max(range(len(left)), key=lambda k: (int(alone[k]), int(holes[:, k].sum())))
        out.append(model_ids[left.pop(worst)])
    return sorted(out) if len(left) > 1 else []


def _samples(samples: pd.DataFrame) -> dict[str, Any]:
    codes, names = pd.factorize(samples[schema.DATASET], sort=True)
    groups = samples.drop_duplicates(schema.DATASET).set_index(schema.DATASET)[schema.GROUP]
    return {
        "sample_ids": samples[schema.SAMPLE_ID].to_numpy(dtype=object).astype(str),
        "dataset": codes.astype(np.int64),
        "dataset_names": tuple(str(name) for name in names),
        "dataset_groups": tuple(str(groups[name]) for name in names),
    }


def _split(split: pd.DataFrame) -> dict[str, np.ndarray]:
    return {
        "split": split[schema.SPLIT].to_numpy(dtype=object).astype(str),
        "split_group": split[schema.SPLIT_GROUP].to_numpy(np.int64),
    }


def _bounds(table: CostTable, columns: np.ndarray, model_ids: tuple[str, ...]) -> CostBounds:
    """Return the benchmark's bounds, or the pool's own where no sample is complete for all models of the benchmark."""
    if table.bounds.cmin is not None:
        return table.bounds
    return CostBounds.from_plain(cost_bounds(table.C[:, columns], model_ids))


def _dropped(dataset: pd.Series, keep: np.ndarray, hidden: np.ndarray) -> dict[str, int]:
    lost = dataset[~keep].value_counts().sort_index()
    return {
        "samples": int((~keep).sum()),
        "masked_cells": int(hidden.sum()),
        **{f"samples/{name}": int(count) for name, count in lost.items()},
    }


def _part_fingerprints(parts: dict[str, Any]) -> dict[str, str]:
    sides = np.searchsorted(sorted((*schema.SPLITS, schema.UNUSED)), parts["split"]).astype(np.int8)
    datasets = [array_fingerprint(parts["dataset"]), parts["dataset_names"], parts["dataset_groups"]]
    return {
        "samples": fingerprint([parts["sample_ids"].tolist(), *datasets]),
        "models": fingerprint(parts["model_ids"]),
        "quality": array_fingerprint(parts["Y"]),
        "costs": fingerprint([array_fingerprint(parts["C"]), parts["bounds"].hash]),
        "tokens": fingerprint([array_fingerprint(parts[name]) for name in ("tokens_in", "tokens_out")]),
        "split": fingerprint([array_fingerprint(sides), array_fingerprint(parts["split_group"])]),
    }
