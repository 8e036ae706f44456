"""Rank Score: hand-computed values, identities, undefined cases."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.rank_score import cheapness, rank_score, rank_scores

BOUNDS = CostBounds(1.6e-5, 1.6e-3, "h")


def test_the_published_example_gives_what_the_formula_gives() -> None:
    # A = .9, c = .001, bounds .0005–.01: K = log2(10)/log2(20) = .768622, S = 1.1·.9·.768622/(.09 + .768622) = .886230
    assert rank_score(0.9, 0.001, CostBounds(0.0005, 0.01, "h")).value == pytest.approx(0.886230, abs=1e-6)


def test_it_is_a_weighted_harmonic_mean_and_not_an_f_measure() -> None:
    A, c, beta = 0.8, 1.5e-4, 0.1
    K = math.log2(1.6e-3 / c) / math.log2(100)
    inverse = (1 / (1 + beta)) / A + (beta / (1 + beta)) / K
    assert rank_score(A, c, BOUNDS).value == pytest.approx(1 / inverse, rel=1e-12)
    f_measure = (1 + beta**2) * A * K / (beta**2 * A + K)
    assert rank_score(A, c, BOUNDS).value != pytest.approx(f_measure, rel=1e-3)


def test_exchange_rate_at_a_typical_point() -> None:
    # One more point of accuracy is worth +.0082, half the price +.0240 (bounds $1.6e-5 – $1.6e-3).
    base, more, cheaper = (rank_score(a, c, BOUNDS).value for a, c in ((0.80, 1.5e-4), (0.81, 1.5e-4), (0.80, 0.75e-4)))
    assert base is not None
    assert more is not None
    assert cheaper is not None
    assert more - base == pytest.approx(0.0082, abs=5e-5)
    assert cheaper - base == pytest.approx(0.0240, abs=5e-5)


def test_a_dearer_model_in_the_pool_reverses_ranks() -> None:
    def score(accuracy: float, cost: float, cmax: float) -> float:
        value = rank_score(accuracy, cost, CostBounds(1.6e-5, cmax, "h")).value
        assert value is not None
        return value

    assert [round(score(0.80, 4.5e-4, 1.6e-3), 3), round(score(0.74, 1.0e-4, 1.6e-3), 3)] == [0.682, 0.725]
    assert [round(score(0.80, 4.5e-4, 1.6e-2), 3), round(score(0.74, 1.0e-4, 1.6e-2), 3)] == [0.762, 0.740]


def test_the_ends_of_the_scale() -> None:
    assert rank_score(0.7, 1.6e-5, BOUNDS).value == pytest.approx(1.1 * 0.7 / 1.07)  # K = 1
    assert rank_score(0.7, 1e-6, BOUNDS).value == rank_score(0.7, 1.6e-5, BOUNDS).value  # clipped below
    assert rank_score(0.7, 1.6e-3, BOUNDS).value == 0.0  # the dearest model
    assert rank_score(0.7, 1.0, BOUNDS).value == 0.0  # clipped above
    assert rank_score(0.0, 1e-4, BOUNDS).value == 0.0


@pytest.mark.parametrize(
    ("accuracy", "cost", "bounds", "reason"),
    [
        (0.5, 0.0, BOUNDS, "the mean cost is not positive"),
        (0.5, -1.0, BOUNDS, "the mean cost is not positive"),
        (None, 1e-4, BOUNDS, "accuracy or cost is undefined"),
        (0.5, None, BOUNDS, "accuracy or cost is undefined"),
        (0.5, 1e-4, CostBounds(1e-4, 1e-4, "h"), "all models cost the same"),
        (0.5, 1e-4, CostBounds(0.0, 1e-4, "h"), "the cheapest model costs nothing"),
        (0.5, 1e-4, CostBounds(None, None, "h"), "the benchmark has no cost bounds"),
        (0.5, 1e-4, CostBounds(None, None, "h", "no complete sample"), "no complete sample"),
    ],
)
def test_undefined_scores_have_a_reason(
    accuracy: float | None, cost: float | None, bounds: CostBounds, reason: str
) -> None:
    assert rank_score(accuracy, cost, bounds) == (None, reason)


@given(st.floats(0, 1), st.floats(1e-7, 1.0))
def test_finite_and_between_its_parts(accuracy: float, cost: float) -> None:
    value = rank_score(accuracy, cost, BOUNDS).value
    K = float(cheapness(cost, 1.6e-5, 1.6e-3))
    assert value is not None
    assert math.isfinite(value)
    assert min(accuracy, K) - 1e-12 <= value <= max(accuracy, K) + 1e-12


def test_array_and_scalar_agree() -> None:
    accuracy, cost = np.array([0.0, 0.3, 0.9]), np.array([1e-4, 5e-4, 2e-5])
    single = [rank_score(a, c, BOUNDS).value for a, c in zip(accuracy, cost, strict=True)]
    assert rank_scores(accuracy, cost, 1.6e-5, 1.6e-3).tolist() == single


def test_an_array_marks_what_has_no_score() -> None:
    assert np.isnan(rank_scores(np.array([0.5]), np.array([0.0]), 1e-5, 1e-3)).all()
