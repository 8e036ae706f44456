"""The points of the accuracy–cost plane, collected from a leaderboard and its runs."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from vlrb.report.leaderboard import BEST_SINGLE, ORACLE, QUERIES, TRAINED, Leaderboard
from vlrb.report.palette import FAINT, INK, series_colours

SHORT_NAMES = {BEST_SINGLE: "best single", "strongest_per_dataset": "per dataset", "cheapest_global": "cheapest"}


class Mark(NamedTuple):
    """A named point: cost in USD per 1,000 queries, accuracy, and how to draw it."""

    text: str
    cost: float
    accuracy: float
    colour: str
    marker: str
    size: float
    bold: bool = False
    filled: bool = True


class Plane(NamedTuple):
    """All that the plot shows.

    Attributes:
        singles: Single models.
        references: Reference routers.
        routers: Trained routers, best first, by router name.
        frontier: (k, 2) cost per 1,000 queries and expected accuracy, cheapest first; empty on real data.
    """

    singles: list[Mark]
    references: list[Mark]
    routers: dict[str, list[Mark]]
    frontier: np.ndarray

    def marks(self) -> list[Mark]:
        """Return every point."""
        return [*self.references, *(mark for marks in self.routers.values() for mark in marks), *self.singles]


def plane(board: Leaderboard, *, short: bool = False) -> Plane:
    """Collect the points of a leaderboard; rows without accuracy or with no positive cost have no place in it.

    Args:
        board: The leaderboard.
        short: Short names of references, for small figures.
    """
    run = board.runs[0]
    landscape = run.landscape.get(board.split, {})
    rows = [r for r in board.frame.to_dict("records") if r["accuracy"] == r["accuracy"] and r["cost_per_1k"] > 0]
    singles = [
        Mark(run.display_name(model), found["cost"] * QUERIES, found["accuracy"], FAINT, "o", 5.0)
        for model, found in landscape.get("models", {}).items()
        if found["accuracy"] is not None and found["cost"]
    ]
    references = [_reference(row) for row in rows if row["kind"] != TRAINED]
    names = list(dict.fromkeys(row["router"] for row in rows if row["kind"] == TRAINED))
    colours = series_colours(names)
    routers = {name: [_router(r, colours[name]) for r in rows if r["router"] == name] for name in names}
    singles, references = _merged(singles, references, short=short)
    return Plane(singles, references, routers, _frontier(landscape.get("frontier")))


def _reference(row: Mapping[Any, Any]) -> Mark:
    oracle = row["router"] == ORACLE
    marker, size = ("*", 10.0) if oracle else ("D", 5.5)
    return Mark(row["name"], row["cost_per_1k"], row["accuracy"], INK, marker, size, filled=oracle)


def _router(row: Mapping[Any, Any], colour: str) -> Mark:
    return Mark(row["name"], row["cost_per_1k"], row["accuracy"], colour, "o", 8.0, bold=True)


def _merged(singles: list[Mark], references: list[Mark], *, short: bool) -> tuple[list[Mark], list[Mark]]:
    """Let a reference that always chooses one model share that model's point and label."""
    alone = []
    names = {k: r.text for k, r in enumerate(references)}
    shown = {k: SHORT_NAMES.get(name, name) if short else name for k, name in names.items()}
    for single in singles:
        same = [k for k, r in enumerate(references) if np.allclose(r[1:3], single[1:3], rtol=1e-9, atol=0)]
        for k in same if not short else ():
            what = "best single, train" if names[k] == BEST_SINGLE else names[k]
            shown[k] = f"{single.text}\n{what}"
        alone += [] if same else [single]
    return alone, [r._replace(text=shown[k]) for k, r in enumerate(references)]


def _frontier(found: Mapping[str, Any] | None) -> np.ndarray:
    """Return (k, 2) points, cheapest first; of points at (almost) the same cost the best."""
    if not found:
        return np.zeros((0, 2))
    points = np.column_stack([np.array(found["cost"], float) * QUERIES, np.array(found["accuracy"], float)])
    return np.asarray(points[np.argsort(points[:, 0], kind="stable")])
