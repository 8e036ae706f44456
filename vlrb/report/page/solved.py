"""Accuracy by how many models solve the sample, as a chart."""

from typing import Any

import numpy as np

from vlrb.report.grades import Absent
from vlrb.report.page.context import Context
from vlrb.report.page.section import Section, chart_html, rounded
from vlrb.report.solved import BEST, CHANCE, SHOWN, solved_table

TITLE = "Accuracy by how many models solve the sample"
LEAD = (
    "At 0 nothing can be gained and at the right end nothing lost; routing pays in between. Dashed: a model picked at "
    "random. Bars: how many samples there are. The legend shows the routers that are hidden at first."
)


def solved_section(context: Context) -> Section:
    """Return a line per compared router over the number of models that solve a sample."""
    if isinstance(context.grades, Absent):
        return Section("solved", TITLE, "", "", context.grades.reason, "Solving models")
    table = solved_table(context)
    if table.empty:
        return Section("solved", TITLE, "", "", "No sample has a grade of every model.", "Solving models")
    drawn: list[dict[str, Any]] = [
        {"name": CHANCE, "colour": "faint", "dash": True, "dots": False},
        {"name": BEST, "colour": "ink", "shape": "square"},
    ]
    drawn += [
        {"name": p.name, "colour": p.style.colour, "shape": p.style.shape, "off": k >= SHOWN}
        for k, p in enumerate(context.comparable)
    ]
    for series in drawn:
        values = table[series["name"]].to_numpy()
        pairs = zip(table["solved_by"], table["n"], values, strict=True)
        series["points"] = [
            {"x": int(k), "y": rounded(v), "name": f"{series['name']}, solved by {k}", "kind": f"{n:,} samples"}
            for k, n, v in pairs
        ]
        series["line"] = [[point["x"], point["y"]] for point in series["points"]]
    spec = {
        "kind": "line",
        "x": {"label": "models that solve the sample", "ticks": [str(k) for k in range(len(context.model_ids) + 1)]},
        "y": {"label": "accuracy", "min": 0, "max": 1},
        "bars": [[int(k), float(np.round(n / table["n"].max(), 4))] for k, n in zip(table["solved_by"], table["n"])],  # noqa: B905
        "series": drawn,
    }
    left_out = table.attrs["left_out"]
    lead = f"{LEAD} {left_out:,} samples with unknown grades are left out." if left_out else LEAD
    return Section("solved", TITLE, lead, chart_html("solved", TITLE, spec), short="Solving models")
