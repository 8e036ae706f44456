"""Rank intervals and the confidence set for rank 1, from resamples in which all routers were judged together.

"Cannot be told apart" is not transitive, so tiers do not exist; what can be said is, for each router, which ranks the
data allow. Router i is compared with all others at once: its differences to them get simultaneous intervals

    Δ_ij ± q_i · se_ij,   q_i = 95 % quantile over resamples of max_j |Δ*_ij − Δ_ij| / se_ij,

and its rank is at least 1 + the number of routers above it beyond their interval, at most R − the number below
(Mogstad, Romano, Shaikh & Wilhelm 2024, Review of Economic Studies 91, marginal confidence sets for ranks). Each
interval holds with 95 % for its own router. Percentiles of bootstrapped ranks would be simpler and are wrong: where
routers are nearly equal the rank is no smooth function of the figures and they do not cover.

The routers whose interval starts at 1 are the confidence set for rank 1. It holds the best one with 95 %, since only
that one's own interval must hold: Hsu's multiple comparisons with the best (Hsu 1981, Annals of Statistics 9), here
with two-sided constants, so that the set and the intervals never disagree; for the set alone they are cautious.
"""

from typing import NamedTuple

import numpy as np

from vlrb.metrics.bootstrap import LEVEL

ROUNDING = 1e-12  # standard errors and differences below this are rounding


class Ranks(NamedTuple):
    """Lowest and highest rank (1 = best) that the data allow each of R routers, (R,) int each."""

    low: np.ndarray
    high: np.ndarray

    @property
    def best(self) -> np.ndarray:
        """Return which routers are in the confidence set for rank 1, (R,) bool."""
        return np.asarray(self.low == 1)


def rank_intervals(values: np.ndarray, resampled: np.ndarray, level: float = LEVEL) -> Ranks:
    """Return the interval of each router's rank; higher values are better.

    Two routers that never differ in a resample share their ranks if they are equal, and are told apart for certain if
    they are not.

    Args:
        values: (R,) figures, finite.
        resampled: (B, R) the same figures in joint resamples, B ≥ 2.
        level: Confidence level of each interval.

    Three routers whose figures lie far apart in every resample, then two of them with large common noise:

    >>> noise = np.array([[-0.01], [0.0], [0.01]])
    >>> rank_intervals(np.array([0.7, 0.9, 0.8]), np.array([0.7, 0.9, 0.8]) + noise * [1, 2, 3])
    Ranks(low=array([3, 1, 2]), high=array([3, 1, 2]))
    >>> rank_intervals(np.array([0.70, 0.71]), np.array([[0.75, 0.66], [0.70, 0.71], [0.65, 0.76]]))
    Ranks(low=array([1, 1]), high=array([2, 2]))
    """
    values = np.asarray(values, dtype=np.float64)
    count = len(values)
    low, high = np.ones(count, dtype=np.int64), np.full(count, count, dtype=np.int64)
    noise = np.ascontiguousarray((resampled - values).T)  # (R, B)
    for router in range(count if count > 1 else 0):
        difference = values - values[router]  # positive: the other one is better
        reach = _reach(noise - noise[router], level)
        low[router] += (difference > reach).sum()
        high[router] -= (difference < -reach).sum()
    return Ranks(low, high)


def _reach(noise: np.ndarray, level: float) -> np.ndarray:
    """Return q · se of each of several differences, (R,), from what resampling adds to them, (R, B); overwrites it."""
    resamples = noise.shape[1]
    squares = np.einsum("rb,rb->r", noise, noise) - resamples * noise.mean(axis=1) ** 2
    error = np.sqrt(np.maximum(squares, 0) / (resamples - 1))
    moving = ~(error <= ROUNDING)  # an undefined resample tells nobody apart
    scaled = np.abs(noise, out=noise)[moving]
    if len(scaled):
        scaled /= error[moving, None]
        error *= np.quantile(scaled.max(axis=0), level)
    return np.asarray(np.maximum(error, ROUNDING))
