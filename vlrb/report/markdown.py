"""The leaderboard and its per-dataset table as Markdown."""

from collections.abc import Sequence

import pandas as pd

from vlrb.report.columns import shown_columns, three
from vlrb.report.curves import static_mixture
from vlrb.report.datasets import accuracy_grid, grid_names
from vlrb.report.frontier_files import wants_frontier
from vlrb.report.frontier_table import frontier_table
from vlrb.report.frontier_words import FRONTIER_SHOWN, stability_lines
from vlrb.report.leaderboard import BOUND, KINDS, REFERENCE, TRAINED, Leaderboard
from vlrb.report.points import EXPLANATION, POINTS_SHOWN, point_rows, several_points
from vlrb.report.stability import stability_frame
from vlrb.report.terminal import footnotes

SECTION_MARKS = {TRAINED: "**{}**", REFERENCE: "{}", BOUND: "*{}*"}


def leaderboard_markdown(board: Leaderboard, datasets: pd.DataFrame) -> str:
    """Return the page: leaderboard, notes, plots, accuracy per dataset.

    Args:
        board: The leaderboard.
        datasets: Its table per dataset, see `dataset_table`.
    """
    columns = shown_columns(board.frame)
    rows = []
    for kind in KINDS:
        for row in board.section(kind).to_dict("records"):
            cells = [column.cell(row) for column in columns]
            rows.append([SECTION_MARKS[kind].format(escape(cells[0])), *cells[1:]])
    names = grid_names(board)
    grid = accuracy_grid(datasets, names)
    dataset_rows = [
        [escape(str(scope)), *map(three, values)] for scope, values in zip(grid.index, grid.to_numpy(), strict=True)
    ]
    parts = [
        f"# Leaderboard: {board.title}",
        board.subtitle,
        table([column.heading for column in columns], rows),
        "\n".join(f"- {note}" for note in ["routers in bold, bounds in italics", *footnotes(board)]),
        "![accuracy against cost](pareto.png)",
        "![which models are chosen](choices.png)",
        *_points(board),
        *_frontier(board),
        "## Accuracy by dataset",
        "micro: every sample counts the same · macro: every dataset counts the same",
        table(["dataset", *map(escape, names)], dataset_rows),
    ]
    return "\n\n".join(parts) + "\n"


def _points(board: Leaderboard) -> list[str]:
    """Return the section of all operating points, nothing where dev had nothing to choose."""
    if not several_points(board):
        return []
    rows = [
        [f"**{escape(cells[0])}**" if chosen else escape(cells[0]), *cells[1:]] for chosen, cells in point_rows(board)
    ]
    return ["## Operating points", EXPLANATION, table([column.heading for column in POINTS_SHOWN], rows)]


def _frontier(board: Leaderboard) -> list[str]:
    """Return the section of curves and frontier figures, nothing where there is one run."""
    if not wants_frontier(board):
        return []
    found = frontier_table(board)
    columns = [c for c in FRONTIER_SHOWN if c.key == "name" or found[c.key].notna().any()]
    rows = [
        [escape(c.cell(row)) if c.key == "name" else c.cell(row) for c in columns] for row in found.to_dict("records")
    ]
    notes = "\n".join(f"- {c.heading}: {c.help}" for c in columns[1:])
    stable = "\n".join(f"- {line}" for line in stability_lines(stability_frame(board)))
    parts = ["## What each router reaches"]
    parts += [] if static_mixture(board) is None else ["![hulls of the operating points](frontier.png)"]
    return [*parts, table([c.heading for c in columns], rows), notes, *filter(None, [stable])]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, first column left, others right.

    >>> print(table(["router", "n"], [["mlp", "280"]]))
    | router | n |
    | :-- | --: |
    | mlp | 280 |
    """
    rule = [":--", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [list(head), rule, *map(list, rows)])


def escape(text: str) -> str:
    r"""Return text that a Markdown table shows as it is.

    >>> escape("strongest_global a|b")
    'strongest\\_global a\\|b'
    """
    return "".join(f"\\{c}" if c in "\\|_*`<>[]" else c for c in text)
