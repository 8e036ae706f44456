"""Whether tables and matrices have the same rows and columns, and hold values that can be."""

from collections.abc import Iterator

import numpy as np

from vlrb import schema
from vlrb.benchmark.integrity.findings import Finding, Level, Subject, some
from vlrb.benchmark.records import record_cells


def shapes(s: Subject) -> list[Finding]:
    """Check the shapes of all matrices; where one is wrong nothing else can be checked."""
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
    ] + [
        Finding("error", "alignment", f"{name} has {len(rows):,} rows, there are {wanted[0]:,} samples")
        for name, rows in (("the split", s.split), (schema.SAMPLE_TOKENS_FILE, s.bench.sample_tokens))
        if len(rows) != wanted[0]
    ]


def alignment(s: Subject) -> Iterator[Finding]:
    """Check that all parts have the samples' rows and the models' columns, and that no row is there twice."""
    ids = s.bench.samples[schema.SAMPLE_ID]
    if s.split[schema.SAMPLE_ID].tolist() != ids.tolist():
        yield Finding("error", "alignment", "the split's rows are not the samples' rows")
    if s.bench.sample_tokens[schema.SAMPLE_ID].tolist() != ids.tolist():
        yield Finding("error", "alignment", f"the rows of {schema.SAMPLE_TOKENS_FILE} are not the samples' rows")
    if [card["id"] for card in s.bench.models] != s.bench.model_ids:
        yield Finding("error", "alignment", f"{schema.MODELS_FILE} does not list the columns in their order")
    cells = record_cells(s.bench.records, ids.tolist(), s.bench.model_ids)
    yield from _quality(s, cells)
    repeated = len(cells) - len(np.unique(cells))
    if repeated:
        yield Finding("error", "duplicates", "records of the same sample and model", repeated)
    twice = np.flatnonzero(ids.duplicated())
    if len(twice):
        yield Finding("error", "duplicates", "sample ids that repeat", len(twice), s.examples(twice))


def _quality(s: Subject, cells: np.ndarray) -> Iterator[Finding]:
    Y = np.asarray(s.bench.Y)
    again = np.full(Y.size, np.nan, dtype=np.float32)
    again[cells] = s.bench.records[schema.QUALITY].to_numpy(np.float32)
    differ = ~_same(again.reshape(Y.shape), Y)
    if differ.any():
        message = f"{schema.QUALITY_FILE} and {schema.RECORDS_FILE} differ in cells"
        yield Finding("error", "alignment", message, int(differ.sum()), _rows_of(s, differ))


def ranges(s: Subject) -> Iterator[Finding]:
    """Check that no value is negative, infinite or, for quality, above 1."""
    limits = {
        "quality": (s.bench.Y, 0.0, 1.0),
        "input tokens": (s.bench.tokens_in, 0.0, np.inf),
        "output tokens": (s.bench.tokens_out, 0.0, np.inf),
        "cost": (s.costs.C, 0.0, np.inf),
    }
    for name, (array, low, high) in limits.items():
        values = np.asarray(array)
        outside = (values < low) | (values > high) | np.isinf(values)
        if outside.any():
            message = f"{name} outside {low:g} … {high:g}"
            yield Finding("error", "ranges", message, int(outside.sum()), _rows_of(s, outside))
    empty = np.flatnonzero(s.bench.sample_tokens["text_tokens"] == 0)
    if len(empty):
        yield Finding("warning", "ranges", "samples without any prompt text", len(empty), s.examples(empty))


def missing(s: Subject) -> Iterator[Finding]:
    """Name the models with cells that have no grade or no answer."""
    ungraded = np.isnan(np.asarray(s.bench.Y))
    unanswered = np.isnan(np.asarray(s.bench.tokens_out))
    uncounted = np.isnan(np.asarray(s.bench.tokens_in))
    for what, holes in (("a grade", ungraded), ("an answer", unanswered), ("known input tokens", uncounted)):
        models = [m for m, column in zip(s.bench.model_ids, holes.T, strict=True) if column.any()]
        if models:
            message = f"cells without {what}, of {some(models)}"
            level: Level = "note" if s.recorded_costs and what != "a grade" else "warning"  # nothing is made from them
            yield Finding(level, "missing", message, int(holes.sum()), _rows_of(s, holes))
    empty = [m for m, column in zip(s.bench.model_ids, ungraded.T, strict=True) if column.all()]
    if empty:
        yield Finding("warning", "missing", f"models without any grade: {some(empty)}", len(empty))


def _rows_of(s: Subject, cells: np.ndarray) -> list[str]:
    return s.examples(np.flatnonzero(cells.any(axis=1)))


def _same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    same: np.ndarray = (a == b) | (np.isnan(a) & np.isnan(b))
    return same
