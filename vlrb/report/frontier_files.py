"""Files about curves and frontiers, for leaderboards over several runs."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from vlrb.report.budgets import Budgets, budgets_frame
from vlrb.report.curves import curves_frame, trained_methods
from vlrb.report.frontier_figure import frontier_figure
from vlrb.report.frontier_table import frontier_table
from vlrb.report.lambda_figure import lambda_figure
from vlrb.report.leaderboard import Leaderboard
from vlrb.report.stability import stability_frame
from vlrb.utils.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def wants_frontier(board: Leaderboard) -> bool:
    """Return whether there is something to compare: several runs, at least one of a trained router."""
    return len(board.runs) > 1 and bool(trained_methods(board))


def write_frontier_tables(board: Leaderboard, out: Path, budgets: Budgets = "auto") -> list[Path]:
    """Write frontier.csv, curves.csv, budgets.csv and stability.csv (what has rows of them) into `out`; return them."""
    if not wants_frontier(board):
        return []
    frames = {
        "frontier": frontier_table(board),
        "curves": curves_frame(board),
        "budgets": budgets_frame(board, budgets),
        "stability": stability_frame(board),
    }
    return [_write_csv(Path(out) / f"{name}.csv", frame) for name, frame in frames.items() if len(frame)]


def frontier_figures(board: Leaderboard) -> "dict[str, Figure]":
    """Return the figures `frontier` and `lambda`, as far as there is something to draw."""
    if not wants_frontier(board):
        return {}
    figures = {"frontier": frontier_figure(board), "lambda": lambda_figure(board)}
    return {name: figure for name, figure in figures.items() if figure is not None}


def _write_csv(path: Path, frame: pd.DataFrame) -> Path:
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n", encoding="utf-8")
    return path
