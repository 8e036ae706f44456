"""Colours of plots and pages, one shade per background.

The first six series are the Okabe–Ito palette (told apart with any colour vision); four more, of other brightness,
serve tables of many routers.
"""

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
    "brown": ("#74461b", "#c89b6d"),
    "violet": ("#5546b8", "#aaa0f5"),
    "crimson": ("#a1123f", "#f4708f"),
    "olive": ("#6c7a15", "#b9c650"),
}
INK, MUTED, FAINT, GRID, PAPER = (SHADES[name][0] for name in ("ink", "muted", "faint", "grid", "paper"))
SERIES: Final = ("blue", "vermilion", "green", "purple", "orange", "sky", "brown", "violet", "crimson", "olive")


def series_colours(names: list[str]) -> dict[str, str]:
    """Return a colour for each name, in the given order; they repeat after ten.

    >>> series_colours(["mlp", "knn"])
    {'mlp': '#0072b2', 'knn': '#d55e00'}
    """
    return {name: SHADES[SERIES[k % len(SERIES)]][0] for k, name in enumerate(names)}
