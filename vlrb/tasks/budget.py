"""The trade-off for a budget: chosen on dev, where the router's decisions can be made again at any μ."""

import numpy as np

from vlrb.benchmark.view import BenchmarkView
from vlrb.data.tradeoff import correct
from vlrb.evaluation.operating_points import DevPoint, dev_points, mu_grid, round_up, within_budget
from vlrb.routers.base import RouterModule
from vlrb.routers.utility_rule import Estimates
from vlrb.schema import DEV
from vlrb.tasks.fit import Fitted, estimate
from vlrb.utils.errors import StateError

__all__ = ["DevPoint", "choose_mu", "dev_points", "mu_grid", "points_on_dev", "round_up", "within_budget"]


def choose_mu(fitted: Fitted, view: BenchmarkView, budget: float) -> DevPoint:
    """Return the most accurate point on dev whose mean cost is within the budget.

    Args:
        fitted: A router that can be reweighed.
        view: The benchmark's view.
        budget: USD per query.

    Raises:
        ConfigError: The budget is below what the router reaches at any μ.
        StateError: There is no dev split.
    """
    expected = estimate(fitted, DEV)
    if expected is None:
        raise StateError("a budget's μ is chosen on dev, and this run has no dev split", "give the trade-off: mu=…")
    return within_budget(points_on_dev(fitted.router, view, expected), budget)


def points_on_dev(router: RouterModule, view: BenchmarkView, expected: Estimates) -> list[DevPoint]:
    """Return what a router reaches on dev at each μ of its grid.

    Cells of unknown outcome count with what the router expects of them.

    Args:
        router: A router that can be reweighed.
        view: The benchmark's view.
        expected: p̂ and ĉ (n, M) of its dev samples, n ≥ 1.
    """
    rows = view.members(DEV)
    y, C = correct(view.Y[rows]), np.asarray(view.C[rows], np.float64)
    y = np.where(np.isnan(y), expected.accuracy.numpy(), y)
    C = np.where(np.isnan(C), expected.cost.numpy(), C)
    return dev_points(router, expected, y, C, mu_grid(router.spec))
