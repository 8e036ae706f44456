"""The null model: fits against brute force and known parameters, draws against exact probabilities."""

from itertools import product

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from vlrb.metrics.headroom.conditional import draw, expected_outcomes, fit_conditional
from vlrb.metrics.headroom.null import simulate_null
from vlrb.metrics.headroom.rasch import fit_rasch, patterns
from vlrb.utils.errors import DataError

ABILITY = np.array([-1.5, -0.5, 0.0, 0.4, 1.0, 2.0])
SPREAD = 1.6


def rasch_outcomes(n: int, rng: np.random.Generator, unknown: float = 0.0) -> np.ndarray:
    y = (rng.random((n, 6)) < expit(ABILITY - SPREAD * rng.standard_normal((n, 1)))).astype(float)
    y[rng.random(y.shape) < unknown] = np.nan
    return y


@pytest.mark.parametrize("unknown", [0.0, 0.3])
def test_parameters_come_back(unknown: float) -> None:
    fitted = fit_rasch(rasch_outcomes(6000, np.random.default_rng(1), unknown))
    np.testing.assert_allclose(fitted.ability, ABILITY, atol=0.15)
    assert fitted.spread == pytest.approx(SPREAD, abs=0.1)


def test_unknown_cells_are_not_wrong_answers() -> None:
    y = rasch_outcomes(3000, np.random.default_rng(2))
    y[::2, 5] = np.nan
    assert fit_rasch(y).ability[5] > 1.7  # counted as wrong, half of the answers would pull it to about 0


def test_the_fit_maximises_the_likelihood() -> None:
    """An independent likelihood, by adaptive quadrature, is lower on every side."""
    y = rasch_outcomes(60, np.random.default_rng(3))[:, :3]
    y[0, 0] = np.nan

    def likelihood(ability: np.ndarray, spread: float) -> float:
        total = 0.0
        for row, count in zip(*np.unique(y, axis=0, return_counts=True), strict=True):
            seen = ~np.isnan(row)

            def density(b: float, row: np.ndarray = row, seen: np.ndarray = seen) -> float:
                p = expit(ability[seen] - b)
                return float(np.prod(np.where(row[seen] == 1, p, 1 - p)) * norm.pdf(b, scale=spread))

            total += count * np.log(quad(density, -9 * spread, 9 * spread)[0])
        return total

    fitted = fit_rasch(y)
    best = likelihood(fitted.ability, fitted.spread)
    for step in (0.02, -0.02):
        for column in range(3):
            moved = fitted.ability.copy()
            moved[column] += step
            assert likelihood(moved, fitted.spread) < best
        assert likelihood(fitted.ability, fitted.spread + step) < best


def test_models_without_a_finite_ability() -> None:
    y = np.array([[1.0, 0, 1, np.nan], [1, 0, 0, np.nan], [1, 0, 1, np.nan]])
    ability = fit_rasch(y).ability
    assert (ability[0], ability[1]) == (np.inf, -np.inf)
    assert np.isfinite(ability[2])
    assert np.isnan(ability[3])
    null = simulate_null(y, fit_rasch(y), 50, 0)
    assert null.oracle == (1.0, 1.0, 1.0)  # the model that is always right stays so
    assert fit_rasch(np.ones((4, 2))).spread == 0.0
    with pytest.raises(DataError, match="no outcome is known"):
        fit_rasch(np.full((3, 2), np.nan))


def test_oracle_of_the_null_against_exact_integration() -> None:
    """Without unknown cells the expected oracle is 1 − ∫ Π (1 − p_m(b)) φ(b) db."""
    y = rasch_outcomes(800, np.random.default_rng(4))
    fitted = fit_rasch(y)
    nobody = quad(
        lambda b: float(np.prod(1 - expit(fitted.ability - b)) * norm.pdf(b, scale=fitted.spread)),
        -12,
        12,
    )[0]
    null = simulate_null(y, fitted, 200, 0)
    assert null.oracle.mean == pytest.approx(1 - nobody, abs=0.003)
    assert null.oracle.low < (y == 1).any(axis=1).mean() < null.oracle.high
    assert null.counts[:, 0].sum() == pytest.approx(1.0)
    assert null.pool[-1] == null.oracle


def brute_force(ability: np.ndarray, known: np.ndarray, solved: int) -> np.ndarray:
    """Probability of being right given the number of right answers, by listing all outcomes."""
    weights, total = np.zeros(len(ability)), 0.0
    for outcome in product([0, 1], repeat=len(ability)):
        row = np.array(outcome)
        if row.sum() == solved and not row[~known].any():
            weight = float(np.exp(ability @ row))
            total += weight
            weights += weight * row
    return weights / total


def test_conditional_probabilities_against_enumeration() -> None:
    y = rasch_outcomes(400, np.random.default_rng(5), unknown=0.2)
    fitted = fit_conditional(y)
    expected = expected_outcomes(fitted)
    for row in range(25):
        known = ~np.isnan(y[row])
        wanted = brute_force(fitted.ability, known, int(np.nansum(y[row])))
        np.testing.assert_allclose(expected[row], wanted, atol=1e-9)


def test_conditional_fit_agrees_with_every_models_total_and_with_the_marginal_one() -> None:
    y = rasch_outcomes(5000, np.random.default_rng(6), unknown=0.1)
    fitted = fit_conditional(y)
    np.testing.assert_allclose(expected_outcomes(fitted).sum(axis=0), np.nansum(y, axis=0), rtol=1e-6)
    np.testing.assert_allclose(fitted.ability, ABILITY - ABILITY.mean(), atol=0.15)


def test_draws_keep_the_difficulty_of_every_sample() -> None:
    rng = np.random.default_rng(7)
    y = rasch_outcomes(3000, rng, unknown=0.2)
    fitted = fit_conditional(y)
    drawn = [draw(fitted, rng) for _ in range(20)]
    for outcome in drawn:
        assert np.array_equal(outcome.sum(axis=1), np.nansum(y, axis=1))
        assert not outcome[np.isnan(y)].any()
    np.testing.assert_allclose(np.mean(drawn, axis=(0, 1)), expected_outcomes(fitted).mean(axis=0), atol=0.01)


def test_patterns_gather_equal_holes() -> None:
    y = np.array([[1.0, np.nan], [0.0, 1.0], [np.nan, 1.0], [1.0, np.nan]])
    found = patterns(y)
    assert len(found.known) == 3
    assert found.pattern[0] == found.pattern[3]
    assert found.solved.tolist() == [1, 1, 1, 1]
