"""Which operating point dev takes for a purpose: to match a quality, or to keep to a budget."""

import numpy as np


def cheapest_reaching(cost: np.ndarray, accuracy: np.ndarray, target: float) -> int | None:
    """Return the cheapest point that is at least as accurate as asked; None if there is none.

    On dev, with the best single model's dev accuracy as the target, this is the quality-neutral point; what its test
    cost is of the model's is the quality-neutral cost (QNC).

    Args:
        cost: (k,) dev costs, NaN = unknown.
        accuracy: (k,) dev accuracies, NaN = unknown.
        target: Accuracy asked for.

    >>> cheapest_reaching(np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.7, 0.8]), 0.65)
    1
    """
    reaches = np.flatnonzero((np.asarray(accuracy) >= target) & np.isfinite(cost))
    return int(reaches[np.lexsort((reaches, -accuracy[reaches], cost[reaches]))[0]]) if len(reaches) else None


def best_within(cost: np.ndarray, accuracy: np.ndarray, budget: float) -> int | None:
    """Return the most accurate point that costs no more than the budget, of equal ones the cheaper; None if none does.

    Args:
        cost: (k,) dev costs, NaN = unknown.
        accuracy: (k,) dev accuracies, NaN = unknown.
        budget: Highest mean cost.

    >>> best_within(np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.7, 0.8]), 2.5)
    1
    >>> best_within(np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.7, 0.8]), 0.5)
    """
    fits = np.flatnonzero((np.asarray(cost) <= budget) & np.isfinite(accuracy))
    return int(fits[np.lexsort((fits, cost[fits], -accuracy[fits]))[0]]) if len(fits) else None
