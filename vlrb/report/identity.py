"""Gain over the best single model, split into what datasets explain and what samples add."""

from typing import TYPE_CHECKING

import pandas as pd

from vlrb.metrics.identity import gain_parts
from vlrb.report.canvas import heading, new_figure, style
from vlrb.report.palette import FAINT, INK, SHADES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vlrb.report.page.context import Context

COLUMNS = ("name", "gain", "dataset", "within", "within_sd", "reason")


def identity_table(context: "Context") -> pd.DataFrame:
    """Return COLUMNS, one row per compared router; empty without every model's grades."""
    from vlrb.report.grades import Absent, decisions_of

    if isinstance(context.grades, Absent):
        return pd.DataFrame(columns=list(COLUMNS))
    table = context.board.evaluated
    best = int(decisions_of(table, context.model_ids, "best_single_")[0])
    rows = []
    for leader in context.comparable:
        parts = gain_parts(context.grades.Y, context.decisions(leader), table.units.dataset, best)
        rows.append((leader.name, *(part.value for part in parts), next((p.reason for p in parts if p.reason), "")))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def identity_figure(title: str, table: pd.DataFrame) -> "Figure | None":
    """Return two bars per router, by dataset and within; None if there is nothing to draw."""
    known = table[table["gain"].notna()]
    if known.empty:
        return None
    with style():
        left = 0.5 + 0.075 * int(known["name"].str.len().max())
        width, height = left + 5.6, 1.75 + 0.42 * len(known)
        figure = new_figure(width, height)
        axes = figure.add_axes((left / width, 0.5 / height, 1 - (left + 0.3) / width, 1 - 1.5 / height))
        places = range(len(known))
        axes.barh([p - 0.19 for p in places], known["dataset"], 0.34, color=SHADES["orange"][0], label="by dataset")
        error = {"ecolor": FAINT, "capsize": 2}
        within = [p + 0.19 for p in places]
        axes.barh(within, known["within"], 0.34, color=SHADES["blue"][0], label="within", xerr=2 * known["within_sd"],
                  error_kw=error)  # fmt: skip
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(places, known["name"])
        axes.set_ylim(len(known) - 0.4, -0.6)
        axes.grid(visible=True, axis="x", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.legend(loc="lower right", frameon=False, fontsize=8)
        note = "bars sum to the gain in accuracy over the best single model · ± 2 sd of shuffled choices"
        heading(figure, "Gain by dataset and within", f"{title} · {note}")
    return figure
