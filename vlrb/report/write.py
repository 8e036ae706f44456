"""Report files of one run or of many: tables, page and plots."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from vlrb.evaluation.runs import Run
from vlrb.report.budgets import Budgets
from vlrb.report.canvas import save
from vlrb.report.choices import choices_figure
from vlrb.report.datasets import dataset_table
from vlrb.report.frontier_files import frontier_figures, write_frontier_tables
from vlrb.report.html import report_page
from vlrb.report.leaderboard import Leaderboard, make_leaderboard
from vlrb.report.markdown import leaderboard_markdown
from vlrb.report.pareto import pareto_figure
from vlrb.report.points import several_points
from vlrb.report.reliability import reliability_figure
from vlrb.schema import SplitName
from vlrb.utils.files import atomic_path, write_text


def write_run_report(folder: Path, out: Path | None = None, split: SplitName = "test") -> list[Path]:
    """Write the report of one run beside it (or into `out`); return the files.

    Raises:
        StateError: The run is not finished or damaged.
    """
    return write_leaderboard([Path(folder)], Path(out or folder), split)


def write_leaderboard(
    runs: Sequence[Run | Path] | Leaderboard,
    out: Path,
    split: SplitName = "test",
    resamples: int | None = None,
    budgets: Budgets = "auto",
) -> list[Path]:
    """Write leaderboard.{csv,md,html}, datasets.csv, pareto and choices as PNG and SVG into `out`; return the files.

    Reliability is drawn where a router states probabilities; points.csv is written where dev chose between points;
    frontier, curves, budgets and stability (csv) and the figures frontier and lambda where there are several runs.

    Raises:
        StateError: Runs that cannot stand in one table, or are not finished.
    """
    board = runs if isinstance(runs, Leaderboard) else make_leaderboard(runs, split, resamples)
    out = Path(out)
    datasets = dataset_table(board)
    paths = [_write_csv(out / "leaderboard.csv", board.frame), _write_csv(out / "datasets.csv", datasets)]
    if several_points(board):
        paths.append(_write_csv(out / "points.csv", board.points))
    for name, text in (
        ("leaderboard.md", leaderboard_markdown(board, datasets)),
        ("leaderboard.html", report_page(board, datasets)),
    ):
        write_text(out / name, text)
        paths.append(out / name)
    paths += write_frontier_tables(board, out, budgets)
    figures = {"pareto": pareto_figure(board), "choices": choices_figure(board), **frontier_figures(board)}
    if (reliability := reliability_figure(board)) is not None:
        figures["reliability"] = reliability
    return [*paths, *(path for name, figure in figures.items() for path in save(figure, out, name))]


def _write_csv(path: Path, frame: pd.DataFrame) -> Path:
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n", encoding="utf-8")
    return path
