"""λ curves as charts."""

from typing import Any

import pandas as pd

from vlrb.report.lambda_curves import FIGURES, MOST, TITLES, lambda_points
from vlrb.report.page.context import Context, Style
from vlrb.report.page.section import Section, chart_html, rounded

TITLE = "The trade-off λ"
LEAD = (
    "A larger λ in the training targets makes a router cheaper. Means over seeds where there are several. λ is to be "
    "chosen on dev; this is what the choice is made between."
)


def curves_section(context: Context) -> Section:
    """Return Rank Score, accuracy and cost against λ; absent where no setting was trained with two λ."""
    points = lambda_points(context.board)
    if points.empty:
        return Section("curves", TITLE, "", "", "No router was trained with more than one λ here.", "λ")
    charts = [chart_html(f"curve-{key}", f"{TITLES[key]} against λ", _spec(context, points, key)) for key in FIGURES]
    return Section("curves", TITLE, LEAD, f'<div class="panels">{"".join(charts)}</div>', short="λ")


def _spec(context: Context, points: pd.DataFrame, key: str) -> dict[str, Any]:
    grid = sorted(points["lambda"].unique())
    series = []
    for name, line in list(points.groupby("series", sort=False))[:MOST]:
        style = context.styles.get(str(line["router"].iloc[0]), Style("faint", "circle"))
        dots = [
            {"x": grid.index(lam), "y": rounded(value), "name": f"{name} λ={lam:g}", "kind": _seeds(seeds)}
            for lam, value, seeds in zip(line["lambda"], line[key], line["seeds"], strict=True)
            if rounded(value) is not None
        ]
        drawn = {"colour": style.colour, "shape": style.shape, "line": [[dot["x"], dot["y"]] for dot in dots]}
        series.append({"name": name, **drawn, "points": dots})
    money = key == "cost_per_1k"
    return {
        "kind": "line",
        "title": TITLES[key],
        "x": {"label": "λ", "ticks": [f"{value:g}" for value in grid]},
        "y": {"label": "", "log": bool(money and (points[key] > 0).all()), "money": money},
        "series": series,
    }


def _seeds(count: int) -> str:
    return "one run" if count == 1 else f"mean of {count} seeds"
