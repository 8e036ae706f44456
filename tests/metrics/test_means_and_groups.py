"""Means over complete sets, per dataset and group, micro and macro."""

import numpy as np
import pytest

from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.gap import gap_closed
from vlrb.metrics.grouped import by_dataset, figures, macro, micro
from vlrb.metrics.means import accuracy, mean_cost, mean_quality
from vlrb.metrics.outcomes import Chosen, Outcomes, is_correct
from vlrb.utils.errors import DataError

BOUNDS = CostBounds(0.001, 0.008, "h")
NAN = np.nan


def test_accuracy_and_quality_differ_where_credit_is_partial() -> None:
    quality = np.array([1.0, 0.5, 0.4, 0.0])
    assert accuracy(quality).value == 0.5  # 2 of 4
    assert mean_quality(quality).value == pytest.approx(0.475)  # 1.9 / 4


def test_a_mean_over_an_incomplete_set_is_undefined_and_says_what_is_missing() -> None:
    cost = np.array([0.001, NAN, NAN])
    assert mean_cost(cost) == (None, "2 of 3 samples have no cost for the chosen model")
    assert accuracy(np.zeros(0)) == (None, "no samples")
    found = figures(Chosen(np.array([1.0, NAN]), np.array([0.001, 0.001])), BOUNDS)
    assert found.accuracy.value is None
    assert found.cost.value == 0.001
    assert found.rank_score == (None, "1 of 2 samples have no quality for the chosen model")


def test_correct_keeps_unknown_unknown() -> None:
    assert is_correct(np.array([[0.5, NAN], [0.499, 1.0]])).tolist()[0][0] == 1.0
    assert np.isnan(is_correct(np.array([NAN]))[0])


def test_micro_counts_samples_and_macro_counts_datasets() -> None:
    # a: 1/1 right at $.001; b: 1/4 right at $.005
    chosen = Chosen(np.array([1.0, 0, 0, 1, 0]), np.array([0.001, 0.005, 0.005, 0.005, 0.005]))
    dataset = np.array([0, 1, 1, 1, 1])
    parts = by_dataset(chosen, dataset, ["a", "b"], BOUNDS)
    assert [parts["a"].accuracy.value, parts["b"].accuracy.value] == [1.0, 0.25]
    assert micro(chosen, dataset >= 0, BOUNDS).accuracy.value == 0.4  # 2 / 5
    both = macro(parts, BOUNDS)
    assert both.accuracy.value == 0.625  # (1 + .25) / 2
    assert both.cost.value == pytest.approx(0.003)  # (.001 + .005) / 2
    # The score of the macro means, not a mean of scores: K = log2(8/3)/3 = .471679,
    # S = 1.1·.625·.471679/(.0625 + .471679) = .324279/.534179 = .607061
    assert both.rank_score.value == pytest.approx(0.607061, abs=1e-6)
    assert both.n == 5


def test_macro_names_what_it_lacks() -> None:
    chosen = Chosen(np.array([1.0, NAN]), np.array([0.001, 0.001]))
    parts = by_dataset(chosen, np.array([0, 1]), ["a", "b", "c"], BOUNDS)
    found = macro(parts, BOUNDS)
    assert found.accuracy.value is None
    assert "b (1 of 1 samples have no quality" in str(found.accuracy.reason)
    assert "c (no samples)" in str(found.accuracy.reason)
    assert found.rank_score.reason == found.accuracy.reason


def test_gap_closed_by_hand() -> None:
    assert gap_closed(0.85, 0.75, 0.95).value == pytest.approx(0.5)
    assert gap_closed(0.70, 0.75, 0.95).value == pytest.approx(-0.25)
    assert gap_closed(0.7, 0.7, 0.6).reason == "the oracle is no better than the best single model"
    assert gap_closed(None, 0.7, 0.6).reason == "an accuracy is undefined"


def outcomes(n: int = 3) -> Outcomes:
    return Outcomes(
        Y=np.arange(2.0 * n).reshape(n, 2) / (2 * n),
        C=np.ones((n, 2)),
        split_group=np.arange(n),
        dataset=np.zeros(n, int),
        dataset_names=("a",),
        dataset_groups=("General",),
        model_ids=("x", "y"),
        bounds=BOUNDS,
    )


def test_chosen_cells() -> None:
    found = outcomes().chosen(np.array([1, 0, 1]))
    assert found.quality.tolist() == pytest.approx([1 / 6, 2 / 6, 5 / 6])


@pytest.mark.parametrize("decision", [[0, 1], [0, 1, 2], [0, -1, 0]])
def test_a_decision_outside_the_models_is_refused(decision: list[int]) -> None:
    with pytest.raises(DataError, match="columns from 0 to 1"):
        outcomes().chosen(np.array(decision))


def test_outcomes_check_their_shapes() -> None:
    with pytest.raises(DataError, match="shapes differ"):
        Outcomes(np.zeros((2, 2)), np.zeros((2, 3)), np.zeros(2), np.zeros(2), ("a",), ("g",), ("x", "y"), BOUNDS)
