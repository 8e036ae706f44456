"""The trade-off for a budget: chosen on dev, where the router's decisions can be made again at any μ."""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from vlrb.benchmark.view import BenchmarkView
from vlrb.data.spec import DataSpec
from vlrb.data.tradeoff import correct
from vlrb.routers.base import RouterModule
from vlrb.routers.utility_rule import Estimates, expected_utility
from vlrb.schema import DEV
from vlrb.tasks.fit import Fitted, estimate
from vlrb.utils.errors import ConfigError, StateError

STEPS_PER_DECADE = 20
DECADES = (-3, 3)  # of μ, in units of accuracy per mean training cost


class DevPoint(NamedTuple):
    """What the router reaches on dev at μ: accuracy, and mean cost in USD per query."""

    mu: float
    accuracy: float
    cost: float


def choose_mu(fitted: Fitted, view: BenchmarkView, budget: float) -> DevPoint:
    """Return the most accurate point on dev whose mean cost is within the budget.

    Cells of unknown outcome count with what the router expects of them.

    Args:
        fitted: A router that can be reweighed.
        view: The benchmark's view.
        budget: USD per query.

    Raises:
        ConfigError: The budget is below what the router reaches at any μ.
        StateError: There is no dev split.
    """
    rows, expected = view.members(DEV), estimate(fitted, DEV)
    if not len(rows) or expected is None:
        raise StateError("a budget's μ is chosen on dev, and this run has no dev split", "give the trade-off: mu=…")
    y, C = correct(view.Y[rows]), np.asarray(view.C[rows], np.float64)
    y = np.where(np.isnan(y), expected.accuracy.numpy(), y)
    C = np.where(np.isnan(C), expected.cost.numpy(), C)
    points = dev_points(fitted.router, expected, y, C, mu_grid(fitted.router.spec))
    return within_budget(points, budget)


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
