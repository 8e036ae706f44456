"""Accuracy, quality and cost: means over complete sets only."""

import numpy as np

from vlrb.metrics.outcomes import is_correct
from vlrb.metrics.value import Value, undefined


def complete_mean(values: np.ndarray, what: str) -> Value:
    """Return the mean of (n,) values; undefined if the set is empty or any value is unknown (NaN).

    A mean over the known part would compare routers on different samples, and each could raise its own by choosing
    models with holes. So there is none, and the reason says how many are missing.

    >>> complete_mean(np.array([1.0, 0.0]), "quality")  # (1 + 0) / 2
    Value(value=0.5, reason=None)
    >>> complete_mean(np.array([1.0, np.nan]), "quality").reason
    '1 of 2 samples have no quality for the chosen model'
    """
    if not len(values):
        return undefined("no samples")
    missing = int(np.isnan(values).sum())
    if missing:
        return undefined(f"{missing:,} of {len(values):,} samples have no {what} for the chosen model")
    return Value(float(np.mean(values, dtype=np.float64)))


def accuracy(quality: np.ndarray) -> Value:
    """Return the share of samples answered rightly, mean of y = 1[Y ≥ 0.5].

    Args:
        quality: (n,) quality of the chosen models in [0, 1], NaN = unknown.

    >>> accuracy(np.array([1.0, 0.5, 0.4, 0.0]))  # right, right, wrong, wrong
    Value(value=0.5, reason=None)
    """
    return complete_mean(is_correct(quality), "quality")


def mean_quality(quality: np.ndarray) -> Value:
    """Return the mean quality, partial credit included.

    >>> mean_quality(np.array([1.0, 0.5, 0.4, 0.1]))  # (1 + .5 + .4 + .1) / 4
    Value(value=0.5, reason=None)
    """
    return complete_mean(np.asarray(quality, dtype=np.float64), "quality")


def mean_cost(cost: np.ndarray) -> Value:
    """Return the mean cost in USD per query.

    >>> mean_cost(np.array([0.001, 0.003]))
    Value(value=0.002, reason=None)
    """
    return complete_mean(np.asarray(cost, dtype=np.float64), "cost")
