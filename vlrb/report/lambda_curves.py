"""What a router reaches as its λ changes: one line per setting, means over seeds."""

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vlrb.report.canvas import heading, new_figure, style
from vlrb.report.leaderboard import QUERIES, Leaderboard, untrained
from vlrb.report.names import run_names
from vlrb.report.palette import series_colours
from vlrb.schema import DEV

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = ("rank_score", "accuracy", "cost_per_1k")
TITLES = {"rank_score": "Rank Score", "accuracy": "accuracy", "cost_per_1k": "USD per 1,000 queries"}
COLUMNS = ("series", "router", "lambda", "seeds", *FIGURES, "dev_rank_score")
MOST = 12  # lines


def lambda_points(board: Leaderboard) -> pd.DataFrame:
    """Return COLUMNS, one row per setting and λ, for settings with at least two λ; figures are means over `seeds` runs.

    A mean over seeds is undefined where it is undefined for one of them. Operating points have no λ of training and are
    left out.
    """
    rows = []
    for run, name in zip(board.runs, run_names(board.runs), strict=True):
        if run.point is not None or untrained(run):
            continue
        own = {key: run.metrics.get(f"{board.split}/{key}") for key in ("rank_score", "accuracy", "cost")}
        cost = own.pop("cost")
        series = re.sub(r" (λ=\S+|s\d+)(?= |$)", "", name)
        row = {"series": series, "router": run.router, "lambda": run.trade_off, "seed": run.seed, **own}
        row |= {"cost_per_1k": None if cost is None else cost * QUERIES}
        rows.append(row | {"dev_rank_score": run.metrics.get(f"{DEV}/rank_score")})
    frame = pd.DataFrame(rows, columns=[*(c for c in COLUMNS if c != "seeds"), "seed"])
    figures = [*FIGURES, "dev_rank_score"]
    frame[figures] = frame[figures].astype("float64")
    several = frame.groupby("series")["lambda"].transform("nunique") > 1
    grouped = frame[several].groupby(["series", "router", "lambda"], sort=False)
    means = grouped[figures].mean().where(grouped[figures].count().eq(grouped["seed"].size(), axis=0))
    points = means.assign(seeds=grouped["seed"].size()).reset_index()[list(COLUMNS)]
    return points.sort_values(["series", "lambda"], kind="stable").reset_index(drop=True)


def curves_figure(board: Leaderboard) -> "Figure | None":
    """Return Rank Score, accuracy and cost against λ, a panel each; None where no setting has two λ."""
    points = lambda_points(board)
    if points.empty:
        return None
    grid = sorted(points["lambda"].unique())
    lines = list(points.groupby("series", sort=False))[:MOST]
    colours = series_colours([str(name) for name, _ in lines])
    with style():
        width, height = 10.5, 3.9 + 0.2 * -(-len(lines) // 4)
        figure = new_figure(width, height)
        foot = 0.75 + 0.2 * -(-len(lines) // 4)
        for k, key in enumerate(FIGURES):
            box = ((0.6 + 3.35 * k) / width, foot / height, 2.75 / width, 1 - (foot + 0.85) / height)
            axes = figure.add_axes(box)
            for name, line in lines:
                places = np.searchsorted(grid, line["lambda"])
                axes.plot(places, line[key], marker="o", markersize=4, color=colours[str(name)], label=name)
            axes.set_xticks(range(len(grid)), [f"{value:g}" for value in grid])
            axes.set_title(TITLES[key], size=9.5, loc="left", pad=6)
            axes.set_xlabel("λ")
            if key == "cost_per_1k" and (points[key] > 0).all():
                axes.set_yscale("log")
            axes.grid(visible=True, linewidth=0.6)
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="lower left", ncols=4, frameon=False, fontsize=8)
        heading(figure, "The trade-off λ", f"{board.title} · means over seeds")
    return figure
