"""The leaderboard on the terminal: as many columns as fit, never a wrapped row."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from vlrb.evaluation.runs import Run, load_run
from vlrb.report.columns import Column, dollars, shown_columns, three
from vlrb.report.frontier_words import exchange_line
from vlrb.report.leaderboard import BEST_SINGLE, KINDS, TRAINED, Leaderboard, make_leaderboard
from vlrb.report.points import print_points
from vlrb.schema import SplitName
from vlrb.utils.console import console, say

GAP = 2  # blank cells between columns: one of padding, one of the box


def print_leaderboard(
    runs: Sequence[Run | Path] | Leaderboard, split: SplitName = "test", resamples: int | None = None
) -> None:
    """Print the leaderboard of runs (or a ready one) to the console.

    Raises:
        StateError: Runs that cannot stand in one table, or are not finished.
    """
    board = runs if isinstance(runs, Leaderboard) else make_leaderboard(runs, split, resamples)
    say(Text(board.title, style="bold"))
    say(Text(board.subtitle, style="dim"))
    say(leaderboard_table(board, console().width))
    known = shown_columns(board.frame)
    shown = fitting(known, board, console().width)
    hidden = tuple(f"{c.heading}: " for c in known if c.key not in {s.key for s in shown})  # notes on these
    for note in footnotes(board)[0 if any(c.interval for c in shown) else 1 :]:  # the first explains the intervals
        if not note.startswith(hidden):
            say(note, style="dim")
    print_points(board)


def leaderboard_table(board: Leaderboard, width: int) -> Table:
    """Return the table with the columns that fit into `width` cells."""
    columns = fitting(shown_columns(board.frame), board, width)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, GAP - 1, 0, 0), show_edge=False, pad_edge=False)
    for column, needed in zip(columns, _widths(columns, board), strict=True):
        if column.key == "name":  # the one column that may be folded, where nothing else helps
            table.add_column(column.title, justify="left")
        else:
            table.add_column(column.title, justify="right", no_wrap=True, min_width=needed)
    sections = [board.section(kind) for kind in KINDS]
    for section in (s for s in sections if len(s)):
        rows = section.to_dict("records")
        for k, row in enumerate(rows):
            style = _style(str(row["kind"]), first=k == 0)
            table.add_row(*(_cell(column, row, style) for column in columns), end_section=k == len(rows) - 1)
    return table


def fitting(columns: list[Column], board: Leaderboard, width: int) -> list[Column]:
    """Return the columns that fit: the least needed are left out first, then the intervals beside figures."""
    kept = list(columns)

    def too_wide() -> bool:
        return sum(_widths(kept, board)) + GAP * (len(kept) - 1) > width

    while too_wide() and any(c.keep < 9 for c in kept):
        kept.remove(min(kept, key=lambda c: c.keep))
    while too_wide() and any(c.interval for c in kept):
        first = next(place for place, c in enumerate(kept) if c.interval)
        kept[first] = kept[first]._replace(interval=False)
    return kept


def _widths(columns: list[Column], board: Leaderboard) -> list[int]:
    """Return how many cells each column needs."""
    rows = board.frame.to_dict("records")
    return [max(map(cell_len, [*c.title.split("\n"), *(c.cell(row) for row in rows)])) for c in columns]


def _style(kind: str, *, first: bool) -> str:
    if kind != TRAINED:
        return "dim"
    return "bold green" if first else ""


def _cell(column: Column, row: dict[Any, Any], style: str) -> Text:
    text = Text(column.figure(row), style=style)
    bracket = column.bracket(row)
    if bracket:
        text.append(f" {bracket}", style="dim")
    return text


def footnotes(board: Leaderboard) -> list[str]:
    """Return the lines below a table."""
    notes = ["in brackets: 95 % bootstrap interval over split groups"]
    if (board.frame["router"] == BEST_SINGLE).any():
        notes.append(f"best single model: {BEST_SINGLE}, chosen on the training split")
    rate = exchange_line(board)
    return [*notes, *board.notes, *([] if rate is None else [rate])]


def run_line(folder: Path, status: str, seconds: float, split: SplitName = "test") -> str:
    """Return one line about a finished run, for sweeps.

    Raises:
        StateError: The run is not finished or damaged.
    """
    run = load_run(folder)
    cost = run.metrics.get(f"{split}/cost")
    figures = (
        f"Rank Score {three(run.metrics.get(f'{split}/rank_score'))}",
        f"accuracy {three(run.metrics.get(f'{split}/accuracy'))}",
        f"{dollars(None if cost is None else cost * 1000)}/1k",
    )
    took = f"{status} in {seconds:.0f} s" if seconds >= 1 else status
    return f"{run.name}: {took} · {split} {' · '.join(figures)}"
