"""Oracles, pools, groups and guessing: tiny cases by hand, brute force, invariants."""

from itertools import combinations

import numpy as np
import pytest

from vlrb.metrics.headroom import groups, oracles
from vlrb.metrics.headroom.complementarity import pairs
from vlrb.metrics.headroom.guessing import chance_corrected

NAN = float("nan")
Y = np.array(
    [
        [1, 0, 0],
        [1, 1, 0],
        [0, NAN, 0],
        [0, 1, 1],
    ],
    dtype=float,
)


def test_oracles_by_hand() -> None:
    assert oracles.oracle_accuracy(Y) == 0.75  # the third sample is solved by nobody
    assert oracles.solve_counts(Y).tolist() == [1, 1, 2, 0]
    # accuracies .5, 2/3, .25: nobody with probability .5 · 1/3 · .75 = .125, and .5 · .75 = .375 without the second
    assert oracles.independence_oracle(Y) == pytest.approx(1 - (3 * 0.125 + 0.375) / 4)


def test_pools_against_all_subsets() -> None:
    rng = np.random.default_rng(0)
    right = rng.random((200, 7)) < rng.random(7) * 0.3
    for size, found in zip((2, 3), oracles.best_pools(right), strict=True):
        best = max(right[:, list(columns)].any(axis=1).mean() for columns in combinations(range(7), size))
        assert found.oracle == pytest.approx(best)
        assert right[:, list(found.columns)].any(axis=1).mean() == pytest.approx(best)
    greedy = oracles.greedy_pool(right)
    assert greedy[0].oracle == pytest.approx(right.mean(axis=0).max())
    assert greedy[-1].oracle == pytest.approx(right.any(axis=1).mean())
    for pool in greedy:
        assert right[:, list(pool.columns)].any(axis=1).mean() == pytest.approx(pool.oracle)
    assert len(oracles.best_pools(right[:, :2])) == 1  # two models: a pair and no three


def test_pairs_by_hand_with_a_hole() -> None:
    found = pairs(Y)
    assert found.n[0, 1] == 3
    assert found.only[0, 1] == pytest.approx(1 / 3)  # first sample
    assert found.only[1, 0] == pytest.approx(1 / 3)  # fourth
    assert found.both_wrong[0, 1] == 0
    known = ~np.isnan(Y[:, 1])
    assert found.correlation[0, 1] == pytest.approx(np.corrcoef(Y[known, 0], Y[known, 1])[0, 1])
    assert np.isnan(pairs(np.ones((3, 2))).correlation[0, 1])


def test_group_oracle_by_hand() -> None:
    group = np.array([0, 0, 1, 1])
    # group 0: model 0 twice right (1.0); group 1: model 1 is known once of two and right (1.0)
    assert groups.group_oracle(Y, group, 2) == 1.0
    rare = np.array([[0.0, NAN], [1.0, NAN], [0.0, 1.0], [1.0, NAN], [0.0, NAN]])  # known once of five: not eligible
    assert groups.group_oracle(rare, np.zeros(5, int), 1) == pytest.approx(0.4)


def test_cross_fitted_choices_never_see_what_they_are_judged_on() -> None:
    """Two folds, two groups: on fold 1 model 0 rules group 0, on fold 0 model 1 does; so each is judged wrong."""
    y = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    group, fold = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    fit = groups.cross_fit(y, group, fold)
    assert fit.choices.tolist() == [[0, 0], [1, 0]]
    assert fit.group.tolist() == [0, 0, 1, 1]
    assert fit.single.tolist() == [0, 1, 1, 1]
    gain = groups.paired_gain(fit, np.arange(4), group, 200, 0)
    assert gain is not None
    assert gain.gain == pytest.approx(0.5 - 0.75)


def test_cross_fitting_takes_luck_away() -> None:
    """Coins have no best model: in hindsight a choice by group gains, cross-fitted it does not."""
    rng = np.random.default_rng(1)
    y = (rng.random((3000, 8)) < 0.5).astype(float)
    group, related = rng.integers(0, 60, 3000), np.arange(3000)
    fold = groups.folds_of(related, groups.FOLDS, 0)
    assert groups.group_oracle(y, group, 60) > 0.57
    gain = groups.paired_gain(groups.cross_fit(y, group, fold), related, group, 500, 0)
    assert gain is not None
    assert gain.interval.low is not None
    assert gain.interval.high is not None
    assert gain.interval.low < 0 < gain.interval.high
    assert gain.group < 0.54


def test_folds_keep_related_samples_together() -> None:
    related = np.repeat(np.arange(30), 4)
    fold = groups.folds_of(related, 10, 0)
    assert all(len(set(fold[related == g])) == 1 for g in range(30))
    assert np.bincount(fold).tolist() == [12] * 10
    assert set(groups.folds_of(np.zeros(5, int), 10, 0)) == {0}


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_guessing_is_taken_out_of_the_oracle(share: float) -> None:
    """A share of the samples is known by models 0–2, everything else is guessed among four options."""
    rng = np.random.default_rng(2)
    n, m = 6000, 13
    known = rng.random(n) < share
    y = (rng.random((n, m)) < 0.25).astype(float)
    y[known, :3] = 1.0
    found = chance_corrected(y, np.full(n, 4.0))
    assert found is not None
    assert found.guessers == pytest.approx(1 - 0.75**13)
    assert found.oracle > 0.97
    assert found.corrected == pytest.approx(share, abs=0.05)
    assert found.best_single == pytest.approx(share, abs=0.03)


def test_guessing_needs_a_number_of_options() -> None:
    assert chance_corrected(Y, np.full(4, NAN)) is None
    found = chance_corrected(Y, np.array([NAN, 2.0, NAN, 2.0]))
    assert found is not None
    assert found.n == 2
