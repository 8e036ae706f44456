"""The tables of the page: a leaderboard that sorts, and accuracies by dataset."""

import math
from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from vlrb.report.columns import Column, dollars, known, shown_columns, three
from vlrb.report.datasets import accuracy_grid, grid_names
from vlrb.report.leaderboard import BEST_SINGLE, BOUND, KINDS, REFERENCE, TRAINED, Leaderboard
from vlrb.report.page.context import MOST_LEADERS, Context
from vlrb.report.page.section import Section
from vlrb.report.points import points_html
from vlrb.report.terminal import footnotes

SECTIONS = {TRAINED: "trained routers", REFERENCE: "references", BOUND: "bounds (need the answers or the generator)"}
FULL_SHADE = 0.10  # difference in accuracy that gets the full shade
MOST_SHADE = 55  # per cent


DATASETS_LEAD = (
    "Shade: above (blue) or below (orange) the best single model, full at 0.10. micro: every sample counts the same; "
    "macro: every dataset counts the same. Single datasets are small: their figures move by chance."
)


def leaderboard_section(context: Context) -> Section:
    """Return the leaderboard and its notes."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in footnotes(context.board))
    table = leaderboard_html(context.board)
    body = f'<div class="scroll">{table}</div><ul class="notes">{notes}</ul>{points_html(context.board)}'
    return Section("board", "Leaderboard", "", body)


def datasets_section(context: Context) -> Section:
    """Return the heat map of accuracies by dataset."""
    table = datasets_html(context.board, context.datasets)
    return Section(
        "by-dataset", "Accuracy by dataset", DATASETS_LEAD, f'<div class="scroll">{table}</div>', short="Datasets"
    )


def leaderboard_html(board: Leaderboard) -> str:
    """Return the leaderboard as a table; each section sorts by itself."""
    columns = shown_columns(board.frame)
    spans = {c.key: _span(board.frame, c) for c in columns if c.interval}
    head = "".join(_heading(column) for column in columns)
    bodies = []
    for kind in KINDS:
        rows = board.section(kind).to_dict("records")
        if rows:
            title = f'<tr class="section"><th colspan="{len(columns)}" scope="rowgroup">{SECTIONS[kind]}</th></tr>'
            lines = "".join(f"<tr>{''.join(_cell(c, row, spans) for c in columns)}</tr>" for row in rows)
            bodies.append(f'<tbody class="{kind}">{title}{lines}</tbody>')
    return f'<table class="sortable" id="leaderboard"><thead><tr>{head}</tr></thead>{"".join(bodies)}</table>'


def _heading(column: Column) -> str:
    order = "descending" if column.key == "rank_score" else "none"
    name = escape(column.heading)
    return (
        f'<th scope="col" aria-sort="{order}" title="{escape(column.help)}"><button type="button">{name}</button></th>'
    )


def _cell(column: Column, row: Mapping[Any, Any], spans: Mapping[str, tuple[float, float]]) -> str:
    value = row[column.key]
    if column.key == "name":
        return f'<th scope="row" data-value="{escape(str(value))}">{escape(str(value))}</th>'
    key = f"{value:.10g}" if known(value) else ""
    bracket = column.bracket(row)
    beside = f" <small>{bracket}</small>{_whisker(column, row, spans[column.key])}" if bracket else ""
    return f'<td data-value="{key}">{column.figure(row)}{beside}</td>'


def _span(frame: pd.DataFrame, column: Column) -> tuple[float, float]:
    """Return the common scale of a column's whiskers: routers and the best single model; others end at its edge."""
    rows = frame[(frame["kind"] == TRAINED) | (frame["router"] == BEST_SINGLE)]
    low, high = rows[f"{column.key}_low"].min(), rows[f"{column.key}_high"].max()
    return (float(low), float(high)) if known(float(low)) and high > low else (0.0, 1.0)


def _whisker(column: Column, row: Mapping[Any, Any], span: tuple[float, float]) -> str:
    """Return a small drawing of figure and interval."""
    places = [(row[f"{column.key}{end}"] - span[0]) / (span[1] - span[0]) for end in ("_low", "", "_high")]
    low, middle, high = (100 * max(0.0, min(1.0, place)) for place in places)
    bar = f"left:{low:.1f}%;width:{high - low:.1f}%"
    outside = not 0 <= places[1] <= 1
    dot = "" if outside else f'<b style="left:{middle:.1f}%"></b>'
    return f'<span class="whisker" aria-hidden="true"><i style="{bar}"></i>{dot}</span>'


def datasets_html(board: Leaderboard, datasets: pd.DataFrame) -> str:
    """Return accuracies by dataset, group and overall, shaded by their distance to the best single model."""
    names = grid_names(board, MOST_LEADERS)
    grid = accuracy_grid(datasets, names)
    sizes = _sizes(datasets)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ["dataset", "n", *names])
    lines = []
    for scope, row in zip(grid.index, grid.to_dict("records"), strict=True):
        base = row.get(BEST_SINGLE, math.nan)
        cells = "".join(_shaded(row[name], base) for name in names)
        kind = ' class="summary"' if ", " in str(scope) else ""
        lines.append(f'<tr{kind}><th scope="row">{escape(str(scope))}</th><td>{sizes[str(scope)]:,}</td>{cells}</tr>')
    return f'<table id="datasets"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'


def _sizes(datasets: pd.DataFrame) -> dict[str, int]:
    first = datasets[datasets["name"] == datasets["name"].iloc[0]]
    labels = first["scope"].where(first["average"] == "", first["scope"] + ", " + first["average"])
    return {str(label): int(n) for label, n in zip(labels, first["n"], strict=True)}


def _shaded(value: float, base: float) -> str:
    if not (known(value) and known(base)):
        return f"<td>{three(value)}</td>"
    share = round(MOST_SHADE * max(-1.0, min(1.0, (value - base) / FULL_SHADE)))
    colour = "blue" if share > 0 else "vermilion"
    shade = f' style="background:color-mix(in srgb,var(--{colour}) {abs(share)}%,transparent)"' if share else ""
    return f"<td{shade}>{three(value)}</td>"


def runs_html(board: Leaderboard) -> str:
    """Return the list of run folders behind the page."""
    items = [
        f"<li>{escape(run.name)}: {three(run.metrics.get(f'{board.split}/accuracy'))} at "
        f"{dollars(_per_1k(run.metrics.get(f'{board.split}/cost')))}/1k <code>{escape(str(run.folder))}</code></li>"
        for run in board.runs
    ]
    return f"<ul>{''.join(items)}</ul>"


def _per_1k(cost: float | None) -> float | None:
    return None if cost is None else cost * 1000
