"""Do models differ in what they are good at? Models × groups against the null of difficulty and ability alone.

The statistic compares, in every group and for every model, the right answers with those expected given how many models
solved each sample, Σ (O − E)² / V · (m − 1) / m: about χ² with (g − 1)(m − 1) degrees of freedom, after Martin-Löf
(1973) and Andersen (1973). Its distribution is taken from draws of the same null, not from a table.
"""

from typing import NamedTuple

import numpy as np

from vlrb.metrics.headroom.conditional import Conditional, draw, expected_outcomes, fit_conditional
from vlrb.metrics.headroom.groups import group_sums, hindsight
from vlrb.metrics.headroom.null import Band, band
from vlrb.metrics.headroom.rasch import informative
from vlrb.utils.errors import DataError


class Interaction(NamedTuple):
    """The test, and what a choice by group in hindsight reaches under the null.

    Attributes:
        statistic: Σ (O − E)² / V · (m − 1) / m.
        freedom: Degrees of freedom, (g − 1)(m − 1).
        null: Mean and 95 % of the statistic over draws.
        z: (statistic − mean) / standard deviation of the draws.
        p: Share of draws at least as large, (1 + k) / (1 + B).
        p_related: The same with signs of whole split groups turned: related samples count as one.
        best_per_group: Accuracy of the best model of each group in draws.
        residual: (g, m) (O − E) / √V: > 0 = the model is better there than its ability says; NaN where nothing varies.
    """

    statistic: float
    freedom: int
    null: Band
    z: float
    p: float
    p_related: float
    best_per_group: Band
    residual: np.ndarray


class _Cells(NamedTuple):
    """Sums by group and model: right answers expected, and their variance."""

    expected: np.ndarray
    variance: np.ndarray

    def residual(self, right: np.ndarray) -> np.ndarray:
        """Return right − expected (…, g, m) without what another fit of the abilities would take up."""
        apart = right - self.expected
        total = self.variance.sum(axis=0)
        share = np.divide(self.variance, total, out=np.zeros_like(self.variance), where=total > 0)
        return np.asarray(apart - share * apart.sum(axis=-2, keepdims=True))

    def statistic(self, residual: np.ndarray) -> np.ndarray:
        """Return Σ (O − E)² / V · (m − 1) / m of residuals (…, g, m)."""
        m = self.variance.shape[1]
        inverse = np.divide(1.0, self.variance, out=np.zeros_like(self.variance), where=self.variance > 1e-9)
        return np.asarray((residual**2 * inverse).sum(axis=(-2, -1)) * (m - 1) / m)


def interaction_test(
    y: np.ndarray, group: np.ndarray, split_group: np.ndarray, replicates: int, seed: int
) -> Interaction:
    """Test whether models differ between groups by more than difficulty and ability explain.

    Args:
        y: (n, m) outcomes: 1, 0, NaN unknown.
        group: (n,) int codes 0 … g − 1 of datasets or categories.
        split_group: (n,) int codes of related samples.
        replicates: Draws of the null.
        seed: Seed of the draws.

    Raises:
        DataError: Fewer than two groups, or fewer than two models that are both right and wrong.
    """
    groups = int(group.max(initial=-1)) + 1
    use = informative(y)
    if groups < 2 or use.sum() < 2:
        raise DataError("a test of models × groups needs two groups, and two models that are both right and wrong")
    fitted = fit_conditional(y[:, use])
    p = expected_outcomes(fitted)
    cells = _Cells(group_sums(p, group, groups), group_sums(p * (1 - p), group, groups))
    observed = cells.residual(group_sums(y[:, use], group, groups))
    statistic = float(cells.statistic(observed))
    drawn, best = _draws(y, use, fitted, cells, group, replicates, seed)
    turned = _turned(np.nan_to_num(y[:, use]) - p, group, split_group, cells, replicates, seed)
    scale = np.sqrt(np.where(cells.variance > 1e-9, cells.variance, np.nan))
    residual = np.full((groups, y.shape[1]), np.nan)
    residual[:, use] = observed / scale
    deviation = float(drawn.std())
    return Interaction(
        statistic=statistic,
        freedom=(groups - 1) * (int(use.sum()) - 1),
        null=band(drawn),
        z=(statistic - float(drawn.mean())) / deviation if deviation > 0 else 0.0,
        p=_share(drawn, statistic),
        p_related=_share(turned, statistic),
        best_per_group=band(best),
        residual=residual,
    )


def _share(drawn: np.ndarray, observed: float) -> float:
    return float((1 + (drawn >= observed * (1 - 1e-12)).sum()) / (1 + len(drawn)))


def _draws(
    y: np.ndarray, use: np.ndarray, fitted: Conditional, cells: _Cells, group: np.ndarray, replicates: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the statistic and the accuracy of the best model of each group, (B,) each, in draws of the null."""
    rng = np.random.default_rng(seed)
    groups = len(cells.expected)
    right = group_sums(y, group, groups)  # models that are always right or always wrong stay so
    known = group_sums(~np.isnan(y), group, groups)
    order = np.argsort(group, kind="stable")
    present, starts = np.unique(group[order], return_index=True)
    statistic, best = np.empty(replicates), np.empty(replicates)
    sums = np.zeros_like(cells.expected)
    for b in range(replicates):
        outcomes = draw(fitted, rng)[order]
        sums[present] = np.add.reduceat(outcomes, starts, axis=0, dtype=np.int64)
        statistic[b] = cells.statistic(cells.residual(sums))
        right[:, use] = sums
        best[b] = hindsight(right, known, group)
    return statistic, best


def _turned(
    residual: np.ndarray, group: np.ndarray, split_group: np.ndarray, cells: _Cells, replicates: int, seed: int
) -> np.ndarray:
    """Return the statistic with the residuals of whole split groups kept or turned by a fair coin, (B,).

    Residuals have mean 0 under the null, whatever related samples have in common; turning them keeps that.
    """
    rng = np.random.default_rng(seed + 1)
    _, cluster = np.unique(split_group, return_inverse=True)
    pairs, place = np.unique(np.stack([group, cluster], axis=1), axis=0, return_inverse=True)
    sums = group_sums(residual, place.reshape(-1), len(pairs))
    _, starts = np.unique(pairs[:, 0], return_index=True)
    ends = np.append(starts[1:], len(pairs))
    signs = rng.integers(0, 2, size=(replicates, int(cluster.max()) + 1), dtype=np.int8).astype(np.float32) * 2 - 1
    total = np.zeros((replicates, *cells.expected.shape))
    for g, first, last in zip(pairs[starts, 0], starts, ends, strict=True):
        total[:, g] = signs[:, pairs[first:last, 1]] @ sums[first:last].astype(np.float32)
    return cells.statistic(cells.residual(cells.expected + total))
