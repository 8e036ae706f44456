"""The plot of how often stated probabilities came true."""

from typing import TYPE_CHECKING

from vlrb.evaluation.reliability import read_reliability
from vlrb.report.canvas import heading, new_figure, style
from vlrb.report.leaderboard import Leaderboard
from vlrb.report.palette import FAINT, INK, series_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RUNS = 4  # lines at most: the first runs that state probabilities


def reliability_figure(board: Leaderboard) -> "Figure | None":
    """Return the share of right answers against the probability stated, one line per run; None if no run states any.

    A dot's area tells how many statements it stands for.
    """
    names = dict(zip(board.frame["run"], board.frame["name"], strict=True))
    found = {names[str(run.folder)]: read_reliability(run.folder, board.split) for run in board.runs}
    curves = {name: curve for name, curve in found.items() if curve is not None}
    if not curves:
        return None
    shown = dict(list(curves.items())[:RUNS])
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
        heading(figure, "Reliability", board.title)
    return figure
