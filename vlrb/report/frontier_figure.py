"""The plot of what each method reaches over all its operating points, against mixing single models without a router."""

from typing import TYPE_CHECKING

import numpy as np

from vlrb.metrics.frontier import curve_accuracy
from vlrb.report.annotate import draw_points, name_points
from vlrb.report.canvas import heading, new_figure, style
from vlrb.report.curves import Curve, method_curve, static_mixture, trained_methods
from vlrb.report.leaderboard import QUERIES, Leaderboard
from vlrb.report.palette import INK, MUTED, series_colours
from vlrb.report.pareto import NARROW, points_along, set_limits
from vlrb.report.plane import Mark, Plane, plane

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEPS = 400  # of a drawn hull: mixing is straight in USD, so it is bent on a logarithmic axis
DASHED = (0, (5, 2))


def frontier_figure(board: Leaderboard, width: float = 9.0, height: float = 5.6) -> "Figure | None":
    """Return the curves of all trained methods: points, hull (vertices chosen on dev), and the point that dev chose.

    Beside them the static mixture of single models (chosen on train), the single models, the references, and on
    synthetic data the Bayes frontier; there all but the oracle is drawn at its exact expectation.

    Args:
        board: The leaderboard.
        width: Inches; below 6 only the chosen points and references are named.
        height: Inches.

    Returns:
        None where the runs do not hold what the curves are made from.
    """
    mixture = static_mixture(board)
    if mixture is None or not len(mixture.hull):
        return None
    shown = plane(board, short=width < NARROW)
    curves = {name: method_curve(board, m, mixture) for name, m in trained_methods(board).items()}
    points = shown._replace(routers=_marks(board, shown, curves))
    colours = series_colours(list(curves))
    with style():
        figure = new_figure(width, height)
        axes = figure.add_axes((0.62 / width, 0.55 / height, 1 - 0.8 / width, 1 - 1.2 / height))
        set_limits(axes, points)
        lines = [_draw_hull(axes, mixture, MUTED, expected=points.expected, dashed=True)]
        lines += [_draw_hull(axes, curve, colours[name], expected=points.expected) for name, curve in curves.items()]
        if len(points.frontier):
            axes.plot(*points.frontier.T, color=INK, linewidth=1.3, linestyle=DASHED, zorder=3)
            lines.append(points.frontier)
        draw_points(axes, points, faint=0.7)
        name_points(axes, points, [], points_along(axes, lines), narrow=True)
        axes.set_xlabel("USD per 1,000 queries (log scale)")
        axes.set_ylabel("expected accuracy" if points.expected else "accuracy")
        note = "grey dashes: single models mixed without a router" if width >= NARROW else ""
        heading(figure, "What each router reaches", f"{board.title} · hulls chosen on dev · ● the chosen point", note)
    return figure


def _marks(board: Leaderboard, shown: Plane, curves: dict[str, Curve]) -> dict[str, list[Mark]]:
    """Return the marks of each method: the chosen point first and large, then the others."""
    colours, marks = series_colours(list(curves)), {}
    for name, curve in curves.items():
        method = board.methods[name]
        values = curve.expected if shown.expected else curve.shown
        order = [method.place, *(k for k in range(len(method.candidates)) if k != method.place)]
        found = [
            Mark(curve.names[k], cost * QUERIES, accuracy, colours[name], "o", 8.0 if k == method.place else 4.0)
            for k in order
            for cost, accuracy in [values[:, k]]
            if np.isfinite([cost, accuracy]).all() and cost > 0
        ]
        if found:
            marks[name] = [mark._replace(bold=mark.size > 4.0) for mark in found]
    return marks


def _draw_hull(axes: "Axes", curve: Curve, colour: str, *, expected: bool, dashed: bool = False) -> np.ndarray:
    """Draw a curve from its cheapest vertex to the right edge; return its points."""
    cost, accuracy = curve.vertices(expected=expected)
    known = np.isfinite([cost, accuracy]).all(axis=0) & (cost > 0)
    if not known.any():
        return np.zeros((0, 2))
    at = np.geomspace(cost[known].min() * QUERIES, axes.get_xlim()[1], STEPS)
    at = np.sort(np.append(at, cost[known] * QUERIES))
    height = curve_accuracy(cost[known] * QUERIES, accuracy[known], at)
    style_of = {"linestyle": DASHED, "linewidth": 1.1} if dashed else {"linewidth": 1.3}
    axes.plot(at, height, color=colour, alpha=0.8 if dashed else 0.6, zorder=2 if dashed else 4, **style_of)
    return np.column_stack([at, height])
