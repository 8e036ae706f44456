"""The test of models × groups: its level under the null, its power, and related samples."""

import numpy as np
import pytest
from scipy.special import expit

from vlrb.metrics.headroom.interaction import interaction_test
from vlrb.utils.errors import DataError

ABILITY = np.array([-1.0, -0.4, 0.0, 0.5, 1.2])
GROUPS = 4


def outcomes(rng: np.random.Generator, n: int, planted: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Rasch outcomes in groups of different mean difficulty; `planted` makes model g better on group g."""
    group = rng.integers(0, GROUPS, n)
    difficulty = rng.standard_normal(n) * 1.3 + np.array([-1.0, 0.0, 0.5, 1.5])[group]
    logit = ABILITY - difficulty[:, None]
    logit[np.arange(n), group] += planted
    return (rng.random(logit.shape) < expit(logit)).astype(float), group


def rejections(runs: int, planted: float, n: int = 250) -> float:
    rng = np.random.default_rng(11)
    rejected = 0
    for run in range(runs):
        y, group = outcomes(rng, n, planted)
        rejected += interaction_test(y, group, np.arange(n), 99, run).p <= 0.05
    return rejected / runs


def test_the_null_is_rarely_rejected_whatever_the_groups_difficulty() -> None:
    assert rejections(60, 0.0) <= 0.15  # .05 expected; 10 or more of 60 have probability .001


@pytest.mark.slow
def test_the_level_is_five_per_cent() -> None:
    assert 0.025 <= rejections(600, 0.0) <= 0.08  # .05 ± .0089: about three standard errors


def test_planted_specialisation_is_found() -> None:
    assert rejections(15, 1.5) == 1.0


def test_statistic_by_hand() -> None:
    """Two equal models, one right on each sample: E = .5 each. Group 0 (4 samples): 4 and 0; group 1 (4): 0 and 4.

    O − E = ±2, V = 4 · .25 = 1, four cells: Σ 4/1 = 16, times (m − 1)/m = .5: 8 on 1 degree of freedom.
    """
    y = np.array([[1.0, 0.0]] * 4 + [[0.0, 1.0]] * 4)
    group = np.repeat([0, 1], 4)
    found = interaction_test(y, group, np.arange(8), 200, 0)
    assert found.statistic == pytest.approx(8.0)
    assert found.freedom == 1
    np.testing.assert_allclose(found.residual, [[2, -2], [-2, 2]], atol=1e-6)


def test_null_statistic_has_the_mean_of_chi_squared() -> None:
    y, group = outcomes(np.random.default_rng(12), 1500)
    found = interaction_test(y, group, np.arange(1500), 300, 0)
    assert found.freedom == (GROUPS - 1) * (len(ABILITY) - 1)
    assert found.null.mean == pytest.approx(found.freedom, rel=0.1)


def test_related_samples_count_as_one() -> None:
    """Samples copied eight times look like strong evidence; kept together they are as little as before."""
    rng = np.random.default_rng(13)
    plain, together = [], []
    for run in range(12):
        y, group = outcomes(rng, 120)
        copies = np.repeat(np.arange(120), 8)
        found = interaction_test(y[copies], group[copies], copies, 99, run)
        plain.append(found.p)
        together.append(found.p_related)
    assert np.mean(np.array(plain) < 0.05) > 0.9
    assert np.mean(np.array(together) < 0.05) < 0.4


def test_unknown_cells_neither_count_nor_matter() -> None:
    rng = np.random.default_rng(14)
    y, group = outcomes(rng, 400, 1.5)
    y[rng.random(y.shape) < 0.2] = np.nan
    y[group == 0, 4] = np.nan  # a model that was never asked in one group
    found = interaction_test(y, group, np.arange(400), 99, 0)
    assert found.p <= 0.01
    assert np.isnan(found.residual[0, 4])
    assert np.isfinite(found.statistic)


def test_models_that_never_vary_are_left_out() -> None:
    y, group = outcomes(np.random.default_rng(15), 200)
    y[:, 0], y[:, 1] = 1.0, 0.0
    found = interaction_test(y, group, np.arange(200), 50, 0)
    assert found.freedom == (GROUPS - 1) * 2
    assert np.isnan(found.residual[:, :2]).all()
    assert found.best_per_group.mean == 1.0  # the model that is always right is best everywhere
    with pytest.raises(DataError, match="needs two groups"):
        interaction_test(y, np.zeros(200, int), np.arange(200), 10, 0)
    with pytest.raises(DataError, match="both right and wrong"):
        interaction_test(y[:, :2], group, np.arange(200), 10, 0)
