"""The plot of accuracy against cost: single models, references, routers, and on synthetic data the Bayes frontier."""

import re
from typing import TYPE_CHECKING

import numpy as np

from vlrb.metrics.rank_score import rank_scores
from vlrb.report.annotate import draw_points, name_points
from vlrb.report.canvas import heading, new_figure, style
from vlrb.report.leaderboard import QUERIES, TRAINED, Leaderboard
from vlrb.report.palette import FAINT, INK
from vlrb.report.plane import Mark, Plane, plane

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ERROR_BARS_UP_TO = 4  # routers; more error bars than that hide what they belong to
FEWEST_TICKS, MOST_TICKS = 4, 8
NARROW = 6.0  # inches; narrower figures name only the important points


def pareto_figure(board: Leaderboard, width: float = 9.0, height: float = 5.6) -> "Figure":
    """Return the plot of accuracy against cost per 1,000 queries (logarithmic).

    Args:
        board: The leaderboard.
        width: Inches; below 6 only the important points are named.
        height: Inches.
    """
    narrow = width < NARROW
    points = plane(board, short=narrow)
    with style():
        figure = new_figure(width, height)
        axes = figure.add_axes((0.62 / width, 0.55 / height, 1 - 0.8 / width, 1 - 1.2 / height))
        set_limits(axes, points)
        levels = draw_contours(axes, board)
        lines = [*_draw(axes, points), *_error_bars(axes, points, board)]
        name_points(axes, points, levels, points_along(axes, lines), narrow=narrow)
        axes.set_xlabel("USD per 1,000 queries (log scale)")
        axes.set_ylabel("expected accuracy" if points.expected else "accuracy")
        subtitle = board.title if narrow else f"{board.title} · {board.subtitle}"
        notes = ["exact expectations, but for the oracle"] if points.expected else []
        notes += ["dotted: equal Rank Score S"] if levels else []
        heading(figure, "Accuracy against cost", subtitle, "" if narrow else " · ".join(notes))
    return figure


def set_limits(axes: "Axes", points: Plane) -> None:
    """Set axes of accuracy against log cost that hold every point."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    marks = points.marks()
    cost = np.array([*(mark.cost for mark in marks), *points.frontier[:, 0]] or [1.0])
    accuracy = np.array([*(mark.accuracy for mark in marks), *points.frontier[:, 1]] or [0.5])
    decades = max(np.log10(cost.max() / cost.min()), 0.3)
    low, high = cost.min() / 10 ** (0.05 * decades + 0.02), cost.max() * 10 ** (0.10 * decades + 0.02)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    margin = 0.07 * max(float(np.ptp(accuracy)), 0.05)
    axes.set_ylim(max(accuracy.min() - margin, -0.02), min(accuracy.max() + margin, 1.02))
    ticks = cost_ticks(low, high)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"${value:.10g}"))
    axes.grid(visible=True, linewidth=0.6)
    axes.set_axisbelow(True)


def cost_ticks(low: float, high: float) -> list[float]:
    """Return round costs for a logarithmic axis: enough to read it, few enough to fit.

    >>> cost_ticks(0.012, 2.4)
    [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0]
    >>> cost_ticks(0.066, 0.11)
    [0.07, 0.08, 0.09, 0.1]
    """
    ticks: list[float] = []
    for steps in ((1,), (1, 2, 5), range(1, 10), np.arange(10, 100) / 10):
        every = [float(f"{step * 10.0**exponent:.3g}") for exponent in range(-9, 6) for step in steps]
        ticks = [tick for tick in every if low <= tick <= high]
        if len(ticks) >= FEWEST_TICKS:
            break
    return ticks if len(ticks) <= MOST_TICKS else ticks[:: -(-len(ticks) // MOST_TICKS)]


def draw_contours(axes: "Axes", board: Leaderboard) -> list[Mark]:
    """Draw lines of equal Rank Score in the background (they show what it rewards); return marks for their names."""
    bounds = board.runs[0].bounds
    if bounds.problem() is not None or bounds.cmin is None or bounds.cmax is None:
        return []
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    x, y = np.geomspace(left, right, 160), np.linspace(max(bottom, 0.0), min(top, 1.0), 120)
    accuracy, cost = np.meshgrid(y, x / QUERIES, indexing="ij")
    score = rank_scores(accuracy, cost, bounds.cmin, bounds.cmax)
    levels = np.arange(1, 10) / 10
    axes.contour(x, y, score, levels=levels, colors=[FAINT], linewidths=0.6, linestyles="dotted")
    at_edge = np.interp(levels, score[:, 0], y, left=np.nan, right=np.nan)
    return [Mark(f"S={s:.1f}", left, at, FAINT, "", 0.0) for s, at in zip(levels, at_edge, strict=True) if at == at]


def _draw(axes: "Axes", points: Plane) -> list[np.ndarray]:
    """Draw lines and points; return the lines, for names to keep off."""
    lines = []
    if len(points.frontier):
        axes.plot(*points.frontier.T, color=INK, linewidth=1.3, linestyle=(0, (5, 2)), zorder=3)
        lines.append(points.frontier)
    for marks in (same for all_marks in points.routers.values() for same in _by_setting(all_marks)):
        path = np.array(sorted((mark.cost, mark.accuracy) for mark in marks))
        if len(path) > 1:
            axes.plot(*path.T, color=marks[0].colour, linewidth=1.2, alpha=0.55, zorder=4)
            lines.append(path)
    draw_points(axes, points)
    return lines


def _by_setting(marks: list[Mark]) -> list[list[Mark]]:
    """Return the runs of a router in groups that differ in λ alone: a line joins what one setting reaches."""
    groups: dict[str, list[Mark]] = {}
    for mark in marks:
        groups.setdefault(re.sub(r" λ=\S+", "", mark.text), []).append(mark)
    return list(groups.values())


def points_along(axes: "Axes", lines: list[np.ndarray]) -> np.ndarray:
    """Return points every few pixels along lines, in pixels."""
    pieces = [np.zeros((0, 2))]
    for line in lines:
        pixels = axes.transData.transform(line)
        length = np.append(0, np.hypot(*np.diff(pixels, axis=0).T).cumsum())
        at = np.arange(0, length[-1] + 1e-9, 4.0)
        pieces.append(np.column_stack([np.interp(at, length, pixels[:, 0]), np.interp(at, length, pixels[:, 1])]))
    return np.concatenate(pieces)


def _error_bars(axes: "Axes", points: Plane, board: Leaderboard) -> list[np.ndarray]:
    """Draw the intervals of accuracy and cost where there are few routers, and return them."""
    marks = {mark.text: mark for marks in points.routers.values() for mark in marks}
    bars: list[np.ndarray] = []
    if points.expected or len(marks) > ERROR_BARS_UP_TO:
        return bars
    for row in board.section(TRAINED).to_dict("records"):
        mark = marks.get(row["name"])
        if mark is None:
            continue
        vertical = np.array([(mark.cost, row[f"accuracy_{end}"]) for end in ("low", "high")])
        horizontal = np.array([(row[f"cost_per_1k_{end}"], mark.accuracy) for end in ("low", "high")])
        for bar in (vertical, horizontal):
            if np.isfinite(bar).all():
                axes.plot(*bar.T, color=mark.colour, linewidth=1.3, alpha=0.6, zorder=6, solid_capstyle="butt")
                bars.append(bar)
    return bars
