"""Brier score, calibration error and reliability curve against scikit-learn and a plain loop."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from vlrb.metrics.calibration import brier_score, expected_calibration_error, reliability_curve


def statements(n: int = 500, m: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.random((n, m))
    return p, (rng.random((n, m)) < p**1.5).astype(np.float32)  # overconfident


@pytest.mark.parametrize("bins", [5, 10, 15])
def test_against_scikit_learn(bins: int) -> None:
    p, Y = statements()
    assert brier_score(p, Y).value == pytest.approx(brier_score_loss(Y.ravel(), p.ravel()), rel=1e-12)
    observed, predicted = calibration_curve(Y.ravel(), p.ravel(), n_bins=bins)
    curve = reliability_curve(p, Y, bins)
    np.testing.assert_allclose(curve.observed, observed, rtol=1e-12)
    np.testing.assert_allclose(curve.predicted, predicted, rtol=1e-12)
    assert curve.n.sum() == Y.size


def test_calibration_error_by_a_loop_over_the_statements() -> None:
    p, Y = statements(200)
    total = 0.0
    for k in range(10):
        inside = [(a, b) for a, b in zip(p.ravel(), Y.ravel(), strict=True) if k / 10 <= a < (k + 1) / 10]
        total += abs(sum(a for a, _ in inside) - sum(b for _, b in inside))
    assert expected_calibration_error(p, Y).value == pytest.approx(total / Y.size, rel=1e-9)


def test_unknown_outcomes_are_left_out_and_partial_credit_is_cut_at_one_half() -> None:
    p = np.array([[0.9, 0.2], [0.7, 0.6]])
    Y = np.array([[1.0, np.nan], [0.4, 0.5]])  # right, unknown; wrong, right
    assert brier_score(p, Y).value == pytest.approx((0.01 + 0.49 + 0.16) / 3)
    assert reliability_curve(p, Y).n.tolist() == [1, 1, 1]


def test_certainty_falls_into_the_last_bin() -> None:
    curve = reliability_curve(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]]))
    assert (curve.low.tolist(), curve.high.tolist()) == ([0.0, 0.9], [0.1, 1.0])
    assert expected_calibration_error(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]])).value == 0.0


def test_nothing_known_is_undefined() -> None:
    p, Y = np.array([[0.5]]), np.array([[np.nan]])
    assert brier_score(p, Y).value is None
    assert expected_calibration_error(p, Y).reason == "no known outcome"
