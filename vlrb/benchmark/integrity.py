"""Integrity checks: whether the parts of a benchmark agree, and what is missing in it."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.records import record_cells
from vlrb.benchmark.splits import sample_groups
from vlrb.benchmark.store import Benchmark, CostTable

Level = Literal["error", "warning", "note"]
_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One thing a check found: `error` = parts disagree, `warning` = something is missing, `note` = good to know."""

    level: Level
    check: str
    message: str
    count: int = 1

    def plain(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Subject:
    """What is checked: a benchmark with one price book's costs and one split."""

    bench: Benchmark
    costs: CostTable
    split: pd.DataFrame


def find_all(subject: Subject) -> list[Finding]:
    """Run all checks; findings in the order of the checks."""
    shape = _shape(subject)
    return shape or [finding for check in CHECKS for finding in check(subject)]


def _shape(s: Subject) -> list[Finding]:
    wanted = (len(s.bench.samples), len(s.bench.model_ids))
    arrays = {
        schema.QUALITY_FILE: s.bench.Y,
        schema.TOKENS_IN_FILE: s.bench.tokens_in,
        schema.TOKENS_OUT_FILE: s.bench.tokens_out,
        f"{s.costs.name}/{schema.COST_FILE}": s.costs.C,
    }
    return [
        Finding("error", "alignment", f"{name} has shape {array.shape}, samples × models is {wanted}")
        for name, array in arrays.items()
        if array.shape != wanted
    ]


def _alignment(s: Subject) -> Iterator[Finding]:
    ids = s.bench.samples[schema.SAMPLE_ID]
    if s.split[schema.SAMPLE_ID].tolist() != ids.tolist():
        yield Finding("error", "alignment", "the split's rows are not the samples' rows")
    if s.bench.sample_tokens[schema.SAMPLE_ID].tolist() != ids.tolist():
        yield Finding("error", "alignment", f"the rows of {schema.SAMPLE_TOKENS_FILE} are not the samples' rows")
    if [card["id"] for card in s.bench.models] != s.bench.model_ids:
        yield Finding("error", "alignment", f"{schema.MODELS_FILE} does not list the columns in their order")
    cells = record_cells(s.bench.records, ids.tolist(), s.bench.model_ids)
    again = np.full(s.bench.Y.size, np.nan, dtype=np.float32)
    again[cells] = s.bench.records[schema.QUALITY].to_numpy(np.float32)
    differ = int((~_same(again, np.asarray(s.bench.Y).ravel())).sum())
    if differ:
        yield Finding("error", "alignment", f"{schema.QUALITY_FILE} and {schema.RECORDS_FILE} differ in cells", differ)
    repeated = len(cells) - len(np.unique(cells))
    if repeated:
        yield Finding("error", "duplicates", "records of the same sample and model", repeated)
    if ids.duplicated().any():
        yield Finding("error", "duplicates", "sample ids that repeat", int(ids.duplicated().sum()))


def _ranges(s: Subject) -> Iterator[Finding]:
    limits = {
        "quality": (s.bench.Y, 0.0, 1.0),
        "input tokens": (s.bench.tokens_in, 0.0, np.inf),
        "output tokens": (s.bench.tokens_out, 0.0, np.inf),
        "cost": (s.costs.C, 0.0, np.inf),
    }
    for name, (array, low, high) in limits.items():
        values = np.asarray(array)
        outside = int(((values < low) | (values > high) | np.isinf(values)).sum())
        if outside:
            yield Finding("error", "ranges", f"{name} outside {low:g} … {high:g}", outside)
    empty = int((s.bench.sample_tokens["text_tokens"] == 0).sum())
    if empty:
        yield Finding("warning", "ranges", "samples without any prompt text", empty)


def _prices(s: Subject) -> Iterator[Finding]:
    missing = missing_prices(s)
    if missing:
        yield Finding("warning", "prices", f"no price in {s.costs.name} for {_some(missing)}", len(missing))
    if s.costs.bounds.reason:
        yield Finding("warning", "prices", f"cost bounds give no scale: {s.costs.bounds.reason}")
    if _recorded(s):
        holes = np.isnan(np.asarray(s.costs.C))
        if holes.any():
            models = [m for m, column in zip(s.bench.model_ids, holes.T, strict=True) if column.any()]
            yield Finding("warning", "prices", f"cells without a recorded cost, of {_some(models)}", int(holes.sum()))
        return
    unknown = np.isnan(np.asarray(s.bench.tokens_out)) | np.isnan(np.asarray(s.bench.tokens_in))
    unknown[:, [s.bench.model_ids.index(model_id) for model_id in missing]] = True
    differ = int((np.isnan(np.asarray(s.costs.C)) != unknown).sum())
    if differ:
        yield Finding("error", "prices", "cells with tokens and a price but no cost, or the reverse", differ)


def missing_prices(s: Subject) -> list[str]:
    """Return the models that the price book has no price for."""
    if _recorded(s):
        known = ~np.isnan(np.asarray(s.costs.C)).all(axis=0)
        return [model_id for model_id, has_cost in zip(s.bench.model_ids, known, strict=True) if not has_cost]
    return [model_id for model_id in s.bench.model_ids if s.costs.prices["prices"].get(model_id) is None]


def _recorded(s: Subject) -> bool:
    """Return whether the costs came with the data; tokens and prices then say nothing about them."""
    return bool(s.costs.prices.get("recorded", False))


def _missing(s: Subject) -> Iterator[Finding]:
    ungraded = np.isnan(np.asarray(s.bench.Y))
    unanswered = np.isnan(np.asarray(s.bench.tokens_out))
    for what, holes in (("a grade", ungraded), ("an answer", unanswered)):
        models = [m for m, column in zip(s.bench.model_ids, holes.T, strict=True) if column.any()]
        if models:
            level: Level = "note" if what == "an answer" and _recorded(s) else "warning"
            yield Finding(level, "missing", f"cells without {what}, of {_some(models)}", int(holes.sum()))
    empty = [m for m, column in zip(s.bench.model_ids, ungraded.T, strict=True) if column.all()]
    if empty:
        yield Finding("warning", "missing", f"models without any grade: {_some(empty)}", len(empty))


def _split(s: Subject) -> Iterator[Finding]:
    sides = s.split[schema.SPLIT].to_numpy()
    for name in schema.SPLITS:
        if not (sides == name).any():
            yield Finding("warning", "split", f"the {name} split is empty")
    # Groups are found again from the samples: a split file must not vouch for itself.
    related, _ = sample_groups(s.bench.samples)
    for what, group in (("groups", s.split[schema.SPLIT_GROUP].to_numpy()), ("related samples", related)):
        parted = int((pd.Series(sides).groupby(group).nunique() > 1).sum())
        if parted:
            yield Finding("error", "split", f"{what} that lie in more than one split", parted)


def _pictures(s: Subject) -> Iterator[Finding]:
    without = int((s.bench.sample_tokens["pictures"] == 0).sum())
    if without:
        yield Finding("note", "pictures", "samples without a picture (text only)", without)
    references = [reference for images in s.bench.samples[schema.IMAGES] for reference in images]
    unsized = sum(not reference["width"] for reference in references)
    if unsized:
        yield Finding("note", "pictures", "pictures of unknown size", unsized)
    unhashed = sum(not reference["content_hash"] for reference in references)
    if unhashed:
        yield Finding("warning", "pictures", "pictures without a content hash cannot be kept together", unhashed)


CHECKS: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    _alignment,
    _ranges,
    _prices,
    _missing,
    _split,
    _pictures,
)


def _same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    same: np.ndarray = (a == b) | (np.isnan(a) & np.isnan(b))
    return same


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
