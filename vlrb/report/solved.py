"""Accuracy by how many models solve the sample: where a choice matters, and what it brings there."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vlrb.metrics.outcomes import is_correct
from vlrb.report.canvas import heading, new_figure, style
from vlrb.report.palette import FAINT, GRID, SHADES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vlrb.report.page.context import Context

CHANCE, BEST = "a model at random", "best single model"
SHOWN = 5  # routers drawn (on the page: at first)


def solved_table(context: "Context") -> pd.DataFrame:
    """Return one row per number of solving models: `solved_by`, `n`, then accuracies by name; empty without grades.

    Samples with an unknown grade are left out; `attrs["left_out"]` counts them.
    """
    from vlrb.report.grades import Absent

    if isinstance(context.grades, Absent):
        return pd.DataFrame({"solved_by": [], "n": []})
    y = is_correct(context.grades.Y)
    whole = ~np.isnan(y).any(axis=1)
    solved_by = y[whole].sum(axis=1).astype(int)
    levels, place, counts = np.unique(solved_by, return_inverse=True, return_counts=True)
    columns: dict[str, np.ndarray] = {"solved_by": levels, "n": counts, CHANCE: levels / max(y.shape[1], 1)}
    choosers = {BEST: context.board.evaluated.chooser("best_single_")}
    choosers |= {leader.name: leader.table.chooser() for leader in context.comparable}
    for name, chosen in choosers.items():
        right = is_correct(chosen.quality)[whole]
        columns[name] = np.bincount(place, weights=right, minlength=len(levels)) / counts
    table = pd.DataFrame(columns)
    table.attrs["left_out"] = int((~whole).sum())
    return table


def solved_figure(title: str, table: pd.DataFrame, shades: dict[str, str]) -> "Figure | None":
    """Return the accuracies as lines over bars of how many samples there are; `shades` maps names to colours."""
    if table.empty:
        return None
    with style():
        figure = new_figure(8.4, 5.0)
        axes = figure.add_axes((0.08, 0.11, 0.62, 0.74))
        share = table["n"] / table["n"].sum()
        axes.bar(table["solved_by"], share / share.max() * 0.25, color=GRID, width=0.8, zorder=1)
        axes.plot(table["solved_by"], table[CHANCE], color=FAINT, linestyle=(0, (4, 2)), label=CHANCE)
        axes.plot(table["solved_by"], table[BEST], color=SHADES["ink"][0], linewidth=1.2, label=BEST)
        for name, shade in shades.items():
            axes.plot(table["solved_by"], table[name], color=SHADES[shade][0], marker="o", markersize=3, label=name)
        axes.set_xlabel("models that solve the sample")
        axes.set_ylabel("accuracy")
        axes.set_ylim(-0.02, 1.02)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=8)
        heading(figure, "Accuracy by how many models solve the sample", f"{title} · bars: share of samples")
    return figure
