"""The heat map of accuracies by dataset, as a figure."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vlrb.report.canvas import heading, new_figure, style
from vlrb.report.columns import three
from vlrb.report.datasets import accuracy_grid, grid_names
from vlrb.report.leaderboard import BEST_SINGLE, Leaderboard
from vlrb.report.palette import INK, PAPER, SHADES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FULL_SHADE = 0.10  # difference in accuracy that gets the full shade
MOST_NAMES = 12


def heatmap_figure(board: Leaderboard, datasets: pd.DataFrame) -> "Figure":
    """Return accuracies by dataset, shaded by their difference from the best single model (full at 0.10)."""
    from matplotlib.colors import LinearSegmentedColormap

    names = grid_names(board, MOST_NAMES)
    grid = accuracy_grid(datasets, names)
    values = grid.to_numpy(dtype=np.float64)
    base = grid[BEST_SINGLE].to_numpy(dtype=np.float64) if BEST_SINGLE in grid else np.full(len(grid), np.nan)
    shade = np.nan_to_num(np.clip((values - base[:, None]) / FULL_SHADE, -1, 1))
    ends = [SHADES["vermilion"][0], PAPER, SHADES["blue"][0]]
    with style():
        left, top = 0.3 + 0.07 * max(map(len, map(str, grid.index))), 0.8 + 0.062 * max(map(len, names))
        width, height = left + 0.62 * len(names) + 0.2, top + 0.25 * len(grid) + 0.15
        figure = new_figure(max(width, 6.5), height)
        width = figure.get_size_inches()[0]
        box = (left / width, 0.15 / height, 0.62 * len(names) / width, 1 - (top + 0.15) / height)
        axes = figure.add_axes(box)
        colours = LinearSegmentedColormap.from_list("difference", ends)
        axes.imshow(shade, cmap=colours, vmin=-1.6, vmax=1.6, aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            axes.text(column, row, three(value), ha="center", va="center", size=7, color=INK)
        axes.set_xticks(range(len(names)), names, rotation=55, ha="left", rotation_mode="anchor")
        axes.tick_params(axis="both", length=0, labelsize=7.5, labeltop=True, labelbottom=False)
        axes.set_yticks(range(len(grid)), [str(scope) for scope in grid.index])
        for spine in axes.spines.values():
            spine.set_visible(False)
        heading(figure, "Accuracy by dataset", f"{board.title} · blue: above the best single model, orange: below")
    return figure
