"""Stated probabilities against what came true, as a chart."""

from vlrb.report.page.context import SHAPES, Context
from vlrb.report.page.section import Section, chart_html, rounded
from vlrb.report.palette import SERIES
from vlrb.report.reliability import MOST, reliability_curves

TITLE = "Calibration"
LEAD = "Of the answers that a router calls right with probability p, a share p should be right: the dashed line."


def calibration_section(context: Context) -> Section:
    """Return one line per router that states probabilities."""
    curves = reliability_curves(context.board)
    if not curves:
        return Section("calibration", TITLE, "", "", "No router here states probabilities of being right.")
    series: list[dict[str, object]] = []
    for k, (name, curve) in enumerate(list(curves.items())[:MOST]):
        style = context.styles.get(name)
        points = [
            {"x": rounded(x, 4), "y": rounded(y, 4), "name": name, "kind": f"{int(n):,} statements"}
            for x, y, n in zip(curve.predicted, curve.observed, curve.n, strict=True)
            if rounded(x) is not None and rounded(y) is not None
        ]
        colour, shape = (style.colour, style.shape) if style else (SERIES[k % len(SERIES)], SHAPES[0])
        line = [[point["x"], point["y"]] for point in points]
        series.append({"name": name, "colour": colour, "shape": shape, "points": points, "line": line})
    spec = {
        "kind": "line",
        "diagonal": True,
        "x": {"label": "probability of being right, as stated", "min": 0, "max": 1},
        "y": {"label": "share that was right", "min": 0, "max": 1},
        "series": series,
    }
    more = f" First {MOST} of {len(curves)}." if len(curves) > MOST else ""
    return Section(
        "calibration",
        TITLE,
        LEAD + more,
        f'<div class="square">{chart_html("calibration", "stated probability against share right", spec)}</div>',
    )
