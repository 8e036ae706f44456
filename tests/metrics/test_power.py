"""The smallest detectable difference: known figures, by hand, and (slow) the power it promises."""

import numpy as np
import pytest

from vlrb.metrics.bootstrap import resampled_sums
from vlrb.metrics.power import (
    design_effect,
    design_effects,
    detectable_difference,
    detectable_errors,
    disagreement,
)
from vlrb.metrics.sign_flip import sign_flip_p_values


def test_known_figures() -> None:
    assert detectable_difference(0.25, 280) == pytest.approx(0.0837, abs=5e-5)  # 2.8016 · √(.25/280)
    assert detectable_difference(0.25, 6108) == pytest.approx(0.0179, abs=5e-5)
    assert detectable_difference(0.25, 6108, design_effect=1.5) == pytest.approx(0.0220, abs=5e-5)
    assert detectable_errors(alpha=0.05, power=0.5) == pytest.approx(1.95996, abs=1e-5)  # z of the power: 0


def test_nothing_to_say() -> None:
    assert detectable_difference(0.25, 0) is None
    assert detectable_difference(0.0, 100) is None
    assert detectable_difference(0.25, 100, np.nan) is None
    assert disagreement(np.zeros(0), np.zeros(0)) is None
    assert design_effect(np.zeros(0), np.zeros(0, int), np.zeros(0, int)) is None
    assert design_effect(np.zeros(3), np.arange(3), np.zeros(3, int)) is None  # never differ
    assert design_effect(np.array([1.0, 0.0]), np.arange(2), np.arange(2)) is None  # one group a stratum
    many = design_effects(np.array([[1.0, 0, 0], [0, 0, 0]]), np.arange(3), np.zeros(3, int))
    assert np.isnan(many).tolist() == [False, True]


def test_design_effect_by_hand() -> None:
    """d = 1, 1, 0, −1, 0, 0 in groups {1, 1}, {0}, {−1, 0}, {0}; mean 1/6.

    Sums of deviations 2 − 2/6 = 5/3, −1/6, −1 − 2/6 = −4/3, −1/6: squares 25/9 + 1/36 + 16/9 + 1/36 = 166/36.
    4/3 · 166/36 = 6.148 against Σ d² = 3: 2.049.
    """
    difference, group = np.array([1.0, 1, 0, -1, 0, 0]), np.array([0, 0, 1, 2, 2, 3])
    assert design_effect(difference, group, np.zeros(6, int)) == pytest.approx(4 / 3 * 166 / 36 / 3)


def test_unrelated_samples_have_no_design_effect_and_twins_have_two() -> None:
    difference = np.random.default_rng(0).choice([-1.0, 0.0, 1.0], 4000, p=[0.125, 0.75, 0.125])
    alone, stratum = np.arange(4000), np.zeros(4000, int)
    assert design_effect(difference, alone, stratum) == pytest.approx(1.0, abs=0.01)
    twice = np.repeat(difference, 2)
    assert design_effect(twice, np.repeat(alone, 2), np.repeat(stratum, 2)) == pytest.approx(2.0, abs=0.02)


def test_design_effect_agrees_with_the_bootstrap() -> None:
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(300), rng.integers(1, 6, 300))
    stratum = (group % 3).astype(int)
    difference = np.sign(rng.normal(0, 1, 300)[group] + rng.normal(0, 1, len(group))) * (rng.random(len(group)) < 0.3)
    columns = np.stack([difference, np.ones(len(group))], axis=1)
    sums = resampled_sums(columns, group, stratum, 4000, seed=0)
    effect = design_effect(difference, group, stratum)
    assert effect is not None
    assert effect > 1.2
    error = np.sqrt(effect * (difference**2).sum()) / len(group)
    assert np.std(sums[:, 0] / sums[:, 1]) == pytest.approx(error, rel=0.06)


@pytest.mark.slow
def test_the_promised_power() -> None:
    """True differences of the detectable size are found in 80 % of splits, by the paired sign-flip test."""
    n, disagree = 600, 0.25
    size = detectable_difference(disagree, n)
    assert size is not None
    rng = np.random.default_rng(0)
    shares = [(disagree - size) / 2, 1 - disagree, (disagree + size) / 2]
    rows = rng.choice([-1.0, 0.0, 1.0], (1500, n), p=shares)
    found = sign_flip_p_values(rows, flips=999) <= 0.05
    assert found.mean() == pytest.approx(0.80, abs=0.035)  # binomial sd .010; ties and flips cost a little
