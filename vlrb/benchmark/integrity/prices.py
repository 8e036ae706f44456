"""Whether every model has a price, and costs are known exactly where they can be."""

from collections.abc import Iterator

import numpy as np

from vlrb.benchmark.integrity.findings import Finding, Subject, some


def prices(s: Subject) -> Iterator[Finding]:
    """Check prices, cost bounds and costs."""
    missing = missing_prices(s)
    if missing:
        yield Finding("warning", "prices", f"no price in {s.costs.name} for {some(missing)}", len(missing))
    if s.costs.bounds.reason:
        yield Finding("warning", "prices", f"cost bounds give no scale: {s.costs.bounds.reason}")
    if s.recorded_costs:
        holes = np.isnan(np.asarray(s.costs.C))
        if holes.any():
            models = [m for m, column in zip(s.bench.model_ids, holes.T, strict=True) if column.any()]
            message = f"cells without a recorded cost, of {some(models)}"
            yield Finding("warning", "prices", message, int(holes.sum()), s.examples(np.flatnonzero(holes.any(axis=1))))
        return
    unknown = np.isnan(np.asarray(s.bench.tokens_out)) | np.isnan(np.asarray(s.bench.tokens_in))
    unknown[:, [s.bench.model_ids.index(model_id) for model_id in missing]] = True
    differ = np.isnan(np.asarray(s.costs.C)) != unknown
    if differ.any():
        rows = np.flatnonzero(differ.any(axis=1))
        message = "cells with tokens and a price but no cost, or the reverse"
        yield Finding("error", "prices", message, int(differ.sum()), s.examples(rows))


def missing_prices(s: Subject) -> list[str]:
    """Return the models that the price book has no price for."""
    if s.recorded_costs:
        known = ~np.isnan(np.asarray(s.costs.C)).all(axis=0)
        return [model_id for model_id, has_cost in zip(s.bench.model_ids, known, strict=True) if not has_cost]
    return [model_id for model_id in s.bench.model_ids if s.costs.prices["prices"].get(model_id) is None]
