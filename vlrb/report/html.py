"""The report page: one file that needs nothing else, from phone to wide screen, light and dark."""

from html import escape

import pandas as pd

from vlrb.report.grades import Absent, Grades
from vlrb.report.leaderboard import Leaderboard
from vlrb.report.page.about import about_section
from vlrb.report.page.calibration import calibration_section
from vlrb.report.page.choices import choices_section
from vlrb.report.page.context import Context
from vlrb.report.page.curves import curves_section
from vlrb.report.page.frontier import frontier_section
from vlrb.report.page.identity import identity_section
from vlrb.report.page.reach import reach_section
from vlrb.report.page.samples import samples_section
from vlrb.report.page.shell import document
from vlrb.report.page.solved import solved_section
from vlrb.report.page.tables import datasets_section, leaderboard_section

SECTIONS = (
    leaderboard_section,
    frontier_section,
    reach_section,
    curves_section,
    datasets_section,
    identity_section,
    solved_section,
    choices_section,
    calibration_section,
    samples_section,
    about_section,
)
NOT_READ = Absent("Needs the benchmark: evaluate.py run=… or runs=… reads it.")


def report_page(
    board: Leaderboard, datasets: pd.DataFrame, grades: Grades | Absent = NOT_READ, samples: int = 0
) -> str:
    """Return the page as HTML.

    Args:
        board: The leaderboard.
        datasets: Its table per dataset, see `dataset_table`.
        grades: Every model's outcomes, or why there are none; sections that need them say so.
        samples: How many single samples to show.
    """
    return page_of(Context(board, datasets, grades, samples))


def page_of(context: Context) -> str:
    """Return the page of a context."""
    board = context.board
    name = str(board.runs[0].data["dataset_name"])
    badge = '<span class="badge">synthetic data</span>' if board.synthetic else ""
    split = f'<span class="badge plain">{escape(board.split)} split</span>'
    header = f"<h1>{escape(name)} {split}{badge}</h1><p>{escape(board.subtitle)}</p>"
    return document(f"Routing leaderboard: {name}", header, [make(context) for make in SECTIONS])
