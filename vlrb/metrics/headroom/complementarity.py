"""How models complement one another, pair by pair."""

from typing import NamedTuple

import numpy as np


class Pairs(NamedTuple):
    """Figures of pairs of models over the samples on which both are known; NaN where there are none.

    Attributes:
        only: (m, m) share where the row's model is right and the column's wrong.
        both_wrong: (m, m) double fault: share where both are wrong.
        correlation: (m, m) correlation of their errors (φ); NaN where one is always right or always wrong.
        n: (m, m) samples on which both are known.
    """

    only: np.ndarray
    both_wrong: np.ndarray
    correlation: np.ndarray
    n: np.ndarray


def pairs(y: np.ndarray) -> Pairs:
    """Return how pairs of models complement one another (Kuncheva & Whitaker 2003 give the measures).

    Args:
        y: (n, m) outcomes: 1, 0, NaN unknown.

    >>> found = pairs(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]]))
    >>> found.only.tolist(), found.both_wrong[0, 1].item()  # model 0 alone is right twice in four
    ([[0.0, 0.5], [0.0, 0.0]], 0.25)
    """
    right = (y == 1).astype(np.float64)
    wrong = (y == 0).astype(np.float64)
    n11, n10, n00 = right.T @ right, right.T @ wrong, wrong.T @ wrong
    n = n11 + n10 + n10.T + n00
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt((n11 + n10) * (n11 + n10.T) * (n00 + n10) * (n00 + n10.T))
        correlation = np.where(spread > 0, (n11 * n00 - n10 * n10.T) / spread, np.nan)
        return Pairs(n10 / n, n00 / n, correlation, n.astype(np.int64))
