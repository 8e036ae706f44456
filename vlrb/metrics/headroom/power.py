"""The smallest difference that a test split can show."""

import math
from typing import NamedTuple

import numpy as np

TWO_SIDED = 1.959964  # 97.5 % point of the normal distribution: level 5 %
POWER = 0.841621  # 80 % point: power 80 %


class Detectable(NamedTuple):
    """Smallest true difference in accuracy that a paired test shows with power 80 % at level 5 %.

    Attributes:
        difference: The difference; None where nothing disagrees.
        disagreement: Share of samples where exactly one of the two is right.
        design_effect: How much related samples widen the variance, ≥ 1 means wider; 1 = as if unrelated.
        n: Samples.
        groups: Split groups.
    """

    difference: float | None
    disagreement: float
    design_effect: float
    n: int
    groups: int


def detectable(a: np.ndarray, b: np.ndarray, split_group: np.ndarray, n: int, groups: int) -> Detectable:
    """Return what n samples can show, judged by how outcomes a and b (k,) differ on all samples at hand.

    difference = (1.96 + 0.84) · √(disagreement · design effect / n): McNemar's test at a difference that is small
    beside the disagreement (Connor 1987), widened by the design effect (Kish 1965) of split groups.

    Args:
        a: Outcomes of one choice, 1 or 0, no NaN.
        b: Outcomes of the other.
        split_group: (k,) int codes of related samples.
        n: Samples of the split that is to show the difference.
        groups: Its split groups.

    >>> a, b = np.array([1.0, 1, 0, 1] * 100), np.array([1.0, 0, 0, 1] * 100)  # they differ on a quarter
    >>> round(detectable(a, b, np.arange(400), 280, 280).difference, 3)  # 2.8016 · √(.25 / 280)
    0.084
    """
    apart = a - b
    share = float((apart != 0).mean()) if len(apart) else 0.0
    effect = _design_effect(apart, split_group)
    if not share or not n:
        return Detectable(None, share, effect, n, groups)
    return Detectable((TWO_SIDED + POWER) * math.sqrt(share * effect / n), share, effect, n, groups)


def _design_effect(values: np.ndarray, split_group: np.ndarray) -> float:
    """Return the variance of a mean over clusters relative to unrelated samples, at least 1."""
    if len(values) < 2:
        return 1.0
    centred = values - values.mean()
    alone = float((centred**2).sum())
    _, code = np.unique(split_group, return_inverse=True)
    together = float((np.bincount(code, weights=centred) ** 2).sum())
    return max(1.0, together / alone) if alone > 0 else 1.0
