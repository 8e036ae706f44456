"""The accuracy–cost plane as an interactive chart."""

from typing import Any

import numpy as np

from vlrb.report.leaderboard import QUERIES
from vlrb.report.page.context import Context
from vlrb.report.page.section import Section, chart_html, rounded
from vlrb.report.plane import Mark, Plane, plane
from vlrb.schema import RANK_SCORE_BETA

TITLE = "Accuracy against cost"
LEAD = (
    "Up and to the left is better. Point at a dot (or focus the chart and use the arrow keys) for its figures; the "
    "legend hides and shows. Small dots: operating points that dev did not choose. Dotted: equal Rank Score."
)


def frontier_section(context: Context) -> Section:
    """Return the chart of every row, single model and reference; on synthetic data with the Bayes frontier."""
    views = [_view(context, plane(context.board, expected=False), "as measured")]
    exact = plane(context.board)
    if exact.expected:
        views.insert(0, _view(context, exact, "exact expectation"))
    spec = {"kind": "plane", "views": views, "bounds": _bounds(context)}
    return Section(
        "frontier", TITLE, LEAD, chart_html("frontier", "accuracy against cost of every router", spec), short="Cost"
    )


def _bounds(context: Context) -> dict[str, Any] | None:
    bounds = context.board.runs[0].bounds
    if bounds.problem() is not None or bounds.cmin is None or bounds.cmax is None:
        return None
    return {"cmin": bounds.cmin * QUERIES, "cmax": bounds.cmax * QUERIES, "beta": RANK_SCORE_BETA}


def _view(context: Context, points: Plane, name: str) -> dict[str, Any]:
    series: list[dict[str, Any]] = []
    if len(points.frontier):
        line = [[rounded(x), rounded(y)] for x, y in _thinned(points.frontier)]
        series.append({"name": "Bayes frontier", "colour": "ink", "lines": [line], "dash": True, "points": []})
    singles = [_point(mark, "single model") for mark in points.singles]
    if singles:
        series.append({"name": "single models", "colour": "faint", "shape": "ring", "points": singles})
    references = [_point(mark, "reference or bound") for mark in points.references]
    if references:
        series.append({"name": "references and oracle", "colour": "ink", "shape": "diamond", "points": references})
    for router, marks in points.routers.items():
        style = context.styles[router]
        marked = [_point(mark, "router", label=k == 0) for k, mark in enumerate(marks)]
        others, lines = _tried(context, router, expected=points.expected)
        drawn = {"colour": style.colour, "shape": style.shape, "lines": lines}
        series.append({"name": router, "points": [*others, *marked], **drawn})
    return {
        "name": name,
        "x": {"label": "USD per 1,000 queries (log scale)", "log": True},
        "y": {"label": "expected accuracy" if points.expected else "accuracy"},
        "series": series,
    }


def _tried(context: Context, router: str, *, expected: bool) -> tuple[list[dict[str, Any]], list[list[list[float]]]]:
    """Return the operating points of a router that dev did not choose, and a line through all points of each method."""
    prefix = "expected_" if expected else ""
    table = context.board.points
    x, y = f"{prefix}cost_per_1k", f"{prefix}accuracy"
    own = table[(table["router"] == router) & table[x].gt(0) & table[y].notna()]
    others = [
        {
            "x": rounded(row[x]),
            "y": rounded(row[y]),
            "name": row["name"],
            "kind": "tried, not chosen on dev",
            "label": False,
        }
        for row in own[own["chosen"].eq(False)].to_dict("records")
    ]
    lines = []
    for _, method in own.groupby("method", sort=False):
        line = sorted([float(f"{a:.6g}"), float(f"{b:.6g}")] for a, b in zip(method[x], method[y], strict=True))
        lines += [line] if len(line) > 1 else []
    return others, lines


def _point(mark: Mark, kind: str, *, label: bool = True) -> dict[str, Any]:
    text = mark.text.replace("\n", " = ")
    return {"x": rounded(mark.cost), "y": rounded(mark.accuracy), "name": text, "kind": kind, "label": label}


def _thinned(line: np.ndarray, most: int = 200) -> np.ndarray:
    keep = np.unique(np.linspace(0, len(line) - 1, min(most, len(line))).round().astype(int))
    return np.asarray(line[keep])
