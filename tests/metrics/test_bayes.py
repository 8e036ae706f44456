"""The Bayes bound: no content-only decision exceeds V(μ), for any μ, exactly."""

import numpy as np
import pytest

from vlrb.metrics import bayes
from vlrb.metrics.bounds import CostBounds


@pytest.fixture(scope="module")
def truth() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((200, 6)), rng.lognormal(-8, 1.2, (1, 6)) * rng.lognormal(0, 0.3, (200, 6))


def test_no_decision_exceeds_the_bound(truth: tuple[np.ndarray, np.ndarray]) -> None:
    p, c = truth
    rng = np.random.default_rng(1)
    for _ in range(200):
        decision = (p - 10 ** rng.uniform(0, 5) * c + rng.normal(0, rng.choice([0.0, 0.3]), p.shape)).argmax(axis=1)
        found = bayes.expected(p, c, decision)
        for mu in (0.0, 1.0, 10.0, 300.0, 1e4):
            assert found.accuracy - mu * found.cost <= bayes.bayes_value(p, c, mu) + 1e-12


def test_the_frontier_attains_the_bound_at_its_own_weights(truth: tuple[np.ndarray, np.ndarray]) -> None:
    p, c = truth
    frontier = bayes.bayes_frontier(p, c)
    values = [bayes.bayes_value(p, c, w) for w in frontier.weights]
    assert frontier.accuracy - frontier.weights * frontier.cost == pytest.approx(values)
    assert frontier.accuracy[0] == pytest.approx(p.max(axis=1).mean())
    assert (np.diff(frontier.accuracy) <= 1e-12).all()
    assert (np.diff(frontier.cost) <= 1e-12).all()


def test_ties_in_probability_go_to_the_cheaper() -> None:
    p, c = np.array([[0.8, 0.8, 0.1]]), np.array([[0.003, 0.001, 0.0005]])
    assert bayes.bayes_frontier(p, c, np.array([0.0])).cost.tolist() == [0.001]


def test_the_grid_is_wide_enough_for_real_prices() -> None:
    """At its ends the frontier is the most accurate router and the cheapest one."""
    rng = np.random.default_rng(0)
    p, c = rng.random((100, 4)), np.array([[1.6e-5, 1e-4, 3e-4, 1.6e-3]]) * rng.lognormal(0, 0.2, (100, 4))
    frontier = bayes.bayes_frontier(p, c)
    assert frontier.cost[-1] == pytest.approx(c.min(axis=1).mean(), rel=1e-3)


def test_concave_accuracy_is_an_upper_bound_that_the_frontier_touches(truth: tuple[np.ndarray, np.ndarray]) -> None:
    p, c = truth
    frontier = bayes.bayes_frontier(p, c)
    for k in range(0, len(frontier.cost), 20):
        assert bayes.concave_accuracy(frontier, frontier.cost[k]) == pytest.approx(frontier.accuracy[k], abs=1e-9)
    rng = np.random.default_rng(2)
    found = bayes.expected(p, c, rng.integers(0, 6, 200))
    assert bayes.concave_accuracy(frontier, found.cost) >= found.accuracy


def test_best_points_by_hand() -> None:
    # Scores at bounds 1–8: K = (1/3, 1): S = 1.1·.9/3/(.09 + 1/3) = .7795; 1.1·.6/(.06 + 1) = .6226
    frontier = bayes.Frontier(np.array([0.0, 1.0]), np.array([0.9, 0.6]), np.array([4.0, 1.0]))
    best = bayes.best_points(frontier, CostBounds(1.0, 8.0, "h"))
    assert best.accuracy == (0.9, 4.0)
    assert best.rank_score == (0.9, 4.0)
    assert best.best_rank_score == pytest.approx(0.7795, abs=1e-4)
    assert bayes.best_points(frontier, CostBounds(1.0, 1.0, "h")).best_rank_score is None


def test_share_of_attainable() -> None:
    assert bayes.share_of_attainable(0.81, 0.73, 0.89).value == pytest.approx(0.5)  # .08 / .16
    assert bayes.share_of_attainable(0.8, 0.9, 0.9).reason == "nothing to gain over the best single model"
    assert bayes.share_of_attainable(None, 0.9, 0.9).value is None
