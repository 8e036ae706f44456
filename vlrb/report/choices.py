"""The plot of which models are chosen: routers against the oracle, cheapest model first."""

from typing import TYPE_CHECKING

import numpy as np

from vlrb.report.canvas import heading, new_figure, style
from vlrb.report.frames import choice_shares
from vlrb.report.leaderboard import TRAINED, Leaderboard
from vlrb.report.palette import INK, PAPER, series_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEAST_NAMED = 0.005  # smaller shares would be written as 0 %
PANELS = 4  # routers side by side at most: the best run of each


def choices_figure(board: Leaderboard) -> "Figure":
    """Return bars of the share of samples that went to each model, one panel per router (its best run).

    A diamond marks the oracle's share, which sends a sample to the cheapest model that solves it. Models are ordered by
    their mean cost.
    """
    rows = board.section(TRAINED) if len(board.section(TRAINED)) else board.frame[board.frame["run"].notna()]
    rows = rows.drop_duplicates("router").head(PANELS)
    models = by_cost(board)
    labels = [board.runs[0].display_name(model) for model in models]
    oracle = choice_shares(board.evaluated.table, models, "oracle_")
    shares = {name: mean_choice_shares(board, name, models) for name in rows["name"]}
    colours = series_colours(list(shares))
    limit = max(float(np.max([oracle, *shares.values()])) * 1.18, 0.05)
    with style():
        left, gap, right = 0.5 + 0.072 * max(map(len, labels)), 0.35, 0.3
        width, height = left + right + (5.2 if len(shares) == 1 else 2.3 * len(shares)), 1.5 + 0.24 * len(models)
        figure = new_figure(width, height)
        panel = (width - left - right - gap * (len(shares) - 1)) / len(shares)
        for k, (name, share) in enumerate(shares.items()):
            box = ((left + k * (panel + gap)) / width, 0.5 / height, panel / width, 1 - 1.4 / height)
            axes = figure.add_axes(box)
            _panel(axes, share, oracle, colours[name], limit)
            axes.set_title(name, size=9.5, weight="bold", color=colours[name], loc="left", pad=6)
            axes.set_yticks(range(len(models)), labels if k == 0 else [])
            axes.tick_params(axis="y", length=0, pad=7)
        figure.axes[0].tick_params(axis="y", labelcolor=INK)
        figure.axes[0].set_ylabel("dearest   ←   mean cost   →   cheapest", size=8)
        heading(figure, "Which models are chosen", f"{board.title} · share of samples · ◇ the oracle's share")
    return figure


def mean_choice_shares(board: Leaderboard, name: str, models: list[str]) -> np.ndarray:
    """Return the share of samples for which a row chose each model, (m,), mean over its seeds."""
    shares = [choice_shares(run.decided(board.split), models) for run in board.runs_of(name)]
    return np.asarray(np.mean(shares, axis=0))


def by_cost(board: Leaderboard) -> list[str]:
    """Return the model ids, cheapest first (models without a mean cost last)."""
    run = board.runs[0]
    found = run.landscape.get(board.split, {}).get("models", {})
    costs = {model: found.get(model, {}).get("cost") for model in run.data["model_ids"]}
    return sorted(costs, key=lambda model: (costs[model] is None, costs[model] or 0.0))


def _panel(axes: "Axes", share: np.ndarray, oracle: np.ndarray, colour: str, limit: float) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    places = np.arange(len(share))
    axes.barh(places, share, height=0.66, color=colour, alpha=0.85, zorder=3)
    axes.plot(
        oracle,
        places,
        marker="D",
        markersize=4.5,
        color=PAPER,
        markeredgecolor=INK,
        linestyle="none",
        zorder=4,
        clip_on=False,
    )
    for place, value, other in zip(places, share, oracle, strict=True):
        if value < LEAST_NAMED:
            continue
        in_the_way = value - 0.02 * limit < other < value + 0.16 * limit
        at = max(value, other) if in_the_way else value
        offset = (7 if at > value else 4, -0.5)
        text = f"{100 * value:.0f}%"
        axes.annotate(text, (at, place), xytext=offset, textcoords="offset points", va="center", size=7.5, color=colour)
    axes.set_xlim(0, limit)
    axes.set_ylim(len(share) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.grid(visible=True, axis="x", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
