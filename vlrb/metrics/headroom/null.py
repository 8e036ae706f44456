"""What luck, difficulty and ability give by themselves: figures of outcomes drawn from a fitted Rasch model."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from vlrb.metrics.headroom.oracles import greedy_pool
from vlrb.metrics.headroom.rasch import Rasch

REPLICATES = 400


class Band(NamedTuple):
    """Mean and central 95 % of a figure over replicates."""

    mean: float
    low: float
    high: float


class NullFigures(NamedTuple):
    """Figures under the null.

    Attributes:
        oracle: Share of samples that some model solves.
        best_single: Accuracy of the best model of each replicate.
        pool: Oracle of the greedy pools of 1 … m models.
        counts: (m + 1, 3) share of samples that 0 … m models solve: mean, low, high.
        above: Share of replicates whose oracle is at least the observed one.
    """

    oracle: Band
    best_single: Band
    pool: list[Band]
    counts: np.ndarray
    above: float


def band(values: np.ndarray) -> Band:
    """Return mean and central 95 % of (B,) values.

    >>> band(np.arange(41.0))
    Band(mean=20.0, low=1.0, high=39.0)
    """
    low, high = np.quantile(values, [0.025, 0.975])
    return Band(float(values.mean()), float(low), float(high))


def simulate_null(y: np.ndarray, fitted: Rasch, replicates: int, seed: int) -> NullFigures:
    """Draw outcomes from a Rasch model, unknown where y is, and return their figures.

    Args:
        y: (n, m) observed outcomes: 1, 0, NaN unknown.
        fitted: The model that was fitted to them.
        replicates: How many times, ≥ 1.
        seed: Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    n, m = y.shape
    unknown = np.isnan(y)
    observed = (y == 1).any(axis=1).mean()
    ability = np.where(np.isnan(fitted.ability), -np.inf, fitted.ability).astype(np.float32)
    pools, counts, best = np.empty((replicates, m)), np.empty((replicates, m + 1)), np.empty(replicates)
    cells = (~unknown).sum(axis=0)
    for b in range(replicates):
        difficulty = rng.standard_normal((n, 1), dtype=np.float32) * np.float32(fitted.spread)
        right = rng.random((n, m), dtype=np.float32) < expit(ability - difficulty)
        right &= ~unknown
        best[b] = (right.sum(axis=0) / np.maximum(cells, 1)).max()
        counts[b] = np.bincount(right.sum(axis=1), minlength=m + 1) / n
        pools[b] = [pool.oracle for pool in greedy_pool(right)]
    oracle = 1.0 - counts[:, 0]
    edges = np.quantile(counts, [0.025, 0.975], axis=0)
    return NullFigures(
        band(oracle),
        band(best),
        [band(pools[:, k]) for k in range(m)],
        np.stack([counts.mean(axis=0), *edges], axis=1),
        float((oracle >= observed).mean()),
    )
