"""One leaderboard over many runs: on the terminal and as files."""

from collections.abc import Sequence
from pathlib import Path

from vlrb.evaluation.runs import Run
from vlrb.report.budgets import Budgets
from vlrb.report.leaderboard import make_leaderboard
from vlrb.report.methods import Select
from vlrb.report.terminal import print_leaderboard
from vlrb.report.write import write_leaderboard
from vlrb.schema import SplitName


def show_and_write(
    runs: Sequence[Run | Path],
    out: Path,
    split: SplitName = "test",
    select: Select = "dev",
    budgets: Budgets = "auto",
) -> None:
    """Print the leaderboard of finished runs (or run folders) and write it (csv, md, html, plots) into `out`.

    Args:
        runs: Runs or run folders.
        out: Where the report goes.
        split: The split to show.
        select: What dev chooses, see `vlrb.report.methods.find_methods`; "none" makes every run a row.
        budgets: Budgets of budgets.csv, see `vlrb.report.budgets.budgets_frame`.

    Raises:
        StateError: A run is not finished, or the runs saw different data, prices or bounds.
    """
    board = make_leaderboard(runs, split, select=select)
    print_leaderboard(board)
    write_leaderboard(board, out, budgets=budgets)
