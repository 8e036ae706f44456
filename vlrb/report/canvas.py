"""Figures without global state, saved the same way every time: PNG, SVG, and SVG to stand inside a page."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vlrb.report.palette import FAINT, GRID, INK, MUTED, PAPER, SHADES
from vlrb.utils.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PNG_DPI = 160
STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9.0,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "grid.color": GRID,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "svg.hashsalt": "vlrb",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the project's style inside the block; settings of the caller are left as they were."""
    import matplotlib as mpl

    with mpl.rc_context(cast("Any", STYLE)):
        yield


def new_figure(width: float, height: float) -> "Figure":
    """Return an empty figure of a size in inches, drawn by Agg (no display, no pyplot)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100)
    FigureCanvasAgg(figure)
    return figure


def heading(figure: "Figure", title: str, subtitle: str, note: str = "") -> None:
    """Write title and subtitle above the axes, flush with the figure's left margin, and a note at the right."""
    height = figure.get_size_inches()[1]
    left = 0.13 / figure.get_size_inches()[0]
    figure.text(left, 1 - 0.12 / height, title, size=12.5, weight="bold", va="top")
    figure.text(left, 1 - 0.37 / height, subtitle, size=8.5, color=MUTED, va="top")
    if note:
        figure.text(0.985, 1 - 0.14 / height, note, size=8, color=MUTED, va="top", ha="right")


def save(figure: "Figure", folder: Path, name: str) -> list[Path]:
    """Write `<name>.png` and `<name>.svg` (text as outlines, so that it looks the same everywhere)."""
    import matplotlib as mpl

    paths = []
    for suffix, settings in (("png", {"dpi": PNG_DPI}), ("svg", {"metadata": {"Date": None}})):
        path = Path(folder) / f"{name}.{suffix}"
        with atomic_path(path) as temporary, mpl.rc_context({"svg.hashsalt": name}):
            figure.savefig(temporary, format=suffix, **settings)  # type: ignore[arg-type]
        paths.append(path)
    return paths


def inline_svg(figure: "Figure", name: str, description: str) -> str:
    """Return the figure as an SVG element: text as text, colours as the page's variables, ids its own."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(
        r'(<svg[^>]*?) width="[^"]*"', r"\1", re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1), count=1
    )
    text = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'(url\(#|href="#)', rf"\1{name}-", text)
    for colour, (light, _) in SHADES.items():
        text = text.replace(light, f"var(--{colour})")
    return text.replace("<svg", f'<svg role="img" aria-label="{description}"', 1)
