"""Budget points: costs per query at which a benchmark is looked at, and what a single model reaches within each."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from vlrb.metrics.outcomes import is_correct

AUTO_POINTS = 7
BUDGET_COLUMNS = ("budget_usd", "binding", "best_single_hindsight", "display_name", "accuracy", "mean_cost_usd", "n")


class Budget(NamedTuple):
    """One budget point.

    Attributes:
        usd: USD per query.
        binding: False where it lies above the dearest model's mean cost, so that it rules nothing out; None where no
            mean cost is known.
    """

    usd: float
    binding: bool | None


def budget_points(chosen: Literal["auto"] | Sequence[float], bounds: Mapping[str, Any]) -> list[Budget]:
    """Return the budget points of a benchmark under a price book, ascending.

    Args:
        chosen: Points in USD per query; "auto" takes AUTO_POINTS points from cmin to cmax in equal ratios, none where
            the bounds give no scale.
        bounds: What `cost_bounds` returns.

    >>> bounds = {"cmin": 1e-5, "cmax": 1e-2, "reason": None}
    >>> [float(f"{b.usd:.4g}") for b in budget_points("auto", bounds)]  # ratio (10⁻² / 10⁻⁵)^(1/6) = √10
    [1e-05, 3.162e-05, 0.0001, 0.0003162, 0.001, 0.003162, 0.01]
    >>> budget_points([0.003, 0.03], bounds)
    [Budget(usd=0.003, binding=True), Budget(usd=0.03, binding=False)]
    """
    cmin, cmax = bounds["cmin"], bounds["cmax"]
    if chosen == "auto":
        usable = bounds["reason"] is None
        points = [float(usd) for usd in np.geomspace(cmin, cmax, AUTO_POINTS)] if usable else []
        if points:
            points[0], points[-1] = cmin, cmax  # exactly: the cheapest model fits the first, every model the last
    else:
        points = [float(usd) for usd in chosen]
    return [Budget(usd, None if cmax is None else usd <= cmax) for usd in points]


def budget_table(
    budgets: Sequence[Budget],
    Y: np.ndarray,
    mean_costs: Mapping[str, float | None],
    cards: Sequence[Mapping[str, object]],
) -> pd.DataFrame:
    """Return, for each budget point, the most accurate single model whose mean cost lies within it.

    A description of the benchmark, chosen in hindsight over all samples (train, dev and test), hence no baseline. Costs
    are the means behind the cost bounds. Accuracy is over the n samples that every model with a grade and a mean cost
    has a grade for. Ties go to the cheaper model, then to the earlier column; fields are empty where no model fits.

    Args:
        budgets: The points.
        Y: (N, M) quality, NaN = unknown.
        mean_costs: Mean cost by model id, None = the model has no cost.
        cards: M cards with `id` and `display_name`.

    >>> cards = [{"id": "a", "display_name": "A"}, {"id": "b", "display_name": "B"}]
    >>> Y = np.array([[0.0, 1.0], [1.0, 1.0]])  # accuracy .5 and 1
    >>> table = budget_table([Budget(0.002, True), Budget(0.004, True)], Y, {"a": 0.001, "b": 0.004}, cards)
    >>> table["best_single_hindsight"].tolist(), table["accuracy"].tolist()
    (['a', 'b'], [0.5, 1.0])
    """
    known = ~np.isnan(Y).all(axis=0) if len(Y) else np.zeros(len(cards), bool)
    means = np.array([mean_costs.get(str(card["id"])) for card in cards], np.float64)  # None becomes NaN
    columns = np.flatnonzero(~np.isnan(means) & known)
    quality = np.asarray(Y[:, columns], np.float64)
    complete = quality[~np.isnan(quality).any(axis=1)]
    accuracy = is_correct(complete).mean(axis=0) if len(complete) else np.full(len(columns), np.nan)
    order = np.lexsort((columns, means[columns], -accuracy))  # best first
    rows = []
    for usd, binding in budgets:
        best = next((k for k in order if means[columns[k]] <= usd and len(complete)), None)
        row: dict[str, object] = {"budget_usd": usd, "binding": binding, "n": len(complete)}
        if best is not None:
            card = cards[columns[best]]
            row |= {"best_single_hindsight": card["id"], "display_name": card["display_name"]}
            row |= {"accuracy": float(accuracy[best]), "mean_cost_usd": float(means[columns[best]])}
        rows.append(row)
    return pd.DataFrame(rows, columns=list(BUDGET_COLUMNS))
