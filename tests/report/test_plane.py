"""What the accuracy–cost plot shows, and that its names do not cover one another."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vlrb.report.choices import choices_figure
from vlrb.report.labels import overlap
from vlrb.report.leaderboard import make_leaderboard
from vlrb.report.pareto import pareto_figure
from vlrb.report.plane import plane

RunWriter = Callable[..., Path]


def test_points_come_from_the_leaderboard(sweep_folders: list[Path]) -> None:
    board = make_leaderboard(sweep_folders, select="none")
    points = plane(board)
    assert {name: len(marks) for name, marks in points.routers.items()} == {"mlp": 3, "linear": 3}
    assert len(points.singles) + len([m for m in points.references if m.text.count("\n")]) == 17  # models
    assert any(mark.text.endswith("best single, train") for mark in points.references)
    top = board.frame.loc[board.frame["router"] == "Bayes, best accuracy"].iloc[0]
    assert points.frontier[:, 1].max() == pytest.approx(top["expected_accuracy"])
    assert (np.diff(points.frontier[:, 0]) >= 0).all()


def test_lines_join_runs_that_differ_in_their_trade_off_alone(sweep_folders: list[Path]) -> None:
    """Three λ of mlp and of linear are a line each; told apart by their fusion, the three of mlp are a pair and one."""
    board = make_leaderboard(sweep_folders, select="none")

    def lengths() -> list[int]:
        return sorted(len(line.get_xydata()) for line in pareto_figure(board).axes[0].lines if line.get_alpha() == 0.55)

    assert lengths() == [3, 3]
    mlp = board.frame.index[board.frame["router"] == "mlp"]
    board.frame.loc[mlp, "name"] += [" fusion=concat", " fusion=average", " fusion=concat"]
    assert lengths() == [2, 3]


@pytest.mark.parametrize("size", [(9.0, 5.6), (4.3, 4.9)])
def test_names_do_not_cover_one_another(sweep_folders: list[Path], size: tuple[float, float]) -> None:
    figure = pareto_figure(make_leaderboard(sweep_folders, select="none"), *size)
    figure.canvas.draw()
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    boxes = np.array([[*t.get_tightbbox().min, *t.get_tightbbox().max] for t in texts])  # type: ignore[union-attr]
    covered = np.triu(overlap(boxes, boxes), 1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    assert (covered / np.minimum(area[:, None], area[None])).max() < 0.15
    assert "mlp" in " ".join(t.get_text() for t in texts)


def test_synthetic_data_are_drawn_as_expectations_below_the_frontier(sweep_folders: list[Path]) -> None:
    board = make_leaderboard(sweep_folders, select="none")
    points = plane(board)
    assert points.expected
    rows = board.frame.set_index("name")
    for mark in (mark for marks in points.routers.values() for mark in marks):
        assert mark.accuracy == rows.loc[mark.text, "expected_accuracy"]
        assert mark.cost == rows.loc[mark.text, "expected_cost_per_1k"]
        reachable = np.interp(mark.cost, *points.frontier.T)
        assert mark.accuracy <= reachable + 0.003  # the frontier's points are joined by straight lines
    oracle = next(mark for mark in points.references if mark.marker == "*")
    assert oracle.accuracy == rows.loc["oracle", "accuracy"]


def test_real_data_are_drawn_as_they_happened(make_run: RunWriter) -> None:
    folder = make_run()
    path = folder / "landscape.json"
    landscape = json.loads(path.read_text())
    path.write_text(json.dumps({split: {"models": parts["models"]} for split, parts in landscape.items()}))
    board = make_leaderboard([folder])
    points = plane(board)
    assert not points.expected
    assert not len(points.frontier)
    assert points.routers["mlp"][0].accuracy == board.frame["accuracy"][0]
    figure = pareto_figure(board)
    assert figure.axes[0].get_ylabel() == "accuracy"
    assert {round(float(line.get_alpha() or 1), 1) for line in figure.axes[0].lines} >= {0.6}  # error bars


def test_references_at_one_point_share_a_mark(make_run: RunWriter) -> None:
    folder = make_run()
    board = make_leaderboard([folder])
    best = board.frame.index[board.frame["router"] == "strongest_global"][0]
    other = board.frame.index[board.frame["router"] == "strongest_per_dataset"][0]
    columns = ["expected_accuracy", "expected_cost_per_1k"]
    board.frame.loc[other, columns] = board.frame.loc[best, columns]
    texts = [mark.text for mark in plane(board).references]
    assert any({"best single, train", "strongest_per_dataset"} < set(text.split("\n")) for text in texts)
    assert len(texts) == 4


def test_choices_show_the_best_run_of_each_router(sweep_folders: list[Path]) -> None:
    board = make_leaderboard(sweep_folders, select="none")
    figure = choices_figure(board)
    assert [axes.get_title(loc="left").split(" ")[0] for axes in figure.axes] == ["mlp", "linear"]
    best = board.frame.drop_duplicates("router").iloc[0]
    assert figure.axes[0].get_title(loc="left") == best["name"]
    widths = [bar.get_width() for bar in figure.axes[0].patches]  # type: ignore[attr-defined]
    assert sum(widths) == pytest.approx(1.0)


def test_plots_of_a_run_without_singles_or_frontier(make_run: RunWriter) -> None:
    folder = make_run()
    (folder / "landscape.json").write_text("{}")
    board = make_leaderboard([folder])
    assert pareto_figure(board).axes
    assert choices_figure(board).axes
