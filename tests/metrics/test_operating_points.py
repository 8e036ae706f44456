"""What dev takes for a quality or a budget, what the score pays, optimality, stability: by hand and brute force."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.exchange import ROUTER_ARENA_BOUNDS, exchange_rate
from vlrb.metrics.gap import gap_closed, gap_recovered
from vlrb.metrics.operating_points import best_within, cheapest_reaching
from vlrb.metrics.optimality import optimality, selection_entropy
from vlrb.metrics.outcomes import Chosen
from vlrb.metrics.rank_score import rank_score
from vlrb.metrics.stability import kendall_tau, reprice

COST, ACCURACY = np.array([4.0, 1.0, 2.0, 2.0]), np.array([0.8, 0.5, 0.7, 0.72])


@pytest.mark.parametrize(("target", "place"), [(0.7, 3), (0.75, 0), (0.5, 1), (0.81, None)])
def test_the_cheapest_point_that_reaches_a_quality(target: float, place: int | None) -> None:
    assert cheapest_reaching(COST, ACCURACY, target) == place  # of two at one cost the more accurate


@pytest.mark.parametrize(("budget", "place"), [(0.5, None), (1.0, 1), (2.0, 3), (9.0, 0)])
def test_the_best_point_within_a_budget(budget: float, place: int | None) -> None:
    assert best_within(COST, ACCURACY, budget) == place


def test_unknown_points_are_never_taken() -> None:
    cost, accuracy = np.array([np.nan, 1.0, 3.0]), np.array([0.9, np.nan, 0.6])
    assert cheapest_reaching(cost, accuracy, 0.5) == 2
    assert best_within(cost, accuracy, 9.0) == 2
    assert best_within(cost, accuracy, 2.0) is None


def test_gap_closed_and_gap_recovered_are_different_things() -> None:
    """cheapest .30, best single .70, oracle .90; a router at .75: .05/.20 = .25 closed, .45/.40 = 1.125 recovered."""
    assert gap_closed(0.75, 0.70, 0.90).value == pytest.approx(0.25)
    assert gap_recovered(0.75, 0.30, 0.70).value == pytest.approx(1.125)
    assert gap_recovered(0.70, 0.30, 0.70).value == 1.0
    assert gap_closed(0.70, 0.70, 0.90).value == 0.0
    assert gap_recovered(0.2, 0.3, 0.3).value is None


def test_scores_with_fixed_bounds_are_those_of_router_arena() -> None:
    """Both are on RouterArena's board: pull request 181 to ten digits, 165 (.7612) with a cost rounded to a cent."""
    published = rank_score(0.7518957671, 8.5434721952e-3, ROUTER_ARENA_BOUNDS).value
    assert published == pytest.approx(0.6586468316, abs=5e-11)
    assert rank_score(0.7814, 0.30e-3, ROUTER_ARENA_BOUNDS).value == pytest.approx(0.7612, abs=5e-4)


def test_the_exchange_rate_at_the_usual_point() -> None:
    """(.76, $0.30/1k) with RouterArena's bounds: about .8 points for half the price, .9 for a point of accuracy."""
    rate = exchange_rate(0.76, 0.3e-3, ROUTER_ARENA_BOUNDS)
    assert rate.half_price == pytest.approx(0.008, abs=5e-4)
    assert rate.accuracy_point == pytest.approx(0.009, abs=5e-4)
    assert exchange_rate(0.76, None, ROUTER_ARENA_BOUNDS) == (None, None)
    assert exchange_rate(0.76, 1e-4, CostBounds(1.0, 1.0, "h")) == (None, None)


def test_optimality_against_its_definition() -> None:
    rng = np.random.default_rng(0)
    quality, cost = (rng.random((200, 5)) < 0.4).astype(float), rng.random((200, 5)) + 0.01
    decision = rng.integers(0, 5, 200)
    rows = np.arange(200)
    kept, selected, right, needed, spent = 0, 0, 0, 0.0, 0.0
    best = np.where(quality == 1, cost, np.inf).argmin(axis=1)
    for i in rows:
        if not quality[i].any():
            continue
        kept += 1
        if quality[i, decision[i]]:
            right += 1
            selected += decision[i] == best[i]
            needed, spent = needed + cost[i, best[i]], spent + cost[i, decision[i]]
    chosen, oracle = (Chosen(quality[rows, d], cost[rows, d]) for d in (decision, best))
    found = optimality(chosen, oracle)
    assert found.n == kept
    assert [found.selection.value, found.accuracy.value, found.cost.value] == pytest.approx(
        [selected / kept, right / kept, needed / spent]
    )
    perfect = optimality(oracle, oracle)
    assert [value.value for value in (perfect.selection, perfect.accuracy, perfect.cost)] == [1.0, 1.0, 1.0]


def test_optimality_where_there_is_none() -> None:
    wrong = Chosen(np.zeros(3), np.ones(3))
    assert optimality(wrong, wrong).selection.reason == "no model solves any sample"
    hole = Chosen(np.array([np.nan]), np.ones(1))
    assert optimality(hole, Chosen(np.ones(1), np.ones(1))).accuracy.reason == "a chosen cell is unknown"
    free = Chosen(np.ones(2), np.zeros(2))
    assert optimality(free, free).cost.value is None


def test_entropy_is_largest_when_all_models_are_chosen_equally_often() -> None:
    assert selection_entropy(np.full(8, 1 / 8)) == pytest.approx(3.0)
    assert selection_entropy(np.array([0.0, 1.0, 0.0])) == 0.0


def test_tau_is_scipys() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        a, b = rng.integers(0, 5, 8).astype(float), rng.integers(0, 5, 8).astype(float)
        assert kendall_tau(a, b) == pytest.approx(float(kendalltau(a, b).statistic))
    assert kendall_tau(a, -a) == pytest.approx(-1.0)
    assert kendall_tau(np.ones(3), np.arange(3.0)) is None
    assert kendall_tau(np.array([1.0, np.nan]), np.arange(2.0)) is None
    assert kendall_tau(np.ones(1), np.ones(1)) is None


def test_prices_that_all_change_alike_change_no_score() -> None:
    """K is a ratio of logarithms of cost ratios: a currency does not matter."""
    cost_of, mean = np.array([[1.0, 2.0], [0.5, 0.1]]), np.array([1.0, 9.0])
    cost, cmin, cmax = reprice(cost_of, mean, np.full(2, 1.5))
    assert cost.tolist() == pytest.approx([4.5, 0.9])
    assert (cmin, cmax) == (1.5, 13.5)
