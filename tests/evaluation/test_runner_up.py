"""Second choices."""

import numpy as np

from vlrb.evaluation.decisions import DECISION_COLUMNS, decision_rows
from vlrb.evaluation.runner_up import RUNNER_UP_COLUMNS, runner_up, with_runner_up
from vlrb.metrics.outcomes import Outcomes

IDS = np.array([f"alpha/{i}" for i in range(6)], dtype=object)


def test_second_choices_are_the_choices_of_a_pool_without_the_first() -> None:
    """Brute force: take the chosen column out, decide by score, mean cost, column."""
    rng = np.random.default_rng(0)
    scores, cost = rng.integers(0, 4, (300, 5)).astype(float), np.array([3.0, 1.0, 2.0, 1.0, np.nan])
    scores[0] = -np.inf
    decision = rng.integers(0, 5, 300)
    key = np.nan_to_num(cost, nan=np.inf)
    expected = [
        min((c for c in range(5) if c != d), key=lambda c: (-row[c], key[c], c))
        for row, d in zip(scores, decision, strict=True)
    ]
    assert runner_up(scores, decision, cost).tolist() == expected


def test_the_table_holds_what_second_choices_bring(outcomes: Outcomes, decision: np.ndarray) -> None:
    tokens = np.ones((6, 3))
    scores = np.tile([0.3, 0.2, 0.1], (6, 1))  # small, middle, large; chosen: small middle large middle middle small
    table = decision_rows(outcomes, IDS, "test", decision, scores, tokens, 2)
    table = with_runner_up(table, outcomes, runner_up(scores, decision, np.array([1.0, 2.0, 8.0])))
    assert list(table.columns) == [*DECISION_COLUMNS, *RUNNER_UP_COLUMNS, *table.columns[-3:]]
    assert table["runner_up_model_id"].tolist() == ["middle", "small", "small", "small", "small", "middle"]
    assert table["runner_up_quality"].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert table["runner_up_cost"].tolist() == [0.002, 0.001, 0.001, 0.001, 0.001, 0.002]
