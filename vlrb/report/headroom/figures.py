"""Plots of the headroom report: how many models solve each sample, oracle by pool size, observed against null."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vlrb.report.canvas import heading, new_figure, style
from vlrb.report.palette import FAINT, GRID, INK, MUTED, SHADES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE = SHADES["blue"][0], SHADES["vermilion"][0]
NULL = "luck and difficulty alone (95 %)"


def headroom_figures(report: Mapping[str, Any], *, narrow: bool = False) -> dict[str, "Figure"]:
    """Return the plots by file name.

    Args:
        report: Content of `headroom.json`.
        narrow: Shaped for a phone.
    """
    size = (4.3, 3.9) if narrow else (7.6, 3.9)
    found = {
        "solved_by": solved_by_figure(report, size),
        "pool": pool_figure(report, size),
        "observed_null": observed_null_figure(report, size),
    }
    if report["costs"].get("by_group"):
        found["cost"] = cost_figure(report, size)
    return found


def _axes(size: tuple[float, float], title: str, subtitle: str, left: float = 0.62) -> tuple["Figure", "Axes"]:
    width, height = size
    figure = new_figure(width, height)
    axes = figure.add_axes((left / width, 0.55 / height, 1 - (left + 0.2) / width, 1 - 1.3 / height))
    heading(figure, title, subtitle)
    return figure, axes


def _legend(axes: "Axes", where: Literal["best", "lower right"]) -> None:
    axes.legend(frameon=False, fontsize=8, loc=where, labelcolor=INK)


def solved_by_figure(report: Mapping[str, Any], size: tuple[float, float]) -> "Figure":
    """Return bars of the share of samples that 0, 1, … models solve, with what the null gives."""
    rows = report["solved_by"]
    with style():
        figure, axes = _axes(size, "How many models solve a sample", "share of samples")
        x = np.array([row["models"] for row in rows])
        axes.bar(x, [row["share"] for row in rows], width=0.78, color=BLUE, label="observed")
        mean, low, high = (np.array([row["null"][key] for row in rows]) for key in ("mean", "low", "high"))
        axes.errorbar(x, mean, [mean - low, high - mean], fmt="o", color=ORANGE, markersize=3.5, capsize=2, label=NULL)
        axes.set_xticks(x[:: max(1, len(x) // 9)])
        axes.set_xlabel("models that are right")
        axes.set_xlim(-0.6, len(x) - 0.4)
        axes.set_ylim(bottom=0)
        _legend(axes, "best")
    return figure


def pool_figure(report: Mapping[str, Any], size: tuple[float, float]) -> "Figure":
    """Return the oracle of greedily chosen pools by their size, with what the null gives."""
    rows = report["pool"]
    with style():
        figure, axes = _axes(
            size, "Oracle by pool size", "models added greedily, each where it solves most of what is left"
        )
        x = np.array([row["size"] for row in rows])
        mean, low, high = (np.array([row["null"][key] for row in rows]) for key in ("mean", "low", "high"))
        axes.fill_between(x, low, high, color=ORANGE, alpha=0.18, linewidth=0)
        axes.plot(x, mean, color=ORANGE, linewidth=1.2, linestyle="--", label=NULL)
        axes.plot(x, [row["oracle"] for row in rows], color=BLUE, marker="o", markersize=3.5, label="observed")
        axes.axhline(report["best_single"]["accuracy"], color=FAINT, linewidth=0.8, linestyle=":")
        axes.set_xticks(x[:: max(1, len(x) // 9)])
        axes.set_xlabel("models in the pool")
        axes.grid(axis="y", color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        _legend(axes, "lower right")
    return figure


def observed_null_figure(report: Mapping[str, Any], size: tuple[float, float]) -> "Figure":
    """Return accuracies observed, beside what difficulty and ability alone give."""
    rows = _levels(report)
    left = 0.3 + 0.068 * max(len(name) for name, _, _ in rows)
    with style():
        figure, axes = _axes(size, "Observed, and by luck and difficulty alone", "accuracy", left)
        for k, (_, observed, null) in enumerate(rows):
            if null is not None:
                axes.plot(
                    [null["low"], null["high"]], [k, k], color=ORANGE, linewidth=7, alpha=0.35, solid_capstyle="butt"
                )
                axes.plot([null["mean"]] * 2, [k - 0.22, k + 0.22], color=ORANGE, linewidth=1.4)
            axes.plot([observed], [k], "o", color=BLUE, markersize=6)
        axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set_ylim(len(rows) - 0.5, -0.6)
        axes.margins(x=0.08)
        axes.grid(axis="x", color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        figure.text(0.985, 0.03, "● observed   ▬ luck and difficulty alone, 95 %", size=8, color=MUTED, ha="right")
    return figure


def _tick(value: float) -> str:
    """Return a cost as a tick label: 1, 2 and 5 of every decade only, so that labels do not run into one another."""
    digit = f"{value:e}"[0]
    return f"${value:g}" if digit in "125" else ""


def _levels(report: Mapping[str, Any]) -> list[tuple[str, float, Mapping[str, float] | None]]:
    rows: list[tuple[str, float, Mapping[str, float] | None]] = []
    rows.append(("best single model", report["best_single"]["accuracy"], report["oracle"]["null_best_single"]))
    for grouping in (g for g in report["groupings"] if "cross_fitted" in g):
        rows.append((f"per {grouping['name']}, cross-fitted", grouping["cross_fitted"]["accuracy"], None))
        rows.append((f"per {grouping['name']}, hindsight", grouping["hindsight"], grouping.get("hindsight_null")))
    if report.get("truth"):
        rows.append(("Bayes router (truth)", report["truth"]["bayes"], None))
    rows.append(("oracle", report["oracle"]["observed"], report["oracle"]["null"]))
    return rows


def cost_figure(report: Mapping[str, Any], size: tuple[float, float]) -> "Figure":
    """Return accuracy against cost: single models, static mixtures, choices by group, the cheapest right model."""
    costs = report["costs"]
    with style():
        figure, axes = _axes(
            size, "Accuracy against cost", "choices by group are cross-fitted; mean cost per 1k, log scale"
        )
        models = [row for row in report["models"] if row["cost"]]
        axes.plot(
            [1000 * row["cost"] for row in models], [row["accuracy"] for row in models], "o", color=FAINT, markersize=4
        )
        mixture = costs["mixture"]
        grid = np.linspace(mixture["cost"][0], mixture["cost"][-1], 400)
        line = np.interp(grid, mixture["cost"], mixture["accuracy"])
        axes.plot(1000 * grid, line, color=MUTED, linewidth=1.1, label="static mixture of models")
        for group, colour in zip(costs["by_group"], (BLUE, SHADES["green"][0]), strict=False):
            cost, accuracy = (np.array(group["policies"][key]) for key in ("cost", "accuracy"))
            order = np.argsort(cost, kind="stable")
            axes.plot(
                1000 * cost[order], accuracy[order], color=colour, linewidth=1.6, label=f"choice by {group['name']}"
            )
        axes.set_xscale("log")
        for axis in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
            axis(lambda value, _: _tick(value))
        axes.set_xlabel("$ per 1,000 queries")
        axes.grid(color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        _legend(axes, "lower right")
    return figure
