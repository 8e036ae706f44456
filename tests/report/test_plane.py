"""What the accuracy–cost plot shows, and that its names do not cover one another."""

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
    board = make_leaderboard(sweep_folders)
    points = plane(board)
    assert {name: len(marks) for name, marks in points.routers.items()} == {"mlp": 3, "linear": 3}
    assert len(points.singles) == 15  # 17 models, two of which are what a reference always chooses
    assert any(mark.text.endswith("best single, train") for mark in points.references)
    top = board.frame.loc[board.frame["router"] == "Bayes, best accuracy"].iloc[0]
    assert points.frontier[:, 1].max() == pytest.approx(top["expected_accuracy"])
    assert (np.diff(points.frontier[:, 0]) >= 0).all()


@pytest.mark.parametrize("size", [(9.0, 5.6), (4.3, 4.9)])
def test_names_do_not_cover_one_another(sweep_folders: list[Path], size: tuple[float, float]) -> None:
    figure = pareto_figure(make_leaderboard(sweep_folders), *size)
    figure.canvas.draw()
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    boxes = np.array([[*t.get_tightbbox().min, *t.get_tightbbox().max] for t in texts])  # type: ignore[union-attr]
    covered = np.triu(overlap(boxes, boxes), 1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    assert (covered / np.minimum(area[:, None], area[None])).max() < 0.15
    assert "mlp" in " ".join(t.get_text() for t in texts)


def test_choices_show_the_best_run_of_each_router(sweep_folders: list[Path]) -> None:
    board = make_leaderboard(sweep_folders)
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
