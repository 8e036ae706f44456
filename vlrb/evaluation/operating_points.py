"""What a router reaches on dev at each trade-off μ, and the point that a budget buys."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from vlrb.data.spec import DataSpec
from vlrb.routers.base import RouterModule
from vlrb.routers.utility_rule import Estimates, expected_utility
from vlrb.schema import OPERATING_POINTS_FILE
from vlrb.utils.errors import ConfigError, DataError, StateError
from vlrb.utils.files import read_json, write_json

STEPS_PER_DECADE = 20
DECADES = (-3, 3)  # of μ, in units of accuracy per mean training cost


class DevPoint(NamedTuple):
    """What the router reaches on dev at μ: accuracy, and mean cost in USD per query."""

    mu: float
    accuracy: float
    cost: float


def mu_grid(spec: DataSpec) -> list[float]:
    """Return 0, six decades around one mean training cost, and infinity, in the units of the router's λ."""
    costs = [cost for cost in spec.mean_train_cost if math.isfinite(cost)]
    unit = 1.0
    if spec.trade_off.scheme == "exp" and costs and sum(costs) > 0:
        unit = len(costs) / sum(costs) / spec.trade_off.scale
    steps = np.logspace(*DECADES, (DECADES[1] - DECADES[0]) * STEPS_PER_DECADE + 1)
    return [0.0, *(float(f"{unit * step:.3g}") for step in steps), math.inf]


def dev_points(
    router: RouterModule, expected: Estimates, y: np.ndarray, C: np.ndarray, grid: list[float]
) -> list[DevPoint]:
    """Return accuracy and mean cost of the router's decisions at each μ.

    Args:
        router: Its rule for ties and its units of cost.
        expected: p̂ and ĉ (n, M) of the samples.
        y: (n, M) 1 = right, 0 = wrong.
        C: (n, M) USD.
        grid: Values of μ.
    """
    rows = np.arange(len(y))
    points = []
    for mu in grid:
        scores = expected_utility(*expected, replace(router.spec.trade_off, value=mu))
        decision = router.decide(torch.as_tensor(scores)).numpy()
        points.append(DevPoint(mu, float(y[rows, decision].mean()), float(C[rows, decision].mean())))
    return points


def within_budget(points: list[DevPoint], budget: float) -> DevPoint:
    """Return the most accurate point that costs at most `budget`; ties to the cheaper, then to the lower μ.

    >>> points = [DevPoint(0.0, 0.9, 3e-4), DevPoint(0.5, 0.8, 2e-4), DevPoint(1.0, 0.8, 1e-4)]
    >>> within_budget(points, 2e-4).mu, within_budget(points, 1.0).mu
    (1.0, 0.0)
    """
    affordable = [point for point in points if point.cost <= budget]
    if not affordable:
        lowest = min(points, key=lambda point: point.cost)
        raise ConfigError(
            f"budget={budget:g} USD per query is below what this router reaches on dev",
            f"the lowest is {round_up(lowest.cost)} (μ={lowest.mu:g})",
        )
    return max(affordable, key=lambda point: (point.accuracy, -point.cost, -point.mu))


def round_up(cost: float) -> str:
    """Return a cost with three digits, never below it: what is printed can be asked for.

    >>> round_up(1.5938e-05), round_up(0.0002)
    ('1.60e-05', '2.00e-04')
    """
    exponent = math.floor(math.log10(cost)) if cost > 0 else 0
    step = 10.0 ** (exponent - 2)
    return f"{math.ceil(round(cost / step, 6)) * step:.2e}"


def write_points(folder: Path, points: Sequence[DevPoint]) -> None:
    """Write the points of a run, so that a budget can be met where its benchmark is not."""
    plain = [
        {"mu": "inf" if math.isinf(point.mu) else point.mu, "dev_accuracy": point.accuracy, "dev_cost": point.cost}
        for point in points
    ]
    write_json(folder / OPERATING_POINTS_FILE, plain)


def read_points(folder: Path) -> list[DevPoint]:
    """Return the points that `write_points` wrote.

    Raises:
        StateError: There are none, or the file is damaged.
    """
    path = folder / OPERATING_POINTS_FILE
    hint = f"python evaluate.py run={folder} writes them, with the benchmark at hand; or give the trade-off: mu"
    if not path.is_file():
        raise StateError(f"{folder} has no operating points to choose from (no {OPERATING_POINTS_FILE} in it)", hint)
    try:
        return [DevPoint(*(float(one[key]) for key in ("mu", "dev_accuracy", "dev_cost"))) for one in read_json(path)]
    except (DataError, TypeError, KeyError, ValueError) as error:
        raise StateError(f"{path}: not the operating points of a run", hint) from error
