"""The points of the accuracy–cost plane, collected from a leaderboard and its runs."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from vlrb.report.columns import known
from vlrb.report.leaderboard import (
    BAYES_ACCURACY,
    BAYES_RANK_SCORE,
    BEST_SINGLE,
    ORACLE,
    QUERIES,
    TRAINED,
    Leaderboard,
)
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
        references: Reference routers; those at one point share a mark.
        routers: Trained routers, best first, by router name.
        frontier: (k, 2) cost per 1,000 queries and expected accuracy, cheapest first; empty on real data.
        expected: Whether accuracies and costs are exact expectations (synthetic data) and not what happened. The
            frontier is one too: beside realised figures a lucky router would seem to beat it. The oracle's figures are
            realised in any case, since it decides by what happened.
    """

    singles: list[Mark]
    references: list[Mark]
    routers: dict[str, list[Mark]]
    frontier: np.ndarray
    expected: bool

    def marks(self) -> list[Mark]:
        """Return every point."""
        return [*self.references, *(mark for marks in self.routers.values() for mark in marks), *self.singles]


class Place(NamedTuple):
    """A row of the leaderboard in the plane."""

    name: str
    router: str
    trained: bool
    cost: float
    accuracy: float


def plane(board: Leaderboard, *, short: bool = False, expected: bool = True) -> Plane:
    """Collect the points of a leaderboard; rows without accuracy or with no positive cost have no place in it.

    Args:
        board: The leaderboard.
        short: Short names of references, for small figures.
        expected: Show exact expectations where they are known (synthetic data).
    """
    landscape = board.runs[0].landscape.get(board.split, {})
    expected = expected and "expected_models" in landscape
    places = [p for row in board.frame.to_dict("records") if (p := _place(row, expected=expected)) is not None]
    names = list(dict.fromkeys(place.router for place in places if place.trained))
    colours = series_colours(names)
    routers = {
        name: [Mark(p.name, p.cost, p.accuracy, colours[name], "o", 8.0, bold=True) for p in places if p.router == name]
        for name in names
    }
    singles, references = _merged(
        _singles(board, landscape, expected=expected), [p for p in places if not p.trained], short=short
    )
    return Plane(singles, references, routers, _frontier(landscape, expected=expected), expected)


def _place(row: Mapping[Any, Any], *, expected: bool) -> Place | None:
    if row["router"] in (BAYES_ACCURACY, BAYES_RANK_SCORE):
        return None
    prefix = "expected_" if expected and row["router"] != ORACLE else ""
    cost, accuracy = row[f"{prefix}cost_per_1k"], row[f"{prefix}accuracy"]
    if not (known(cost) and known(accuracy) and cost > 0):
        return None
    return Place(row["name"], row["router"], row["kind"] == TRAINED, cost, accuracy)


def _singles(board: Leaderboard, landscape: Mapping[str, Any], *, expected: bool) -> list[Mark]:
    run = board.runs[0]
    if expected:
        found = landscape["expected_models"]
        points = list(zip(run.data["model_ids"], found["cost"], found["accuracy"], strict=True))
    else:
        points = [(model, of["cost"], of["accuracy"]) for model, of in landscape.get("models", {}).items()]
    return [
        Mark(run.display_name(model), cost * QUERIES, accuracy, FAINT, "o", 5.0)
        for model, cost, accuracy in points
        if accuracy is not None and cost
    ]


def _merged(singles: list[Mark], places: list[Place], *, short: bool) -> tuple[list[Mark], list[Mark]]:
    """Let references at one point share a mark, also with the single model that they always choose."""
    references: list[Mark] = []
    used: set[int] = set()
    for first, place in enumerate(places):
        if first in used:
            continue
        same = [k for k, other in enumerate(places) if k not in used and _at(other, place)]
        used |= set(same)
        single = next((mark for mark in singles if _at(mark, place)), None)
        names = [_reference_name(places[k].router, short=short) for k in same]
        lines = ([] if single is None or short else [single.text]) + names
        oracle = place.router == ORACLE
        marker, size = ("*", 10.0) if oracle else ("D", 5.5)
        references.append(Mark("\n".join(lines), place.cost, place.accuracy, INK, marker, size, filled=oracle))
    return [mark for mark in singles if not any(_at(mark, place) for place in places)], references


def _at(a: Mark | Place, b: Mark | Place) -> bool:
    return bool(np.allclose((a.cost, a.accuracy), (b.cost, b.accuracy), rtol=1e-9, atol=0))


def _reference_name(name: str, *, short: bool) -> str:
    if short:
        return SHORT_NAMES.get(name, name)
    return "best single, train" if name == BEST_SINGLE else name


def _frontier(landscape: Mapping[str, Any], *, expected: bool) -> np.ndarray:
    """Return (k, 2) points, cheapest first; of points at (almost) the same cost the best."""
    found = landscape.get("frontier")
    if not found or not expected:
        return np.zeros((0, 2))
    points = np.column_stack([np.array(found["cost"], float) * QUERIES, np.array(found["accuracy"], float)])
    return np.asarray(points[np.argsort(points[:, 0], kind="stable")])
