"""The figure of the token statistics: input of each dataset and model, and how long the models' answers are."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import pandas as pd

from vlrb.benchmark.tokens.statistics import ALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER, INK, MUTED, FAINT, GRID = "#fffffe", "#1b2331", "#626d7f", "#a9b2bf", "#e5e8ed"
TEXT_COLOUR, PICTURE_COLOUR, OUTPUT_COLOUR, MEAN_COLOUR = "#0072b2", "#9ccbe8", "#7d8796", "#d55e00"
DPI = 130
ROW_HEIGHT, MARGINS, WIDTH = 0.27, 1.75, 13.0  # inches
LONGEST_NAME = 28
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": INK,
    "text.parse_math": False,  # a "$" in a name is a "$"
    "axes.edgecolor": FAINT,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": INK,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
}


class TokenFigure(NamedTuple):
    """What the figure shows: the statistics, output tokens (N, M), names to show by model id, and a subtitle."""

    table: pd.DataFrame
    tokens_out: np.ndarray
    names: dict[str, str]
    subtitle: str


def draw_tokens(content: TokenFigure, path: Path) -> None:
    """Draw the figure into a PNG file; the same statistics give the same bytes."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    datasets, models = _rows(content.table, "dataset", "input_mean"), _rows(content.table, "model_id", "output_mean")
    rows = max(len(datasets), len(models))
    with mpl.rc_context(cast("Any", _STYLE)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # names may hold letters the font does not have
        figure = Figure(figsize=(WIDTH, rows * ROW_HEIGHT + MARGINS), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        _heading(figure, content.subtitle)
        left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.25))
        _inputs(left, datasets["dataset"].tolist(), datasets, "Input by dataset")
        shown = [content.names.get(model_id, model_id) for model_id in models["model_id"]]
        _inputs(middle, shown, models, "Input by model")
        _outputs(right, content.tokens_out[:, models["column"]], models)
        _legend(figure, middle, right)
        figure.savefig(path, format="png", metadata={"Software": None})


def _rows(table: pd.DataFrame, key: str, order: str) -> pd.DataFrame:
    """Return the rows of each dataset (model) over all models (datasets), from the bottom of the figure to its top."""
    other = "dataset" if key == "model_id" else "model_id"
    rows = table[(table[other] == ALL) & (table[key] != ALL)].reset_index(drop=True)
    return rows.assign(column=range(len(rows))).sort_values(order, na_position="first", kind="stable")


def _legend(figure: "Figure", inputs: "Axes", outputs: "Axes") -> None:
    shapes = [handle for axes in (inputs, outputs) for handle in axes.get_legend_handles_labels()[0]]
    height = figure.get_size_inches()[1]
    figure.legend(
        handles=shapes,
        loc="upper right",
        bbox_to_anchor=(0.99, 1 - 0.08 / height),
        ncols=len(shapes),
        frameon=False,
        borderpad=0,
        handlelength=1.3,
        columnspacing=1.4,
        fontsize=8.5,
        labelcolor=MUTED,
    )


def _heading(figure: "Figure", subtitle: str) -> None:
    height = figure.get_size_inches()[1]
    room = (0.005, 0.0, 0.99, 1 - 0.62 / height)
    figure.get_layout_engine().set(rect=room, wspace=0.03)  # type: ignore[union-attr, call-arg]
    figure.text(0.01, 1 - 0.12 / height, "Tokens of a query", size=12.5, weight="bold", va="top")
    figure.text(0.01, 1 - 0.38 / height, subtitle, size=8.5, color=MUTED, va="top")


def _inputs(axes: "Axes", names: Sequence[str], table: pd.DataFrame, title: str) -> None:
    text, pictures = table["text_mean"].to_numpy(), table["picture_mean"].to_numpy()
    place = np.arange(len(names))
    axes.barh(place, text, height=0.62, color=TEXT_COLOUR, label="text")
    axes.barh(place, pictures, left=text, height=0.62, color=PICTURE_COLOUR, label="pictures")
    reach = np.nanmax(np.append(text + pictures, 1.0))
    for y, total in enumerate(text + pictures):
        label, x = ("unknown", 0.0) if np.isnan(total) else (f"{total:,.0f}", total)
        axes.text(x + 0.015 * reach, y, label, size=7.5, color=MUTED, va="center")
    axes.set_xlim(0, 1.16 * reach)
    axes.set_yticks(place, [_short(name) for name in names])
    _dress(axes, title, "mean tokens of an input")
    axes.locator_params(axis="x", nbins=5)


def _outputs(axes: "Axes", tokens_out: np.ndarray, models: pd.DataFrame) -> None:
    axes.set_xscale("log")
    axes.minorticks_off()
    for y, (tokens, mean) in enumerate(zip(tokens_out.T, models["output_mean"], strict=True)):
        known = tokens[~np.isnan(tokens)]
        if not len(known):
            axes.text(0.02, y, "no answers", size=7.5, color=MUTED, va="center", transform=axes.get_yaxis_transform())
            continue
        low, q1, median, q3, high = np.maximum(np.quantile(known, QUANTILES), 1)
        axes.plot([low, high], [y, y], color=FAINT, linewidth=1.4, solid_capstyle="round", zorder=2)
        axes.plot([q1, q3], [y, y], color=OUTPUT_COLOUR, linewidth=6, solid_capstyle="butt", zorder=3)
        axes.plot(median, y, "|", color=PAPER, markersize=7, markeredgewidth=1.6, zorder=4)
        axes.plot(max(mean, 1), y, "D", color=MEAN_COLOUR, markersize=4.5, zorder=5)
        axes.text(1.01, y, f"{mean:,.0f}", size=7.5, color=MUTED, va="center", transform=axes.get_yaxis_transform())
    axes.set_yticks(range(len(models)), [""] * len(models))
    _dress(axes, "Output by model", "tokens of an answer (log scale)")
    axes.set_xlim(left=0.9)
    axes.plot([], [], color=FAINT, linewidth=1.4, label="5–95 %")
    axes.plot([], [], color=OUTPUT_COLOUR, linewidth=6, label="25–75 %, cut at the median")
    axes.plot([], [], "D", color=MEAN_COLOUR, markersize=4.5, label="mean (number at the right)")


def _dress(axes: "Axes", title: str, unit: str) -> None:
    axes.set_title(title, loc="left", size=9.5, weight="bold", pad=7)
    axes.set_xlabel(unit)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_ylim(-0.7, len(axes.get_yticks()) - 0.3)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
