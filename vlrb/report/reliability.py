"""The plot of how often stated probabilities came true."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from vlrb.evaluation.reliability import read_reliability
from vlrb.metrics.calibration import Reliability
from vlrb.report.canvas import heading, new_figure, style
from vlrb.report.leaderboard import Leaderboard
from vlrb.report.palette import FAINT, INK, series_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 8  # lines: those of the first rows of the table


def reliability_figure(board: Leaderboard) -> "Figure | None":
    """Return the share of right answers against the probability stated; None if no run states any.

    There is one line for runs that state the same (λ plays no part in what a router states). A dot's area tells how
    many statements it stands for.
    """
    curves = reliability_curves(board)
    if not curves:
        return None
    shown = dict(list(curves.items())[:MOST])
    note = f"first {MOST} of {len(curves)}" if len(curves) > MOST else ""
    colours = series_colours(list(shown))
    with style():
        figure = new_figure(4.6, 4.6)
        axes = figure.add_axes((0.14, 0.11, 0.82, 0.74))
        axes.plot((0, 1), (0, 1), color=FAINT, linewidth=1.0, linestyle=(0, (5, 2)), zorder=1)
        for name, curve in shown.items():
            share = curve.n / curve.n.sum()
            axes.plot(curve.predicted, curve.observed, color=colours[name], linewidth=1.3, zorder=3, label=name)
            axes.scatter(curve.predicted, curve.observed, s=12 + 300 * share, color=colours[name], alpha=0.8, zorder=4)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.grid(visible=True, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_xlabel("probability of being right, as stated")
        axes.set_ylabel("share that was right")
        axes.legend(loc="lower right", frameon=False, labelcolor=INK)
        heading(figure, "Reliability", board.title, note)
    return figure


def reliability_curves(board: Leaderboard) -> dict[str, Reliability]:
    """Return the different curves of a table by name: the router's if it has one curve, else the first run's."""
    names = dict(zip(board.frame["run"], board.frame["name"], strict=True))
    runs = {str(run.folder): run for run in board.runs}
    found: list[tuple[str, str, Reliability]] = []  # router, name of the row, curve
    for folder, name in names.items():
        run = runs.get(str(folder))
        curve = None if run is None else read_reliability(run.folder, board.split)
        if run is not None and curve is not None and not any(_same(curve, other) for _, _, other in found):
            found.append((run.router, name, curve))
    curves_of = Counter(router for router, _, _ in found)
    return {router if curves_of[router] == 1 else name: curve for router, name, curve in found}


def _same(one: Reliability, other: Reliability) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
