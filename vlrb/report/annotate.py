"""Names beside the points of the accuracy–cost plane."""

from typing import TYPE_CHECKING

import numpy as np

from vlrb.report.labels import Label, place_labels
from vlrb.report.palette import FAINT, INK, MUTED, PAPER
from vlrb.report.plane import Mark, Plane

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

NAMED_TRADE_OFFS = 10  # further points of sweeps; beyond that only each router's best point is named
RADIUS = {"o": 0.5, "D": 0.75, "*": 0.55, "": 0.0}  # of a marker, in units of its size
LEADER_FROM = 13.0  # pixels between a point and its label from which a line joins them
PADDING = (4.0, 1.0)  # pixels around a text that stay free
ABOVE_LINES = 4.6  # drawing order: above lines and their background, below points


def draw_points(axes: "Axes", points: Plane, faint: float = 1.0) -> None:
    """Draw every point; `faint` is the opacity of those in the faintest colour."""
    for mark in points.marks():
        axes.plot(
            mark.cost,
            mark.accuracy,
            marker=mark.marker,
            markersize=mark.size,
            color=mark.colour if mark.filled else PAPER,
            markeredgecolor=PAPER if mark.bold else mark.colour,
            markeredgewidth=1.1,
            linestyle="none",
            zorder=7 if mark.bold else 5,
            alpha=faint if mark.colour == FAINT else 1.0,
        )


def name_points(axes: "Axes", points: Plane, levels: list[Mark], lines: np.ndarray, *, narrow: bool) -> None:
    """Write the names: levels first (pinned to the edge), then routers, references, single models, other λ.

    Args:
        axes: Finished but for its names; limits must not change afterwards.
        points: The points.
        levels: Names of the contours, at the left edge.
        lines: (j, 2) points along drawn lines in pixels.
        narrow: Leave out single models and all but the best point of each router.
    """
    best = [marks[0] for marks in points.routers.values()]
    others = [mark for marks in points.routers.values() for mark in marks[1:]]
    named = [*levels, *best, *points.references, *_frontier_name(points)]
    silent = [*others, *points.singles] if narrow else []
    if not narrow:
        named += points.singles
        trade_offs = [mark._replace(text=_trade_off(mark.text), bold=False) for mark in others]
        named, silent = (named + trade_offs, []) if len(others) <= NAMED_TRADE_OFFS else (named, others)
    texts = [_text(axes, mark) for mark in named]
    for mark, text, box in zip(named, texts, _boxes(axes, named, texts, silent, lines), strict=True):
        _put(axes, mark, text, box)


def _frontier_name(points: Plane) -> list[Mark]:
    if not len(points.frontier):
        return []
    cost, accuracy = points.frontier[int(points.frontier[:, 1].argmax())]
    return [Mark("Bayes frontier", cost, accuracy, INK, "", 0.0)]


def _trade_off(name: str) -> str:
    """Return the part of a row's name from λ on."""
    return name[name.index("λ") :] if "λ" in name else name


def _text(axes: "Axes", mark: Mark) -> "Annotation":
    """Write a name somewhere, to be measured."""
    colour = MUTED if mark.colour == FAINT else mark.colour
    size, weight = (8.5, "bold") if mark.bold else (7.5, "normal")
    background = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.7, "pad": 0.6}
    return axes.annotate(
        mark.text,
        (mark.cost, mark.accuracy),
        xytext=(0, 0),
        textcoords="offset points",
        ha="center",
        va="center",
        size=size,
        weight=weight,
        color=colour,
        linespacing=1.15,
        bbox=background,
        zorder=ABOVE_LINES,
        annotation_clip=False,
    )


def _boxes(
    axes: "Axes", named: list[Mark], texts: list["Annotation"], silent: list[Mark], lines: np.ndarray
) -> np.ndarray:
    """Return the places of the names as (left, bottom, right, top) in pixels."""
    scale = axes.figure.dpi / 72
    labels = []
    for mark, text in zip(named, texts, strict=True):
        size = text.get_window_extent()
        x, y = axes.transData.transform((mark.cost, mark.accuracy))
        width, height = size.width + 2 * PADDING[0], size.height + 2 * PADDING[1]
        pinned = mark.colour == FAINT and not mark.marker
        labels.append(Label(x, y, width, height, RADIUS[mark.marker] * mark.size * scale, pinned))
    # Points without a name are obstacles too: labels of no size, which come last.
    for mark in silent:
        x, y = axes.transData.transform((mark.cost, mark.accuracy))
        labels.append(Label(x, y, 0.0, 0.0, RADIUS[mark.marker] * mark.size * scale, pinned=True))
    frame = axes.get_window_extent()
    return place_labels(labels, (frame.x0, frame.y0, frame.x1, frame.y1), lines)[: len(named)]


def _put(axes: "Axes", mark: Mark, text: "Annotation", box: np.ndarray) -> None:
    """Move a name to its place, joined to its point if that is far."""
    scale = 72 / axes.figure.dpi
    point = axes.transData.transform((mark.cost, mark.accuracy))
    near = np.clip(point, box[:2], box[2:])
    if np.hypot(*(near - point)) > LEADER_FROM + mark.size / 2:
        x, y = axes.transData.inverted().transform(near)
        axes.plot([x, mark.cost], [y, mark.accuracy], color=text.get_color(), linewidth=0.6, alpha=0.7, zorder=4.5)
    text.set_position(tuple(((box[:2] + box[2:]) / 2 - point) * scale))
