"""Each method's operating points as a curve: which of them dev puts on the hull, and what they reach on test."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from vlrb.metrics.frontier import Aiq, aiq, concave_hull
from vlrb.report.leaderboard import QUERIES, TRAINED, Leaderboard
from vlrb.report.methods import Method
from vlrb.schema import DEV, TRAIN

POINT, CHEAPEST, MIXTURE = "operating point", "cheapest model", "single model"
STATIC = "static mixture"
COLUMNS = (
    *("method", "kind", "point", "lambda", "seeds", "chosen", "hull"),
    *("dev_accuracy", "dev_cost_per_1k", "dev_rank_score", "accuracy", "cost_per_1k", "rank_score"),
    *("expected_accuracy", "expected_cost_per_1k"),
)
OLD_RUNS = "these runs do not hold the single models' figures on train: evaluate.py run=<folder> writes them again"


class Curve(NamedTuple):
    """Points in the accuracy–cost plane, (k,) each; costs in USD per query.

    Attributes:
        names: Names of the points.
        chosen_on: Their (cost, accuracy) where vertices are chosen: dev for routers, train for single models.
        shown: Their (cost, accuracy) on the split shown.
        expected: The same as exact expectations, NaN on real data.
        hull: Places of the hull's vertices, cheapest first.
    """

    names: list[str]
    chosen_on: np.ndarray
    shown: np.ndarray
    expected: np.ndarray
    hull: np.ndarray

    def vertices(self, *, expected: bool = False) -> np.ndarray:
        """Return (cost, accuracy) of the hull's vertices on the split shown, (2, h)."""
        return (self.expected if expected else self.shown)[:, self.hull]

    def aiq(self, cmin: float, cmax: float) -> Aiq | None:
        """Return the mean height of the hull on the split shown; None where a vertex is undefined or there is none."""
        cost, accuracy = self.vertices()
        return aiq(cost, accuracy, cmin, cmax) if len(cost) and np.isfinite([cost, accuracy]).all() else None


def static_mixture(board: Leaderboard) -> Curve | None:
    """Return the single models as a curve, its vertices chosen on train; None if the runs do not hold their figures.

    What a router must beat: sending a fixed share of the samples to each of two models needs no router.
    """
    landscape = board.runs[0].landscape
    if "models" not in landscape.get(TRAIN, {}):
        return None
    names = [name for name in board.runs[0].data["model_ids"] if name in landscape[TRAIN]["models"]]
    train, shown = (_of_models(landscape[split]["models"], names) for split in (TRAIN, board.split))
    expected = np.full(shown.shape, np.nan)
    if "expected_models" in landscape[board.split]:
        found = landscape[board.split]["expected_models"]
        places = [board.runs[0].data["model_ids"].index(name) for name in names]
        expected = np.array([found["cost"], found["accuracy"]], np.float64)[:, places]
    known = np.isfinite(shown).all(axis=0)
    hull = concave_hull(np.where(known, train[0], np.nan), train[1])
    return Curve(names, train, shown, expected, hull)


def method_curve(board: Leaderboard, method: Method, mixture: Curve) -> Curve:
    """Return a method's points as a curve that begins at the model that was cheapest on train, vertices chosen on dev.

    Args:
        board: The leaderboard.
        method: One of its methods.
        mixture: The single models; the cheapest of them is this curve's last point.
    """
    split, names = board.split, [candidate.name for candidate in method.candidates]
    figures = {
        part: np.array([[c.mean(f"{part}{name}") for c in method.candidates] for name in ("cost", "accuracy")])
        for part in (f"{DEV}/", f"{split}/", f"{split}/expected_")
    }
    cheapest = mixture.hull[:1]
    dev = _of_models(board.runs[0].landscape[DEV]["models"], [mixture.names[place] for place in cheapest])
    chosen_on = np.concatenate([figures[f"{DEV}/"], dev], axis=1)
    shown = np.concatenate([figures[f"{split}/"], mixture.shown[:, cheapest]], axis=1)
    expected = np.concatenate([figures[f"{split}/expected_"], mixture.expected[:, cheapest]], axis=1)
    return Curve(
        [*names, *(mixture.names[place] for place in cheapest)], chosen_on, shown, expected, concave_hull(*chosen_on)
    )


def trained_methods(board: Leaderboard) -> dict[str, Method]:
    """Return the methods of the trained routers by row name, in leaderboard order."""
    return {name: board.methods[name] for name in board.section(TRAINED)["name"]}


def curves_frame(board: Leaderboard) -> pd.DataFrame:
    """Return COLUMNS: the points of every trained method and the single models, with their place on the hull.

    `hull` counts the hull's vertices from the cheapest on, empty for points that are not on it; `dev_…` of single
    models are their figures on dev, though their hull is chosen on train.
    """
    mixture = static_mixture(board)
    points = {(row["method"], row["name"]): row for row in board.points.to_dict("records")}
    rows: list[dict[str, Any]] = []
    for name, method in trained_methods(board).items():
        curve = None if mixture is None else method_curve(board, method, mixture)
        on_hull = {} if curve is None else {int(place): number for number, place in enumerate(curve.hull, 1)}
        for place, candidate in enumerate(method.candidates):
            row = {str(key): value for key, value in points[name, candidate.name].items() if key in COLUMNS}
            rows.append(row | {"method": name, "kind": POINT, "point": candidate.name, "hull": on_hull.get(place)})
        if curve is not None:
            start = len(method.candidates)
            rows.append(
                _model_row(board, curve, start) | {"method": name, "kind": CHEAPEST, "hull": on_hull.get(start)}
            )
    if mixture is not None:
        numbers = {int(place): number for number, place in enumerate(mixture.hull, 1)}
        rows += [
            _model_row(board, mixture, place) | {"method": STATIC, "hull": numbers.get(place)}
            for place in range(len(mixture.names))
        ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _model_row(board: Leaderboard, curve: Curve, place: int) -> dict[str, Any]:
    run, model = board.runs[0], curve.names[place]
    row: dict[str, Any] = {"kind": MIXTURE, "point": run.display_name(model), "chosen": False}
    for prefix, split in (("dev_", DEV), ("", board.split)):
        found = run.landscape[split]["models"][model]
        cost = found["cost"]
        row |= {f"{prefix}accuracy": found["accuracy"], f"{prefix}rank_score": found["rank_score"]}
        row |= {f"{prefix}cost_per_1k": None if cost is None else cost * QUERIES}
    cost, accuracy = curve.expected[:, place]
    return row | {"expected_accuracy": accuracy, "expected_cost_per_1k": cost * QUERIES}


def _of_models(models: dict[str, Any], names: list[str]) -> np.ndarray:
    """Return (cost, accuracy) of single models, (2, k), NaN where undefined."""
    return np.array([[models[name][key] for name in names] for key in ("cost", "accuracy")], np.float64)
