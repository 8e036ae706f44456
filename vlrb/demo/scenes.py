"""What one demo picture shows: named, numbered, coloured entries, some of them inside a dashed frame."""

from dataclasses import dataclass

import numpy as np

CONTINENTS = {
    "France": "Europe", "Spain": "Europe", "Italy": "Europe", "Germany": "Europe", "Portugal": "Europe",
    "Finland": "Europe", "England": "Europe", "Japan": "Asia", "China": "Asia", "India": "Asia", "Jordan": "Asia",
    "Chile": "America", "Brazil": "America", "Colombia": "America", "Argentina": "America", "Canada": "America",
    "Mexico": "America",
}  # fmt: skip
PLACES = tuple(CONTINENTS)
COLOURS = {
    "Blue": (58, 110, 196),
    "Orange": (238, 140, 42),
    "Green": (62, 152, 88),
    "Pink": (230, 122, 164),
    "Brown": (138, 96, 62),
    "Gray": (138, 146, 156),
    "Black": (44, 48, 56),
    "Yellow": (240, 200, 60),
}
COLOUR_NAMES = tuple(COLOURS)
LAST_NUMBER = 9


@dataclass(frozen=True)
class Entry:
    """One thing in a picture: a place name, a one-digit number and a colour."""

    place: str
    number: int
    colour: str


@dataclass(frozen=True)
class Scene:
    """The entries of one picture.

    Args:
        entries: All entries; names, numbers and colours are distinct.
        panels: Number of panels (1 = a single picture); entries are dealt to panels in equal runs.
        marked: Indices of the entries inside the dashed frame, at least two.
    """

    entries: tuple[Entry, ...]
    panels: int
    marked: tuple[int, ...]

    @property
    def per_panel(self) -> int:
        """Return how many entries each panel holds."""
        return len(self.entries) // self.panels


def draw_scene(rng: np.random.Generator, layout: int) -> Scene:
    """Draw a scene: one picture of 4–6 entries (layout 0), or 2 or 4 panels of two or three each (layout 1)."""
    panels = 1 if layout == 0 else int(rng.choice((2, 4)))
    per_panel = {1: int(rng.integers(4, 7)), 2: int(rng.integers(2, 4)), 4: 2}[panels]
    count = panels * per_panel
    places = rng.permutation(len(PLACES))[:count]
    numbers = rng.permutation(LAST_NUMBER)[:count] + 1
    colours = rng.permutation(len(COLOUR_NAMES))[:count]
    entries = tuple(Entry(PLACES[p], int(v), COLOUR_NAMES[c]) for p, v, c in zip(places, numbers, colours, strict=True))
    if panels == 1:
        # Whole pairs, so that the frame holds no other entry where entries stand two in a row.
        start = 2 * int(rng.integers((count - 1) // 2))
        size = min(2 * int(rng.integers(1, 3)), count - start)
        size = 2 if size == count else size
    else:
        size, start = per_panel, int(rng.integers(panels)) * per_panel
    return Scene(entries, panels, tuple(range(start, start + size)))
