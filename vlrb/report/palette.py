"""Colours of plots and pages: the Okabe–Ito palette (told apart with any colour vision), one shade per background."""

from typing import Final

# name: (on light, on dark); plots are drawn in the light shades, pages swap them by these very values
SHADES: Final = {
    "paper": ("#fffffe", "#11161d"),
    "ink": ("#1b2331", "#e7ebf1"),
    "muted": ("#626d7f", "#9aa5b5"),
    "faint": ("#a9b2bf", "#5c6879"),
    "grid": ("#e5e8ed", "#28313d"),
    "blue": ("#0072b2", "#4da9e8"),
    "vermilion": ("#d55e00", "#ff8c4a"),
    "green": ("#009e73", "#35c99c"),
    "purple": ("#b4548b", "#e59cc9"),
    "orange": ("#c98a00", "#f2b84b"),
    "sky": ("#3f9bd1", "#8ed0f6"),
}
INK, MUTED, FAINT, GRID, PAPER = (SHADES[name][0] for name in ("ink", "muted", "faint", "grid", "paper"))
SERIES: Final = ("blue", "vermilion", "green", "purple", "orange", "sky")


def series_colours(names: list[str]) -> dict[str, str]:
    """Return a colour for each name, in the given order; they repeat after six.

    >>> series_colours(["mlp", "knn"])
    {'mlp': '#0072b2', 'knn': '#d55e00'}
    """
    return {name: SHADES[SERIES[k % len(SERIES)]][0] for k, name in enumerate(names)}
