"""Choosing one of several operating points on dev."""

import numpy as np


def one_standard_error(score: np.ndarray, cost: np.ndarray, error: float) -> int | None:
    """Return the cheapest point whose score is within one standard error of the best; None if none has a score.

    Among dozens of near-equal points the best dev score is the luckiest one: with 140 dev samples and 60 candidates it
    is too high by .043 on average, with 3,054 samples by .009 (simulated). Points that dev cannot tell from the best
    are equal as far as dev knows, so the cheapest of them is taken (the rule of Breiman et al. 1984, section 3.4.3,
    with cost in the place of size). Ties go to the higher score, then to the earlier point.

    Args:
        score: (k,) dev scores, higher = better, NaN = undefined (never chosen).
        cost: (k,) dev costs, NaN = unknown (after all known ones).
        error: Standard error of the best point's score; 0 = take the best.

    >>> score, cost = np.array([0.78, 0.775, 0.70]), np.array([3.0, 2.0, 1.0])
    >>> one_standard_error(score, cost, 0.01), one_standard_error(score, cost, 0.0)  # .775 ≥ .78 − .01
    (1, 0)
    """
    score, cost = np.asarray(score, np.float64), np.asarray(cost, np.float64)
    if not np.isfinite(score).any():
        return None
    lowest = np.nanmax(score) - max(error, 0.0)
    near = np.flatnonzero(np.nan_to_num(score, nan=-np.inf) >= lowest)
    order = np.lexsort((near, -score[near], np.nan_to_num(cost[near], nan=np.inf)))
    return int(near[order[0]])
