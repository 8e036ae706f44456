"""The second table: every operating point that was tried, with the one that dev chose."""

from html import escape

from rich import box
from rich.table import Table
from rich.text import Text

from vlrb.report.columns import Column, count, dollars, three
from vlrb.report.leaderboard import Leaderboard
from vlrb.utils.console import say

MOST_PRINTED = 30  # points; more would bury the leaderboard above them
EXPLANATION = "dev chose the marked ones; the other test figures are here to be seen, not to be chosen from"
POINTS_SHOWN = (
    Column("name", "operating point", "router, λ and what else differs", str),
    Column("seeds", "seeds", "training seeds that the figures are means over", count),
    Column("dev_accuracy", "dev\nacc.", "accuracy on dev", three),
    Column("dev_cost_per_1k", "dev\n$/1k", "mean cost on dev in USD per 1,000 queries", dollars),
    Column("dev_rank_score", "dev\nscore", "Rank Score on dev", three),
    Column("accuracy", "acc.", "accuracy on the split shown", three),
    Column("cost_per_1k", "$/1k", "mean cost on the split shown in USD per 1,000 queries", dollars),
    Column("rank_score", "score", "Rank Score on the split shown", three),
)


def several_points(board: Leaderboard) -> bool:
    """Return whether any row was chosen from several operating points."""
    return len(board.points) > len(board.methods)


def point_rows(board: Leaderboard) -> list[tuple[bool, list[str]]]:
    """Return the cells of every point of the methods that dev chose a point of, and whether it is that one."""
    several = board.points[board.points["points"] > 1]
    return [(bool(row["chosen"]), [c.figure(row) for c in POINTS_SHOWN]) for row in several.to_dict("records")]


def print_points(board: Leaderboard) -> None:
    """Print the operating points below a leaderboard; where there are too many, say where they are."""
    rows = point_rows(board)
    if not rows or len(rows) > MOST_PRINTED:
        if rows:
            say(f"{len(rows)} operating points: points.csv and leaderboard.html of the report", style="dim")
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in POINTS_SHOWN:
        table.add_column(
            column.title, justify="left" if column.key == "name" else "right", no_wrap=column.key != "name"
        )
    for chosen, cells in rows:
        mark = "▸ " if chosen else "  "
        table.add_row(*(Text(cell, style="bold" if chosen else "dim") for cell in [mark + cells[0], *cells[1:]]))
    say()
    say(table)
    say(f"▸ {EXPLANATION}", style="dim")


def points_html(board: Leaderboard) -> str:
    """Return the points as a table that unfolds; nothing where dev had nothing to choose."""
    rows = point_rows(board)
    if not rows:
        return ""
    head = "".join(f'<th scope="col" title="{escape(c.help)}">{escape(c.heading)}</th>' for c in POINTS_SHOWN)
    lines = []
    for chosen, cells in rows:
        name = f"<b>{escape(cells[0])}</b>" if chosen else escape(cells[0])
        mark = ' class="summary"' if chosen else ""
        figures = "".join(f"<td>{escape(cell)}</td>" for cell in cells[1:])
        lines.append(f'<tr{mark}><th scope="row">{name}</th>{figures}</tr>')
    return (
        f"<details><summary>All {len(rows)} operating points</summary><p>{EXPLANATION.capitalize()}.</p>"
        f'<div class="scroll"><table id="points"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div></details>"
    )
