"""Rank intervals and the set for rank 1: by hand, invariants, and (slow) coverage on simulated routers."""

import numpy as np
import pytest
from scipy.stats import norm

from vlrb.metrics.bootstrap import resampled_sums
from vlrb.metrics.ranks import rank_intervals


def test_by_hand() -> None:
    """Figures .80 .70 .69; the differences of a and b to c move by ±.02 and ±.03 in half of the resamples each.

    Every difference stands at plus or minus one spread s in each resample (ddof 1 over four: sd = s·√(4/3)), so each
    studentised deviation is √(3/4) and so is q; the reach of an interval is q · s·√(4/3) = s again.
    b − c = .01 within s = .03: not told apart. a − b = .10 beyond its s = .05, a − c = .11 beyond .02.
    So a has rank 1, b and c have 2 or 3.
    """
    noise = np.array([[0.02, -0.03, 0.0], [-0.02, 0.03, 0.0]] * 2)
    values = np.array([0.80, 0.70, 0.69])
    ranks = rank_intervals(values, values + noise)
    assert ranks.low.tolist() == [1, 2, 2]
    assert ranks.high.tolist() == [1, 3, 3]
    assert ranks.best.tolist() == [True, False, False]
    near = rank_intervals(np.array([0.71, 0.70, 0.69]), np.array([0.71, 0.70, 0.69]) + noise)
    assert near.low.tolist() == [1, 1, 1]  # a − b = .01 and a − c = .02 within .05 and .02 (their ends included)
    assert near.high.tolist() == [3, 3, 3]


def test_not_transitive() -> None:
    """a > c, but b can be told from neither: reach .06 for b's differences (own noise), .04 for a − c."""
    shared = np.array([1.0, -1.0] * 4)[:, None]
    own = np.array([1.0, 1.0, -1.0, -1.0] * 2)[:, None]
    values = np.array([0.75, 0.72, 0.69])
    resampled = values + 0.04 * own * [0, 1, 0] + 0.02 * shared * [1, 0, -1]
    ranks = rank_intervals(values, resampled)
    assert ranks.low.tolist() == [1, 1, 2]
    assert ranks.high.tolist() == [2, 3, 3]


def test_alone_and_equal() -> None:
    alone = rank_intervals(np.array([0.7]), np.array([[0.6], [0.8]]))
    assert (alone.low.tolist(), alone.high.tolist(), alone.best.tolist()) == ([1], [1], [True])
    noise = np.random.default_rng(0).normal(0, 0.01, (200, 1))
    twins = rank_intervals(np.array([0.7, 0.7, 0.6]), np.array([0.7, 0.7, 0.6]) + noise)
    assert twins.low.tolist() == [1, 1, 3]  # the third is lower by .1 in every resample
    assert twins.high.tolist() == [2, 2, 3]


def test_order_does_not_matter_and_the_top_is_always_in_the_set() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        values = rng.normal(0.7, 0.02, 7)
        resampled = values + rng.normal(0, 0.015, (300, 7)) + rng.normal(0, 0.02, (300, 1))
        ranks = rank_intervals(values, resampled)
        order = rng.permutation(7)
        moved = rank_intervals(values[order], resampled[:, order])
        assert (moved.low == ranks.low[order]).all()
        assert (moved.high == ranks.high[order]).all()
        own = (-values).argsort().argsort() + 1
        assert (ranks.low <= own).all()
        assert (own <= ranks.high).all()
        assert ranks.best[values.argmax()]


def test_a_wider_level_never_narrows_the_ranks() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(0.7, 0.03, 9)
    resampled = values + rng.normal(0, 0.015, (500, 9))
    narrow, wide = rank_intervals(values, resampled, 0.5), rank_intervals(values, resampled, 0.99)
    assert (wide.low <= narrow.low).all()
    assert (narrow.high <= wide.high).all()
    assert (narrow.high - narrow.low).sum() < (wide.high - wide.low).sum()


@pytest.mark.slow
@pytest.mark.parametrize("truth", [[0.7] * 6, [0.76, 0.7, 0.7, 0.7, 0.7, 0.7], [0.75, 0.73, 0.71, 0.69, 0.67, 0.65]])
def test_coverage(truth: list[float]) -> None:
    """Every router's true rank (any rank among its ties) is covered, and a best router is in the set, in 95 %."""
    theta, trials, groups = np.array(truth), 300, 120
    best = np.flatnonzero(theta == theta.max())
    first = 1 + (theta[None] > theta[:, None]).sum(axis=1)
    last = len(theta) - (theta[None] < theta[:, None]).sum(axis=1)
    rng = np.random.default_rng(0)
    covered, in_set = np.zeros(len(theta)), np.zeros(len(best))
    for trial in range(trials):
        group = np.repeat(np.arange(groups), rng.integers(1, 4, groups))
        shared = np.sqrt(0.3) * (rng.standard_normal(groups)[group] + rng.standard_normal(len(group)))
        y = shared + np.sqrt(0.4) * rng.standard_normal((len(theta), len(group))) < norm.ppf(theta)[:, None]
        columns = np.append(y, np.ones((1, len(group))), axis=0).T.astype(float)
        sums = resampled_sums(columns, group, np.zeros(len(group), int), 500, seed=trial)
        ranks = rank_intervals(y.mean(axis=1), sums[:, :-1] / sums[:, -1:])
        covered += (ranks.low <= first) & (last <= ranks.high)
        in_set += ranks.best[best]
    assert (covered / trials >= 0.91).all()  # nominal .95; binomial sd .013
    assert (in_set / trials >= 0.93).all()
