"""How much an order of routers depends on what is taken for granted: prices, β, the pool."""

import numpy as np


def kendall_tau(first: np.ndarray, second: np.ndarray) -> float | None:
    """Return Kendall's τ-b of two scorings of the same things: 1 = the same order, −1 = turned round.

    τ-b (Kendall 1945) allows for ties: (concordant − discordant) / √(pairs not tied in first · … in second). None where
    one of them ties everything, or a score is undefined.

    Args:
        first: (k,) scores, k ≥ 2.
        second: (k,) scores.

    >>> kendall_tau(np.array([3.0, 2.0, 1.0]), np.array([3.0, 1.0, 2.0]))  # two pairs agree, one does not: (2 − 1) / 3
    0.3333333333333333
    """
    if len(first) < 2 or not (np.isfinite(first).all() and np.isfinite(second).all()):
        return None
    upper = np.triu_indices(len(first), 1)
    a, b = (np.sign(np.subtract.outer(values, values))[upper] for values in (np.asarray(first), np.asarray(second)))
    untied = float(np.count_nonzero(a)) * float(np.count_nonzero(b))
    return float((a * b).sum() / np.sqrt(untied)) if untied else None


def reprice(cost_of: np.ndarray, mean_cost: np.ndarray, factor: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return mean costs (k,) of k routers and the cost bounds once every model's price is multiplied by a factor.

    Decisions stay as they were made.

    Args:
        cost_of: (k, m) what each model's share of the samples adds to a router's mean cost.
        mean_cost: (m,) mean cost of each model over the benchmark, NaN = none.
        factor: (m,) factors.

    >>> cost, cmin, cmax = reprice(np.array([[1.0, 2.0]]), np.array([2.0, 8.0]), np.array([0.5, 1.5]))
    >>> cost.tolist(), cmin, cmax  # 1 · .5 + 2 · 1.5; 2 · .5; 8 · 1.5
    ([3.5], 1.0, 12.0)
    """
    bounds = mean_cost * factor
    return cost_of @ factor, float(np.nanmin(bounds)), float(np.nanmax(bounds))
