"""The cost view against independent arithmetic, and every rule of the verdict."""

import numpy as np
import pytest

from vlrb.metrics.headroom.costs import Samples, _interpolation, group_policies, in_hindsight, upper_hull
from vlrb.metrics.headroom.groups import folds_of
from vlrb.metrics.headroom.verdict import Evidence, judge


def samples(y: np.ndarray, C: np.ndarray, group: np.ndarray) -> Samples:
    related = np.arange(len(y))
    return Samples(y, C, group, folds_of(related, 10, 0), related, np.zeros(len(y), int))


def test_hindsight_by_hand() -> None:
    y = np.array([[1, 1], [0, 1], [1, 0], [0, 0]], dtype=float)
    C = np.array([[1.0, 10.0]] * 4)
    found = in_hindsight(y, C, 1)
    assert found.accuracy == 0.75
    assert found.cost == (1 + 10 + 1 + 10) / 4  # nobody right: the best single model is paid
    assert found.same_answers_cost == (1 + 10 + 10 + 10) / 4


def test_upper_hull_against_all_mixtures() -> None:
    rng = np.random.default_rng(0)
    cost, accuracy = rng.random(12), rng.random(12)
    hull = upper_hull(cost, accuracy)
    assert (np.diff(cost[hull]) > 0).all()
    assert (np.diff(accuracy[hull]) > 0).all()
    for a in range(12):
        for b in range(12):
            at = 0.3 * cost[a] + 0.7 * cost[b]
            if cost[hull[0]] <= at:
                assert 0.3 * accuracy[a] + 0.7 * accuracy[b] <= np.interp(at, cost[hull], accuracy[hull]) + 1e-12


def test_interpolation_weights_are_those_of_numpy() -> None:
    rng = np.random.default_rng(1)
    points = np.sort(rng.random(9))
    points[4] = points[3]  # two prices of one cost
    values, grid = rng.random(9), np.linspace(-0.2, 1.2, 53)
    values[4] = values[3]
    assert _interpolation(grid, points) @ values == pytest.approx(np.interp(grid, points, values).mean())
    assert _interpolation(grid, np.array([0.5])).tolist() == [1.0]


def test_a_cheap_model_that_is_as_good_on_half_of_the_data_is_found() -> None:
    """Group 0: the cheap model is always right; group 1: only the dear one. By group: accuracy 1 at (1 + 10) / 2."""
    group = np.tile([0, 1], 200)
    y = np.stack([group == 0, np.ones(400)], axis=1).astype(float)
    found = group_policies(samples(y, np.tile([1.0, 10.0], (400, 1)), group), 200, 0)
    assert found.same_accuracy_cost == pytest.approx(5.5)
    assert found.accuracy.max() == 1.0
    # mixture: .5 at 1 … 1 at 10; by group: .5 at 1 … 1 at 5.5, then flat
    grid = np.geomspace(1, 10, 101)
    by_group = np.interp(grid, found.cost[::-1], found.accuracy[::-1])
    wanted = (by_group - np.interp(grid, [1, 10], [0.5, 1])).mean()
    assert found.gain == pytest.approx(wanted, abs=1e-6)
    assert found.interval.low is not None
    assert found.interval.low > 0.01


def test_no_gain_where_groups_say_nothing() -> None:
    rng = np.random.default_rng(2)
    y = (rng.random((2000, 3)) < [0.3, 0.5, 0.7]).astype(float)
    found = group_policies(samples(y, np.tile([1.0, 3.0, 9.0], (2000, 1)), rng.integers(0, 20, 2000)), 300, 0)
    assert found.gain is not None
    assert found.gain < 0.005


def test_costs_that_hardly_differ_give_no_verdict() -> None:
    y = np.array([[0.0, 1.0], [1.0, 1.0]] * 10)
    found = group_policies(samples(y, np.tile([1.0, 1.9], (20, 1)), np.tile([0, 1], 10)), 50, 0)
    assert found.gain is None
    assert found.interval == (None, None)


NONE = Evidence(0.60, 0.59, 0.64, None, None, None)


@pytest.mark.parametrize(
    ("evidence", "verdict", "rules"),
    [
        (NONE, "not shown", ()),
        (NONE._replace(oracle=0.65), "maybe", ("oracle",)),
        (NONE._replace(oracle=0.50), "not shown", ()),
        (NONE._replace(interaction_p=0.005), "maybe", ("interaction",)),  # no gain was measured: cannot be ruled out
        (NONE._replace(interaction_p=0.005, gain=(0.0, -0.02, 0.02)), "maybe", ("interaction",)),
        (NONE._replace(interaction_p=0.005, gain=(-0.01, -0.03, 0.003)), "not shown", ()),
        (NONE._replace(interaction_p=0.02, gain=(0.0, -0.02, 0.02)), "not shown", ()),
        (NONE._replace(gain=(0.006, 0.001, 0.011)), "maybe", ("small gain",)),
        (NONE._replace(gain=(0.02, -0.001, 0.04)), "not shown", ()),
        (NONE._replace(gain=(0.02, 0.001, 0.04)), "worth it", ("gain",)),
        (NONE._replace(cost_gain=(0.02, 0.001, 0.04)), "worth it", ("cost_gain",)),
        (NONE._replace(gain=(0.02, 0.01, 0.03), cost_gain=(0.02, 0.01, 0.04)), "worth it", ("gain", "cost_gain")),
        (NONE._replace(gain=(0.02, None, None)), "not shown", ()),  # no interval: nothing is sure
    ],
)
def test_rules(evidence: Evidence, verdict: str, rules: tuple[str, ...]) -> None:
    assert judge(evidence) == (verdict, rules)
