"""Files of the headroom report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vlrb.report.canvas import save
from vlrb.report.headroom.figures import headroom_figures
from vlrb.report.headroom.html import headroom_page
from vlrb.report.headroom.markdown import headroom_markdown
from vlrb.report.headroom.words import findings, headline, summary
from vlrb.utils.files import write_json, write_text

NAME = "headroom"


def write_headroom(out: Path, report: Mapping[str, Any]) -> list[Path]:
    """Write headroom.{json,md,html} and the plots as PNG and SVG into `out`; return the files.

    Args:
        out: Folder, made if missing.
        report: All figures, plain values.
    """
    out = Path(out)
    words = {
        "headline": headline(report),
        "summary": summary(report),
        "findings": [finding._asdict() for finding in findings(report)],
    }
    write_json(out / f"{NAME}.json", {**report, "words": words})
    write_text(out / f"{NAME}.md", headroom_markdown(report))
    write_text(out / f"{NAME}.html", headroom_page(report))
    plots = [path for name, figure in headroom_figures(report).items() for path in save(figure, out, name)]
    return [*(out / f"{NAME}.{suffix}" for suffix in ("json", "md", "html")), *plots]
