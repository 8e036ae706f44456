"""Decision tables: contents, round trip, damaged files."""

from pathlib import Path

import numpy as np
import pytest

from vlrb.evaluation.decisions import (
    DECISION_COLUMNS,
    decision_rows,
    read_decisions,
    read_outcomes,
    read_references,
    reference_rows,
    write_decisions,
    write_references,
)
from vlrb.evaluation.landscape import read_landscape, single_models, write_landscape
from vlrb.evaluation.runner_up import with_runner_up
from vlrb.metrics.outcomes import Outcomes
from vlrb.utils.errors import DataError, StateError

IDS = np.array([f"alpha/{i}" for i in range(3)] + [f"beta/{i}" for i in range(3)], dtype=object)


def test_rows_by_hand(outcomes: Outcomes, decision: np.ndarray) -> None:
    tokens = np.arange(18.0).reshape(6, 3)
    table = decision_rows(outcomes, IDS, "test", decision, -tokens, tokens, 2)
    assert list(table.columns) == [*DECISION_COLUMNS, "score/small", "score/middle", "score/large"]
    assert table["model_id"].tolist() == ["small", "middle", "large", "middle", "middle", "small"]
    assert table["quality"].tolist() == [1.0, 1.0, 1.0, 0.6, 0.0, 1.0]
    assert table["tokens"].tolist() == [0.0, 4.0, 8.0, 10.0, 13.0, 15.0]
    assert table["oracle_model_id"].tolist() == ["small", "middle", "large", "middle", "small", "small"]
    assert table["best_single_quality"].tolist() == [1.0, 1.0, 1.0, 0.0, 0.0, 1.0]
    assert table["dataset"].tolist() == ["alpha"] * 3 + ["beta"] * 3
    assert table["score/large"].tolist() == [-2.0, -5.0, -8.0, -11.0, -14.0, -17.0]


def test_round_trip(tmp_path: Path, outcomes: Outcomes, decision: np.ndarray) -> None:
    zeros = np.zeros((6, 3))
    tables = [decision_rows(outcomes, IDS, split, decision, zeros, zeros, 0) for split in ("dev", "test")]
    write_decisions(tmp_path, tables)
    table = read_decisions(tmp_path)
    assert len(table) == 12
    assert set(table["split"]) == {"dev", "test"}
    write_references(tmp_path, [reference_rows(outcomes, IDS, "test", "cheapest_global", np.zeros(6, int))])
    found = read_references(tmp_path)
    assert found["cost"].tolist() == [0.001] * 6
    assert set(found["router"]) == {"cheapest_global"}


def test_outcomes_are_all_but_the_scores_second_choices_included(
    tmp_path: Path, outcomes: Outcomes, decision: np.ndarray
) -> None:
    table = decision_rows(outcomes, IDS, "test", decision, np.zeros((6, 3)), np.zeros((6, 3)), 0)
    write_decisions(tmp_path, [with_runner_up(table, outcomes, np.array([1, 2, 0, 2, 2, 1]))])
    found = read_outcomes(tmp_path)
    assert found["runner_up_cost"].tolist() == [0.002, 0.008, 0.001, 0.008, 0.008, 0.002]
    assert not [column for column in found.columns if column.startswith("score/")]


def test_shapes_are_checked(outcomes: Outcomes, decision: np.ndarray) -> None:
    with pytest.raises(DataError, match="another shape"):
        decision_rows(outcomes, IDS[:5], "test", decision, np.zeros((6, 3)), np.zeros((6, 3)), 0)


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"decisions\.parquet: no such file"):
        read_decisions(tmp_path)
    (tmp_path / "decisions.parquet").write_bytes(b"not parquet")
    with pytest.raises(StateError, match="not a readable parquet file"):
        read_decisions(tmp_path)
    with pytest.raises(StateError, match=r"landscape\.json"):
        read_landscape(tmp_path)


def test_a_table_without_its_columns_is_refused(tmp_path: Path, outcomes: Outcomes, decision: np.ndarray) -> None:
    zeros = np.zeros((6, 3))
    table = decision_rows(outcomes, IDS, "test", decision, zeros, zeros, 0)
    write_decisions(tmp_path, [table.drop(columns="oracle_cost")])
    with pytest.raises(StateError, match="no column oracle_cost"):
        read_decisions(tmp_path)


def test_single_models(tmp_path: Path, outcomes: Outcomes) -> None:
    models = single_models(outcomes)
    assert models["small"]["accuracy"] == pytest.approx(2 / 6)
    assert models["middle"]["quality"] == pytest.approx(2.6 / 6)
    assert models["large"]["rank_score"] == 0.0
    write_landscape(tmp_path, {"test": {"models": models}})
    assert read_landscape(tmp_path) == {"test": {"models": models}}
