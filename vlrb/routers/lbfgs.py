"""L-BFGS in float64 for the smooth convex objectives of routers that are solved to their optimum."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from vlrb.utils.console import warn

Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]


def lowest(objective: Objective, start: np.ndarray, name: str, max_iterations: int, tolerance: float) -> Tensor:
    """Return the parameters (P,) float64 at which an objective is lowest; warn if they were not reached.

    Args:
        objective: Gives value and gradient (P,) at parameters (P,).
        start: First parameters (P,) float64.
        name: The router's name, for the warning.
        max_iterations: Most iterations.
        tolerance: Stop when the largest gradient entry is below this.
    """
    options = {"maxiter": max_iterations, "maxfun": 2 * max_iterations, "gtol": tolerance, "ftol": 0.0}
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    if found.nit >= max_iterations:
        warn(f"router {name!r} stopped after {found.nit} iterations, before its optimum; raise max_iterations")
    return torch.from_numpy(found.x)
