"""What each router reaches over all its operating points, against mixing single models without a router."""

from html import escape
from typing import Any

import numpy as np

from vlrb.metrics.frontier import curve_accuracy
from vlrb.report.budgets import budgets_frame, not_binding
from vlrb.report.columns import dollars, three
from vlrb.report.curves import OLD_RUNS, Curve, method_curve, static_mixture, trained_methods
from vlrb.report.frontier_files import wants_frontier
from vlrb.report.frontier_table import frontier_table
from vlrb.report.frontier_words import FRONTIER_SHOWN, stability_lines
from vlrb.report.leaderboard import QUERIES
from vlrb.report.page.context import Context
from vlrb.report.page.section import Section, chart_html, rounded
from vlrb.report.stability import stability_frame

TITLE = "What each router reaches"
LEAD = (
    "Each router's operating points and their hull: two points mixed at random reach what lies between them. The "
    "vertices are chosen on dev and shown on the split at hand, so a hull may dip. Dashed: single models mixed in "
    "fixed shares, chosen on train, which needs no router: what lies above is what routing adds."
)
STEPS = 80


def reach_section(context: Context) -> Section:
    """Return the hulls as a chart, the frontier's figures as a table, and how far they can be relied on."""
    board = context.board
    if not wants_frontier(board):
        return Section("reach", TITLE, "", "", "Needs several runs: train a router at several λ.", "Curves")
    mixture = static_mixture(board)
    chart = f'<p class="absent">{escape(OLD_RUNS)}</p>'
    if mixture is not None:
        chart = chart_html("reach", TITLE, {"kind": "plane", "views": _views(context, mixture), "bounds": None})
    return Section(
        "reach", TITLE, LEAD, chart + _table(context) + _budgets(context) + _stability(context), short="Curves"
    )


def _views(context: Context, mixture: Curve) -> list[dict[str, Any]]:
    views = [_view(context, mixture, "as measured", expected=False)]
    if np.isfinite(mixture.expected).any():
        views.insert(0, _view(context, mixture, "exact expectation", expected=True))
    return views


def _view(context: Context, mixture: Curve, name: str, *, expected: bool) -> dict[str, Any]:
    board, right = context.board, _right(context, mixture)
    line = _line(mixture, right, expected=expected)
    series: list[dict[str, Any]] = [
        {"name": "static mixture", "colour": "muted", "line": line, "dash": True, "points": []}
    ]
    for row, method in trained_methods(board).items():
        curve, style = method_curve(board, method, mixture), context.styles[method.router]
        values = curve.expected if expected else curve.shown
        points = [
            {"x": rounded(cost * QUERIES), "y": rounded(accuracy), "name": curve.names[k], "label": k == method.place}
            | {"kind": "chosen on dev" if k == method.place else "operating point"}
            for k, (cost, accuracy) in enumerate(values.T[: len(method.candidates)])
            if np.isfinite([cost, accuracy]).all() and cost > 0
        ]
        drawn = {"colour": style.colour, "shape": style.shape, "line": _line(curve, right, expected=expected)}
        series.append({"name": row, **drawn, "points": points})
    return {
        "name": name,
        "x": {"label": "USD per 1,000 queries (log scale)", "log": True},
        "y": {"label": "expected accuracy" if expected else "accuracy"},
        "series": series,
    }


def _right(context: Context, mixture: Curve) -> float:
    bounds = context.board.runs[0].bounds
    return float(np.nanmax([bounds.cmax or 0.0, np.nanmax(mixture.shown[0])])) * QUERIES


def _line(curve: Curve, right: float, *, expected: bool) -> list[list[float | None]]:
    """Return points along a hull, from its cheapest vertex to the dearest model's cost (mixing is straight in USD)."""
    cost, accuracy = curve.vertices(expected=expected)
    known = np.isfinite([cost, accuracy]).all(axis=0) & (cost > 0)
    if not known.any():
        return []
    cost, accuracy = cost[known] * QUERIES, accuracy[known]
    at = np.unique(np.append(np.geomspace(cost.min(), max(right, cost.max()), STEPS), cost))
    return [[rounded(x), rounded(y)] for x, y in zip(at, curve_accuracy(cost, accuracy, at), strict=True)]


def _table(context: Context) -> str:
    table = frontier_table(context.board)
    columns = [c for c in FRONTIER_SHOWN if c.key == "name" or table[c.key].notna().any()]
    head = "".join(f'<th scope="col" title="{escape(c.help, quote=True)}">{escape(c.heading)}</th>' for c in columns)
    lines = []
    for row in table.to_dict("records"):
        cells = "".join(f"<td>{escape(c.figure(row))} <small>{c.bracket(row)}</small></td>" for c in columns[1:])
        lines.append(f'<tr><th scope="row">{escape(str(row["name"]))}</th>{cells}</tr>')
    return (
        f'<div class="scroll"><table id="frontier-figures"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _budgets(context: Context) -> str:
    """Return accuracy within each budget, with what it cost there."""
    frame = budgets_frame(context.board, context.budgets)
    if frame.empty:
        return ""
    names = list(frame["name"].drop_duplicates())
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ["budget", *names])
    lines = []
    for budget, rows in frame.groupby("budget_per_1k", sort=True):
        found = {row["name"]: row for row in rows.to_dict("records")}
        cells = "".join(f"<td>{_budget_cell(found[name])}</td>" for name in names)
        lines.append(f'<tr><th scope="row">{dollars(float(str(budget)))}</th>{cells}</tr>')
    note = not_binding(frame)
    return (
        "<details><summary>Within a budget</summary><p>Budgets in USD per 1,000 queries are kept on dev, where the "
        "point is chosen; in brackets, what it costs on the split shown, over (+) or under the budget."
        f"{'' if note is None else ' ' + escape(note.capitalize()) + '.'}</p>"
        f'<div class="scroll"><table id="budgets"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
        "</div></details>"
    )


def _budget_cell(row: dict[Any, Any]) -> str:
    if not np.isfinite(row["accuracy"]):
        return "–"
    over = f"{row['overshoot']:+.0%}".replace("-", "−").replace("%", " %")
    return f"{three(row['accuracy'])} <small>({over})</small>"


def _stability(context: Context) -> str:
    lines = stability_lines(stability_frame(context.board))
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<h3>Does the order hold?</h3><ul class="notes">{items}</ul>'
