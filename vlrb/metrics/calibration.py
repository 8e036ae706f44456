"""How far probabilities of being right can be trusted: Brier score, expected calibration error, reliability curve.

All take the pairs of a sample and a model as so many independent statements; unknown outcomes (NaN) are left out.
"""

from typing import NamedTuple

import numpy as np

from vlrb.metrics.outcomes import is_correct
from vlrb.metrics.value import Value, undefined

BINS = 10


class Reliability(NamedTuple):
    """Statements by how likely they said it was, in equally wide bins; bins without any are left out.

    Attributes:
        low: (k,) lower edge of each bin.
        high: (k,) upper edge.
        n: (k,) statements in it.
        predicted: (k,) their mean probability.
        observed: (k,) share of them that were right.
    """

    low: np.ndarray
    high: np.ndarray
    n: np.ndarray
    predicted: np.ndarray
    observed: np.ndarray


def brier_score(probability: np.ndarray, Y: np.ndarray) -> Value:
    """Return the mean of (p − y)² over known cells (Brier, 1950): 0 = certain and right, 0.25 = always one half.

    Args:
        probability: (n, m) in [0, 1].
        Y: (n, m) quality, NaN = unknown.

    >>> round(brier_score(np.array([[0.8, 0.6]]), np.array([[1.0, 0.0]])).value, 4)  # (.04 + .36) / 2
    0.2
    """
    p, y = _known(probability, Y)
    return Value(float(np.square(p - y).mean())) if len(p) else undefined("no known outcome")


def expected_calibration_error(probability: np.ndarray, Y: np.ndarray, bins: int = BINS) -> Value:
    """Return Σ (nₖ/n)·|mean p − share right| over equally wide bins (Guo et al., 2017).

    Args:
        probability: (n, m) in [0, 1].
        Y: (n, m) quality, NaN = unknown.
        bins: Number of bins.

    >>> p, Y = np.array([[0.9, 0.9, 0.3]]), np.array([[1.0, 0.0, 0.0]])
    >>> round(expected_calibration_error(p, Y).value, 4)  # 2/3 · |.9 − .5| + 1/3 · |.3 − 0|
    0.3667
    """
    curve = reliability_curve(probability, Y, bins)
    if not len(curve.n):
        return undefined("no known outcome")
    return Value(float((curve.n * np.abs(curve.predicted - curve.observed)).sum() / curve.n.sum()))


def reliability_curve(probability: np.ndarray, Y: np.ndarray, bins: int = BINS) -> Reliability:
    """Return mean probability and share right in equally wide bins of probability, lower edges included.

    Args:
        probability: (n, m) in [0, 1].
        Y: (n, m) quality, NaN = unknown.
        bins: Number of bins.
    """
    p, y = _known(probability, Y)
    place = np.minimum((p * bins).astype(np.int64), bins - 1)
    n, total_p, total_y = (np.bincount(place, weights, minlength=bins) for weights in (None, p, y))
    kept = np.flatnonzero(n)
    predicted, observed = total_p[kept] / n[kept], total_y[kept] / n[kept]
    return Reliability(kept / bins, (kept + 1) / bins, n[kept], predicted, observed)


def _known(probability: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = ~np.isnan(Y)
    return np.asarray(probability, np.float64)[known], is_correct(np.asarray(Y)[known]).astype(np.float64)
