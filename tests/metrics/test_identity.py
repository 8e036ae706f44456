"""Gain by dataset and within: by hand, and against shuffling itself."""

import itertools

import numpy as np
import pytest

from vlrb.metrics.identity import gain_parts
from vlrb.utils.errors import DataError

# Two datasets of three samples, three models.
Y = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 0]], dtype=float)
DATASET = np.array([0, 0, 0, 1, 1, 1])
DECISION = np.array([0, 1, 1, 2, 2, 1])


def test_by_hand() -> None:
    # Router: right on all six = 1. Best single = model 1: right on 1, 2 and 5 = 3/6.
    # Dataset 0: shares 1/3, 2/3, 0; accuracies 2/3, 2/3, 0: expected 2/3.
    # Dataset 1: shares 0, 1/3, 2/3; accuracies 1/3, 1/3, 2/3: expected 1/9 + 4/9 = 5/9.
    # Shuffled: (2/3 + 5/9)/2 = 11/18.
    parts = gain_parts(Y, DECISION, DATASET, best=1)
    assert parts.gain.value == pytest.approx(1 - 1 / 2)
    assert parts.dataset.value == pytest.approx(11 / 18 - 1 / 2)
    assert parts.within.value == pytest.approx(1 - 11 / 18)


def test_mean_and_spread_are_those_of_all_shufflings() -> None:
    accuracies = []
    for first, second in itertools.product(itertools.permutations(DECISION[:3]), itertools.permutations(DECISION[3:])):
        accuracies.append(Y[np.arange(6), [*first, *second]].mean())
    parts = gain_parts(Y, DECISION, DATASET, best=1)
    assert np.mean(accuracies) == pytest.approx(parts.dataset.value + 0.5)
    assert np.std(accuracies) == pytest.approx(parts.within_sd.value)


def test_a_choice_by_dataset_alone_has_nothing_within() -> None:
    parts = gain_parts(Y, np.array([0, 0, 0, 2, 2, 2]), DATASET, best=1)
    assert parts.within.value == pytest.approx(0.0)
    assert parts.within_sd.value == pytest.approx(0.0)
    assert parts.dataset.value == pytest.approx(parts.gain.value)


def test_the_best_single_model_gains_nothing() -> None:
    parts = gain_parts(Y, np.full(6, 1), DATASET, best=1)
    assert [part.value for part in parts] == pytest.approx([0, 0, 0, 0])


def test_unknown_grades_make_it_undefined_only_where_they_count() -> None:
    unknown = Y.copy()
    unknown[0, 2] = np.nan  # model 2 was not chosen in dataset 0
    assert gain_parts(unknown, DECISION, DATASET, best=1).gain.value == pytest.approx(0.5)
    unknown[0, 1] = np.nan
    assert "best single" in str(gain_parts(unknown, DECISION, DATASET, best=1).gain.reason)
    unknown = Y.copy()
    unknown[1, 0] = np.nan  # chosen in dataset 0, on another sample
    assert "chosen" in str(gain_parts(unknown, DECISION, DATASET, best=1).within.reason)
    assert gain_parts(np.zeros((0, 2)), np.zeros(0, int), np.zeros(0, int), 0).gain.reason == "no samples"


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="6 samples"):
        gain_parts(Y, DECISION[:5], DATASET, best=1)
