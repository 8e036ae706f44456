"""Hulls and the areas below them: by hand, by quadrature, by brute force."""

import numpy as np
import pytest
from scipy.integrate import quad

from vlrb.metrics.frontier import aiq, concave_hull, curve_accuracy


def test_a_hull_by_hand() -> None:
    """(2, .5) lies below the line from (1, .3) to (3, .8), at .55; (5, .7) is beaten by (3, .8), (6, .9) is on top."""
    cost, accuracy = np.array([5.0, 1.0, 3.0, 2.0, 6.0]), np.array([0.7, 0.3, 0.8, 0.5, 0.9])
    assert concave_hull(cost, accuracy).tolist() == [1, 2, 4]


def test_ties_and_holes_of_a_hull() -> None:
    assert concave_hull(np.array([1.0, 1.0]), np.array([0.3, 0.4])).tolist() == [1]  # one cost: the better
    assert concave_hull(np.array([1.0, 2.0]), np.array([0.4, 0.4])).tolist() == [0]  # more money buys nothing
    assert concave_hull(np.array([1.0, 1.0]), np.array([0.4, 0.4])).tolist() == [0]
    assert concave_hull(np.array([1.0, 2.0, 3.0]), np.array([0.25, 0.5, 0.75])).tolist() == [0, 2]  # a straight line
    assert concave_hull(np.array([1.0, np.nan, 3.0]), np.array([np.nan, 0.9, 0.3])).tolist() == [2]
    assert concave_hull(np.zeros(0), np.zeros(0)).tolist() == []


def test_a_hull_is_the_least_concave_curve_over_its_points() -> None:
    """Brute force: at every cost the best mixture of at most two points that costs no more."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        cost, accuracy = rng.random(9) + 0.1, rng.random(9)
        hull = concave_hull(cost, accuracy)
        assert (np.diff(cost[hull]) > 0).all()
        assert (np.diff(accuracy[hull]) > 0).all()  # it never decreases
        assert (np.diff(np.diff(accuracy[hull]) / np.diff(cost[hull])) < 0).all()  # and flattens
        for at in np.linspace(cost.min(), cost.max(), 15):
            best = max(
                share * accuracy[i] + (1 - share) * accuracy[j]
                for i in range(9)
                for j in range(9)
                if (share := _share(cost[i], cost[j], at)) is not None
            )
            height = curve_accuracy(cost[hull], accuracy[hull], np.array([at]))[0]
            assert height == pytest.approx(best, abs=1e-12)


def _share(low: float, high: float, at: float) -> float | None:
    """Return the largest share of the cheaper point that makes a mixture cost exactly `at`, or 1 if both fit."""
    if low > at:
        return None
    return 1.0 if high <= at else (high - at) / (high - low)


@pytest.mark.parametrize("seed", range(4))
def test_areas_are_those_of_quadrature(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost, accuracy = 10 ** rng.uniform(-5, -2, 6), rng.random(6)
    cmin, cmax = 3e-5, 4e-3  # some points lie outside
    found = aiq(cost, accuracy, cmin, cmax)

    def height(c: float) -> float:
        return float(curve_accuracy(cost, accuracy, np.array([c]))[0])

    breaks = sorted(c for c in cost if cmin < c < cmax)
    linear = quad(height, cmin, cmax, points=breaks, limit=200)[0] / (cmax - cmin)
    logarithmic = quad(
        lambda u: height(np.exp(u)), np.log(cmin), np.log(cmax), points=[np.log(c) for c in breaks], limit=200
    )[0] / np.log(cmax / cmin)
    assert found == pytest.approx((logarithmic, linear), abs=1e-7)


def test_areas_by_hand() -> None:
    """Flat curves have their own height; a step at equal cost adds no area."""
    assert aiq(np.array([2.0]), np.array([0.4]), 1.0, 9.0) == pytest.approx((0.4, 0.4))
    step = aiq(np.array([1.0, 3.0, 3.0]), np.array([0.5, 0.5, 0.7]), 1.0, 9.0)
    assert step == pytest.approx(((0.5 + 0.7) / 2, (0.5 * 2 + 0.7 * 6) / 8))


def test_points_outside_the_range_do_not_count_but_for_the_line_to_them() -> None:
    """From (.5, .3) to (2, .6): at 1 the curve is at .4. From 1 to 2 mean .5, then .6: (.5 + .6 · 2) / 3."""
    assert aiq(np.array([0.5, 2.0, 8.0]), np.array([0.3, 0.6, 0.6]), 1.0, 4.0).linear == pytest.approx(1.7 / 3)


def test_the_area_of_a_higher_curve_is_larger() -> None:
    rng = np.random.default_rng(1)
    cost, accuracy = rng.random(8) + 0.1, rng.random(8)
    hull = concave_hull(cost, accuracy)
    whole, part = aiq(cost[hull], accuracy[hull], 0.1, 1.1), aiq(cost[hull[:1]], accuracy[hull[:1]], 0.1, 1.1)
    assert whole.log >= part.log
    assert whole.linear >= part.linear
