"""Curves, frontier figures, budgets and stability of a leaderboard: against run folders read another way."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vlrb.evaluation.runs import load_run
from vlrb.metrics.frontier import aiq, concave_hull
from vlrb.report.budgets import SINGLE, budgets_frame, not_binding
from vlrb.report.curves import CHEAPEST, MIXTURE, STATIC, curves_frame, static_mixture
from vlrb.report.frontier_figure import frontier_figure
from vlrb.report.frontier_files import frontier_figures, write_frontier_tables
from vlrb.report.frontier_table import frontier_table
from vlrb.report.lambda_figure import lambda_figure, lambda_points
from vlrb.report.leaderboard import Leaderboard, make_leaderboard
from vlrb.report.stability import BETA, WITHOUT, left_out, stability_frame
from vlrb.utils.errors import ConfigError

Copier = Callable[..., list[Path]]


@pytest.fixture(scope="module")
def board(sweep_folders: list[Path]) -> Leaderboard:
    return make_leaderboard(sweep_folders)


@pytest.fixture(scope="module")
def table(board: Leaderboard) -> pd.DataFrame:
    return frontier_table(board).set_index("name")


def metrics(folder: Path) -> dict[str, float]:
    return dict(json.loads((folder / "metrics.json").read_text()))


def test_vertices_are_chosen_on_dev_and_measured_on_test(board: Leaderboard, table: pd.DataFrame) -> None:
    """The area of mlp from its run folders: the hull of the dev figures, begun at the cheapest model of train."""
    folders = [run.folder for run in board.runs if run.router == "mlp"]
    landscape = json.loads((folders[0] / "landscape.json").read_text())
    cheapest = min(landscape["train"]["models"], key=lambda m: landscape["train"]["models"][m]["cost"])
    found = {
        split: np.array(
            [[metrics(f)[f"{split}/{name}"] for f in folders] + [landscape[split]["models"][cheapest][name]]
             for name in ("cost", "accuracy")]
        )
        for split in ("dev", "test")
    }  # fmt: skip
    hull = concave_hull(*found["dev"])
    bounds = board.runs[0].bounds
    assert bounds.cmin is not None
    assert bounds.cmax is not None
    expected = aiq(*found["test"][:, hull], bounds.cmin, bounds.cmax)
    row = table.loc[next(name for name in table.index if name.startswith("mlp"))]
    assert (row["aiq_log"], row["aiq_linear"]) == pytest.approx(expected)
    assert row["hull_points"] == len(hull)
    assert row["aiq_log_gain"] == pytest.approx(row["aiq_log"] - row["aiq_log_static"])
    frame = curves_frame(board)
    own = frame[frame["method"].str.startswith("mlp")].reset_index(drop=True)
    assert own["hull"].dropna().astype(int).tolist() == [hull.tolist().index(k) + 1 for k in own.index if k in hull]
    assert own["kind"].iloc[-1] == CHEAPEST


def test_the_static_mixture_is_the_hull_of_train(board: Leaderboard) -> None:
    mixture = static_mixture(board)
    assert mixture is not None
    models = board.runs[0].landscape["train"]["models"]
    cost, accuracy = (np.array([models[name][key] for name in mixture.names]) for key in ("cost", "accuracy"))
    assert mixture.hull.tolist() == concave_hull(cost, accuracy).tolist()
    assert (np.diff(mixture.chosen_on[1][mixture.hull]) > 0).all()
    frame = curves_frame(board)
    assert set(frame.loc[frame["method"] == STATIC, "kind"]) == {MIXTURE}
    assert frame["method"].eq(STATIC).sum() == len(mixture.names)


def test_no_point_lies_above_the_oracle(board: Leaderboard, table: pd.DataFrame) -> None:
    oracle = board.frame.loc[board.frame["router"] == "oracle", "accuracy"].item()
    assert (curves_frame(board)["accuracy"] <= oracle).all()
    assert (table[["aiq_log", "aiq_linear", "aiq_log_static", "aiq_linear_static"]].dropna() <= oracle).all().all()
    assert (table["optimal_accuracy"] <= 1).all()
    assert (table["optimal_cost"] <= 1 + 1e-9).all()
    assert (table["optimal_selection"] <= table["optimal_accuracy"]).all()


def test_figures_of_the_chosen_row(board: Leaderboard, table: pd.DataFrame) -> None:
    name = next(iter(table.index))
    row, run = table.loc[name], board.runs_of(name)[0]
    own = metrics(run.folder)
    cheapest = run.references[(run.references["router"] == "cheapest_global") & (run.references["split"] == "test")]
    low = (cheapest["quality"] >= 0.5).mean()
    assert row["pgr"] == pytest.approx((own["test/accuracy"] - low) / (own["test/best_single_accuracy"] - low))
    assert row["pgr_low"] < row["pgr"] < row["pgr_high"]
    assert row["gap_closed"] == own["test/gap_closed"]
    assert row["rank_score_arena_low"] < row["rank_score_arena"] < row["rank_score_arena_high"]
    shares = run.decided("test")["model_id"].value_counts(normalize=True)
    assert row["entropy_bits"] == pytest.approx(-(shares * np.log2(shares)).sum())


def test_the_quality_neutral_point_is_chosen_on_dev(copied: Copier) -> None:
    folders = copied("mlp")
    for folder, accuracy, cost in zip(folders, (0.9, 0.8, 0.7), (3e-4, 2e-4, 1e-4), strict=True):
        values = {"dev/accuracy": accuracy, "dev/cost": cost, "dev/best_single_accuracy": 0.75}
        (folder / "metrics.json").write_text(json.dumps({**metrics(folder), **values}))
    row = frontier_table(make_leaderboard(folders)).iloc[0]
    own = metrics(folders[1])
    assert row["qnc_point"] == "mlp λ=0.5"
    assert row["qnc"] == pytest.approx(own["test/cost"] / own["test/best_single_cost"])
    assert row["qnc_low"] < row["qnc"] < row["qnc_high"]
    assert row["qnc_accuracy_difference"] == pytest.approx(own["test/accuracy"] - own["test/best_single_accuracy"])
    for folder in folders:
        values = {"dev/best_single_accuracy": 0.95}
        (folder / "metrics.json").write_text(json.dumps({**metrics(folder), **values}))
    never = frontier_table(make_leaderboard(folders)).iloc[0]
    assert np.isnan(never["qnc"])
    assert "no operating point" in never["qnc_reason"]


def test_budgets(board: Leaderboard) -> None:
    frame = budgets_frame(board)
    bounds = board.runs[0].bounds
    assert frame["budget_per_1k"].nunique() == 7
    assert frame["budget_per_1k"].min() == pytest.approx(1000 * (bounds.cmin or 0))
    taken = frame[frame["point"].notna()]
    assert (taken["dev_cost_per_1k"] <= taken["budget_per_1k"] * (1 + 1e-12)).all()
    assert taken["overshoot"].to_numpy() == pytest.approx(taken["cost_per_1k"] / taken["budget_per_1k"] - 1)
    top = frame[(frame["budget_per_1k"] == frame["budget_per_1k"].max()) & frame["name"].str.startswith("mlp")].iloc[0]
    own = board.points[board.points["router"] == "mlp"].sort_values("dev_accuracy").iloc[-1]
    assert (top["point"], top["accuracy"]) == (own["name"], own["accuracy"])
    assert SINGLE in set(frame["name"])
    assert frame.loc[frame["point"].isna(), "reason"].notna().all()
    assert not_binding(frame) is None


def test_published_budgets_rule_nothing_out_and_it_is_said(board: Leaderboard) -> None:
    frame = budgets_frame(board, [0.0001, 0.003])
    assert frame.groupby("budget_per_1k")["binding"].first().tolist() == [True, False]
    assert not_binding(frame) == "budgets of $3 per 1,000 queries are not binding: the dearest model costs less"
    with pytest.raises(ConfigError, match="no published budgets"):
        budgets_frame(board, "published")
    with pytest.raises(ConfigError, match="above 0"):
        budgets_frame(board, [0.0])


def test_stability_has_every_assumption(board: Leaderboard) -> None:
    frame = stability_frame(board).set_index(["kind", "scenario"])
    assert frame.loc[(BETA, "β=0.1"), "tau"] == 1.0  # the leaderboard's own
    assert frame["tau"].between(-1, 1).all()
    assert (frame["tau_low"] <= frame["tau"]).all()
    assert len(frame) == 4 + 2 * 17 + 1 + 17


def test_leaving_out_a_model(copied: Copier) -> None:
    """Nobody chooses Pixtral once its samples went to the second choices: leaving it out then changes nothing.

    Leaving out a model that is chosen does, and is what the second choices bring.
    """
    folders, model = copied("mlp", "linear")[::3], "Pixtral-12B"
    before = load_run(folders[0])
    for folder in folders:
        decisions = load_run(folder).decisions
        hit = decisions["model_id"] == model
        assert hit.any()
        for column in ("model_id", "quality", "cost"):
            decisions[column] = decisions[column].mask(hit, decisions[f"runner_up_{column}"])
        decisions.to_parquet(folder / "decisions.parquet", index=False)
    board = make_leaderboard(folders)
    frame = stability_frame(board).set_index(["kind", "scenario"])
    assert frame.loc[(WITHOUT, model), "tau"] == 1.0
    after = load_run(folders[0]).decided("test")
    accuracy, cost = left_out(before, "test", model)
    assert accuracy == pytest.approx((after["quality"] >= 0.5).mean())
    assert cost == pytest.approx(after["cost"].mean())
    assert left_out(load_run(folders[0]), "test", model) == pytest.approx((accuracy, cost))


def test_old_runs_say_what_is_missing(copied: Copier) -> None:
    folders = copied("mlp", "linear")[::3]
    for folder in folders:
        landscape = json.loads((folder / "landscape.json").read_text())
        (folder / "landscape.json").write_text(json.dumps({k: v for k, v in landscape.items() if k != "train"}))
        data = json.loads((folder / "data.json").read_text())
        (folder / "data.json").write_text(json.dumps({k: v for k, v in data.items() if k != "mean_costs"}))
        decisions = load_run(folder).decisions
        kept = [column for column in decisions.columns if not column.startswith("runner_up")]
        decisions[kept].to_parquet(folder / "decisions.parquet", index=False)
    board = make_leaderboard(folders)
    table = frontier_table(board)
    assert table["aiq_log"].isna().all()
    assert table["aiq_reason"].str.contains("evaluate.py run=<folder>").all()
    assert table["pgr"].notna().all()
    assert curves_frame(board)["hull"].isna().all()
    assert stability_frame(board).empty
    assert frontier_figure(board) is None


def test_no_rank_score_no_areas(copied: Copier) -> None:
    folders = copied("mlp", "linear")[::3]
    for folder in folders:
        data = json.loads((folder / "data.json").read_text())
        data["bounds"] = {"cmin": 1e-4, "cmax": 1e-4, "hash": "h", "reason": "all models cost the same"}
        (folder / "data.json").write_text(json.dumps(data))
    board = make_leaderboard(folders)
    assert set(frontier_table(board)["aiq_reason"]) == {"all models cost the same"}
    assert budgets_frame(board).empty
    assert stability_frame(board).empty


def test_lambda_points_take_what_dev_prefers(board: Leaderboard, sweep_folders: list[Path]) -> None:
    assert {len(points) for points in lambda_points(board).values()} == {3}
    assert lambda_figure(make_leaderboard(sweep_folders[::3])) is None  # one λ each


def test_a_single_run_has_no_frontier_files(sweep_folders: list[Path], tmp_path: Path) -> None:
    one = make_leaderboard(sweep_folders[:1])
    assert write_frontier_tables(one, tmp_path) == []
    assert frontier_figures(one) == {}
