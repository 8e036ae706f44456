"""Oracle and best single model, by hand and against brute force."""

import numpy as np
import pytest

from vlrb.metrics.baselines import best_single, oracle_decision
from vlrb.utils.errors import DataError

NAN = np.nan


def test_oracle_by_hand() -> None:
    Y = np.array([[0, 1, 1], [0, 0, 0], [0.5, 0.49, 1], [1, 1, 1]])
    C = np.array([[1, 3, 2], [2, 1, 3], [2, 1, 3], [5, 5, 5]])
    # right: {1, 2} → 2 cheaper; none → cheapest 1; right from τ = .5 on: {0, 2} → 0; tie → lower column
    assert oracle_decision(Y, C.astype(float)).tolist() == [2, 1, 0, 0]


def test_an_unknown_cell_is_not_chosen_before_a_known_one() -> None:
    Y = np.array([[NAN, 0.0, 1.0], [1.0, 0.0, NAN], [NAN, NAN, NAN]])
    C = np.array([[1.0, 2.0, 3.0], [NAN, 2.0, 3.0], [1.0, 1.0, 1.0]])
    assert oracle_decision(Y, C).tolist() == [2, 1, 0]


def test_oracle_against_brute_force() -> None:
    rng = np.random.default_rng(0)
    Y, C = rng.integers(0, 2, (200, 5)).astype(float), rng.random((200, 5))
    expected = []
    for y, c in zip(Y, C, strict=True):
        allowed = [m for m in range(5) if y[m] == 1] or list(range(5))
        expected.append(min(allowed, key=lambda m: c[m]))
    assert oracle_decision(Y, C).tolist() == expected


def test_no_decision_is_more_accurate_than_the_oracle_and_a_useless_dear_model_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    Y, C = rng.integers(0, 2, (300, 4)).astype(float), rng.random((300, 4))
    best = oracle_decision(Y, C)
    rows = np.arange(300)
    assert Y[rows, best].mean() >= max(Y[rows, rng.integers(0, 4, 300)].mean() for _ in range(50))
    wider = oracle_decision(np.hstack([Y, np.zeros((300, 1))]), np.hstack([C, np.full((300, 1), 9.0)]))
    assert wider.tolist() == best.tolist()


def test_best_single_breaks_ties_by_cost_then_column() -> None:
    Y = np.array([[1.0, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    assert best_single(Y, np.array([[3.0, 2.0, 1.0, 2.0]] * 2)) == 1
    assert best_single(Y, np.ones((2, 4))) == 0


def test_best_single_counts_right_answers_and_not_partial_credit() -> None:
    # accuracy: .5 (one of two ≥ .5) against 0; mean quality would be .25 against .48
    assert best_single(np.array([[0.5, 0.48], [0.0, 0.48]]), np.ones((2, 2))) == 0


def test_best_single_uses_known_cells() -> None:
    Y = np.array([[1.0, NAN], [0.0, 1.0], [0.0, NAN]])
    assert best_single(Y, np.ones((3, 2))) == 1  # 1/3 against 1/1
    with pytest.raises(DataError, match="no model has a known outcome"):
        best_single(np.full((2, 2), NAN), np.ones((2, 2)))
