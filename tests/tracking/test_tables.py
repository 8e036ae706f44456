"""Tables for trackers, against figures worked out by hand (see conftest)."""

from pathlib import Path

import pytest

from vlrb.evaluation.runs import load_run
from vlrb.report.leaderboard import make_leaderboard
from vlrb.tracking.tables import choices, datasets, leaderboard, points
from vlrb.tracking.tracker import Results, direction, headline

from .conftest import write_hand_run


def test_points_hold_routers_references_and_single_models(hand_results: Results) -> None:
    table = points(hand_results.board)
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert set(rows) == {"mlp λ=0.5", "strongest_global", "oracle", "Small", "Middle", "Large"}
    mlp = rows["mlp λ=0.5"]
    assert (mlp["kind"], mlp["lambda"], mlp["seed"], mlp["chosen"]) == ("router", 0.5, 1, True)
    assert mlp["accuracy"] == pytest.approx(5 / 6)
    assert mlp["cost_per_1k"] == pytest.approx(16 / 6)
    assert rows["Small"]["cost_per_1k"] == pytest.approx(1.0)
    assert rows["Small"]["accuracy"] == pytest.approx(2 / 6)
    assert rows["Large"]["accuracy"] == pytest.approx(4 / 6)
    assert rows["oracle"]["lambda"] is None  # a bound has no λ: missing, not NaN


def test_points_hold_what_dev_did_not_choose(hand_run: Path, tmp_path: Path) -> None:
    other = write_hand_run(tmp_path / "other", tmp_path, lam=2.0)
    board = make_leaderboard([load_run(hand_run), load_run(other)])
    table = points(board)
    name, chosen = table.columns.index("name"), table.columns.index("chosen")
    routers = {row[name]: row[chosen] for row in table.rows if row[1] == "router"}
    assert set(routers) == {"mlp λ=0.5", "mlp λ=2"}
    assert sorted(routers.values()) == [False, True]
    assert len(board.section("router")) == 1  # the leaderboard has one row for both


def test_datasets_are_those_of_the_decisions(hand_results: Results) -> None:
    table = datasets(hand_results.board, trained_only=True)
    found = {row[1]: row for row in table.rows}
    assert [row[0] for row in table.rows] == ["mlp λ=0.5"] * 2
    n, accuracy, cost = (table.columns.index(c) for c in ("n", "accuracy", "cost_per_1k"))
    assert (found["alpha"][n], found["alpha"][accuracy]) == (3, 1.0)  # cheap, middle, large: all right
    assert found["alpha"][cost] == pytest.approx((1 + 2 + 8) / 3)
    assert found["beta"][accuracy] == pytest.approx(2 / 3)
    everyone = {row[0] for row in datasets(hand_results.board).rows}
    assert everyone == {"mlp λ=0.5", "strongest_global", "oracle"}


def test_choices_are_shares_cheapest_model_first(hand_results: Results) -> None:
    table = choices(hand_results.board)
    assert [row[1] for row in table.rows] == ["Small", "Middle", "Large"]
    assert [row[2] for row in table.rows] == pytest.approx([2 / 6, 3 / 6, 1 / 6])
    assert sum(row[3] for row in table.rows) == pytest.approx(1.0)


def test_the_leaderboard_names_no_folder(hand_results: Results) -> None:
    table = leaderboard(hand_results.board)
    assert "run" not in table.columns
    assert str(hand_results.folder) not in str(table.rows)
    assert all(cell is None or cell == cell for row in table.rows for cell in row)  # no NaN


def test_headline_figures_and_their_direction(hand_results: Results) -> None:
    shown = headline(hand_results.metrics)
    assert shown["test/accuracy"] == pytest.approx(5 / 6)
    assert {"test/accuracy_low", "test/cost_high", "test/rank_score_gain_low", "test/oracle_accuracy"} <= set(shown)
    assert "test/oracle_accuracy_low" not in shown
    assert headline({"dev/cost": None, "dev/x": float("nan"), "dev/cost_reason": "none", "dev/ok": True}) == {}
    assert [direction(f"test/{k}") for k in ("accuracy", "quality", "cost", "n")] == ["max", "max", "min", None]
