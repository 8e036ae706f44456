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
    unknown = np.isnan(np.asarray(s.bench.tokens_out)) | np.isnan(np.asarray(s.bench.tokens_in))
    unknown[:, [s.bench.model_ids.index(model_id) for model_id in missing]] = True
    differ = np.isnan(np.asarray(s.costs.C)) != unknown
    if differ.any():
        rows = np.flatnonzero(differ.any(axis=1))
        message = "cells with tokens and a price but no cost, or the reverse"
        yield Finding("error", "prices", message, int(differ.sum()), s.examples(rows))


def missing_prices(s: Subject) -> list[str]:
    """Return the models that the price book has no price for."""
    return [model_id for model_id in s.bench.model_ids if s.costs.prices["prices"].get(model_id) is None]
