"""Report files of one run or of many: tables, page and plots."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from vlrb.evaluation.runs import Run
from vlrb.report.budgets import Budgets
from vlrb.report.canvas import save
from vlrb.report.choices import choices_figure
from vlrb.report.datasets import dataset_table
from vlrb.report.frontier_files import frontier_figures, write_frontier_tables
from vlrb.report.grades import Absent, Grades
from vlrb.report.heatmap import heatmap_figure
from vlrb.report.html import NOT_READ, page_of
from vlrb.report.identity import identity_figure, identity_table
from vlrb.report.latex import leaderboard_latex
from vlrb.report.leaderboard import Leaderboard, make_leaderboard
from vlrb.report.markdown import leaderboard_markdown
from vlrb.report.page.context import Context
from vlrb.report.pareto import pareto_figure
from vlrb.report.points import several_points
from vlrb.report.reliability import reliability_figure
from vlrb.report.solved import SHOWN, solved_figure, solved_table
from vlrb.schema import SplitName
from vlrb.utils.files import atomic_path, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    grades: Grades | Absent = NOT_READ,
    samples: int = 0,
) -> list[Path]:
    """Write leaderboard.{csv,md,tex,html}, datasets.csv and every figure as PNG and SVG into `out`; return the files.

    Figures with nothing to show are left out: λ curves without two λ, reliability where no router states
    probabilities, gain by dataset and accuracy by solving models without every model's grades.
    points.csv is written where dev chose between points; frontier, curves, budgets and stability (csv) and the frontier
    where there are several runs.

    Raises:
        StateError: Runs that cannot stand in one table, or are not finished.
    """
    board = runs if isinstance(runs, Leaderboard) else make_leaderboard(runs, split, resamples)
    out = Path(out)
    context = Context(board, dataset_table(board), grades, samples, budgets)
    paths = [_write_csv(out / "leaderboard.csv", board.frame), _write_csv(out / "datasets.csv", context.datasets)]
    if several_points(board):
        paths.append(_write_csv(out / "points.csv", board.points))
    for name, text in (
        ("leaderboard.md", leaderboard_markdown(board, context.datasets)),
        ("leaderboard.tex", leaderboard_latex(board)),
        ("leaderboard.html", page_of(context)),
    ):
        write_text(out / name, text)
        paths.append(out / name)
    paths += write_frontier_tables(board, out, budgets)
    return [*paths, *(path for name, figure in _figures(context) for path in save(figure, out, name))]


def _figures(context: Context) -> list[tuple[str, "Figure"]]:
    board = context.board
    shades = {leader.name: leader.style.colour for leader in context.comparable[:SHOWN]}
    figures = {
        "pareto": pareto_figure(board),
        "choices": choices_figure(board),
        "heatmap": heatmap_figure(board, context.datasets),
        **frontier_figures(board),
        "identity": identity_figure(board.title, identity_table(context)),
        "solved": solved_figure(board.title, solved_table(context), shades),
        "reliability": reliability_figure(board),
    }
    return [(name, figure) for name, figure in figures.items() if figure is not None]


def _write_csv(path: Path, frame: pd.DataFrame) -> Path:
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n", encoding="utf-8")
    return path
