"""The one-standard-error rule."""

import numpy as np
import pytest

from vlrb.metrics.selection import one_standard_error

SCORE, COST = np.array([0.60, 0.72, 0.75, 0.74]), np.array([1.0, 2.0, 4.0, 3.0])


@pytest.mark.parametrize(
    ("error", "place"),
    [
        (0.0, 2),  # the best itself
        (0.01, 3),  # .74 ≥ .75 − .01, cheaper than the best
        (0.03, 1),  # .72 ≥ .75 − .03
        (1.0, 0),  # dev tells nothing apart: the cheapest of all
    ],
)
def test_the_cheapest_within_one_standard_error(error: float, place: int) -> None:
    assert one_standard_error(SCORE, COST, error) == place


def test_ties_and_holes() -> None:
    assert one_standard_error(np.array([0.7, 0.71]), np.array([1.0, 1.0]), 0.1) == 1  # equal cost: the higher score
    assert one_standard_error(np.array([0.7, 0.7]), np.array([1.0, 1.0]), 0.0) == 0
    assert one_standard_error(np.array([np.nan, 0.5]), np.array([0.1, 9.0]), 1.0) == 1  # undefined is never chosen
    assert one_standard_error(np.array([0.7, 0.7]), np.array([np.nan, 9.0]), 0.0) == 1  # an unknown cost comes last
    assert one_standard_error(np.array([np.nan]), np.array([1.0]), 0.0) is None


def test_the_rule_never_costs_more_or_scores_worse_than_it_says() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        score, cost, error = rng.random(12), rng.random(12), 0.2 * rng.random()
        place = one_standard_error(score, cost, error)
        best = score.argmax()
        assert score[place] >= score[best] - error
        assert cost[place] <= cost[best]
        assert not ((cost < cost[place]) & (score >= score[best] - error)).any()
