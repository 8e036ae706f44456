"""The plot of Rank Score, accuracy and cost against λ, on dev and on the split shown."""

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vlrb.report.canvas import heading, new_figure, style
from vlrb.report.curves import trained_methods
from vlrb.report.leaderboard import Leaderboard
from vlrb.report.palette import INK, PAPER, series_colours
from vlrb.schema import DEV
from vlrb.utils.config import number_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = (("rank_score", "Rank Score"), ("accuracy", "accuracy"), ("cost_per_1k", "USD per 1,000 queries (log)"))


def lambda_points(board: Leaderboard) -> dict[str, pd.DataFrame]:
    """Return, for each trained method with at least two λ, its points by ascending λ.

    Where other settings were tried at one λ, dev chooses among them: the point with the best dev Rank Score, or dev
    accuracy where there is no Rank Score.
    """
    found = {}
    for name in trained_methods(board):
        points = board.points[board.points["method"] == name]
        key = "dev_rank_score" if points["dev_rank_score"].notna().any() else "dev_accuracy"
        best = points.sort_values(["lambda", key], ascending=[True, False], kind="stable").drop_duplicates("lambda")
        if len(best) > 1:
            found[name] = best.reset_index(drop=True)
    return found


def lambda_figure(board: Leaderboard, width: float = 9.0, height: float = 3.4) -> "Figure | None":
    """Return three panels over λ: solid = the split shown, dashed = dev; a ring marks the point that dev chose.

    Args:
        board: The leaderboard.
        width: Inches.
        height: Inches.

    Returns:
        None where no method has two λ.
    """
    found = lambda_points(board)
    if not found:
        return None
    values = sorted({value for points in found.values() for value in points["lambda"]})
    colours = series_colours(list(trained_methods(board)))
    with style():
        figure = new_figure(width, height)
        gap, left = 0.62, 0.62
        panel = (width - left - 0.2 - 2 * gap) / 3
        legend = 0.24 * -(-len(found) // 5)
        for number, (key, title) in enumerate(PANELS):
            box = ((left + number * (panel + gap)) / width, (0.5 + legend) / height, panel / width)
            axes = figure.add_axes((*box, 1 - (1.35 + legend) / height))
            for name, points in found.items():
                _draw(axes, points, key, values, colours[name], name, dashed=board.split != DEV)
            _finish(axes, key, title, values)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower center", ncols=5, frameon=False, fontsize=8, labelcolor=INK)
        note = f"solid: {board.split} · dashed: dev · ○ chosen on dev" if board.split != DEV else "○ chosen on dev"
        heading(figure, "What λ does", f"{board.title} · {note}")
    return figure


def _draw(
    axes: "Axes", points: pd.DataFrame, key: str, values: list[float], colour: str, name: str, *, dashed: bool
) -> None:
    places = np.searchsorted(values, points["lambda"].to_numpy())
    label = re.sub(r" [λμ]=\S+", "", name)
    axes.plot(places, points[key], color=colour, linewidth=1.5, marker="o", markersize=3.5, label=label)
    if dashed:
        axes.plot(places, points[f"dev_{key}"], color=colour, linewidth=1.0, linestyle=(0, (4, 2)), alpha=0.65)
    chosen = points["chosen"].to_numpy(bool)
    rings = axes.plot(places[chosen], points[key][chosen], marker="o", color=colour, markersize=9.0, linestyle="none")
    rings[0].set(markerfacecolor="none", markeredgewidth=1.4)


def _finish(axes: "Axes", key: str, title: str, values: list[float]) -> None:
    axes.set_xticks(range(len(values)), [number_text(value).replace("inf", "∞") for value in values])
    axes.set_title(title, size=9, color=INK, loc="left", pad=5)
    axes.set_xlabel("λ")
    axes.set_facecolor(PAPER)
    axes.grid(visible=True, linewidth=0.6)
    axes.set_axisbelow(True)
    if key == "cost_per_1k":
        from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

        from vlrb.report.pareto import cost_ticks

        axes.set_yscale("log")
        axes.yaxis.set_major_locator(FixedLocator(cost_ticks(*axes.get_ylim())))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"${value:.10g}"))
