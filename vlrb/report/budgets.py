"""What each method reaches within a budget: the point is chosen on dev, its accuracy and cost are those on test."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from vlrb.benchmark.budgets import Budget, budget_points
from vlrb.metrics.operating_points import best_within
from vlrb.report.curves import Curve, static_mixture, trained_methods
from vlrb.report.leaderboard import QUERIES, Leaderboard
from vlrb.report.methods import Method
from vlrb.schema import DEV
from vlrb.utils.errors import ConfigError

Budgets = Literal["auto", "published"] | Sequence[float]
SINGLE = "best single model within the budget"
NOTHING_FITS = "no operating point costs that little on dev"
COLUMNS = (
    *("budget_per_1k", "binding", "name", "point", "dev_accuracy", "dev_cost_per_1k"),
    *("accuracy", "cost_per_1k", "overshoot", "reason"),
)


def budgets_frame(board: Leaderboard, budgets: Budgets = "auto") -> pd.DataFrame:
    """Return COLUMNS: for each budget and trained method, the most accurate point on dev that keeps to it there.

    `overshoot` is its cost on the split shown over the budget, less 1: a budget kept on dev may be missed on test, by
    chance. Beside the methods stands the single model that was most accurate on train within the budget (`dev_…` are
    its figures on train). A budget that no model's mean cost exceeds is not binding: it rules nothing out.

    Args:
        board: The leaderboard.
        budgets: USD per query; "auto" takes 7 from cmin to cmax in equal ratios, "published" those of the price book.

    Raises:
        ConfigError: The price book has no published budgets, or a budget is not above 0.
    """
    run, mixture = board.runs[0], static_mixture(board)
    bounds = {"cmin": run.bounds.cmin, "cmax": run.bounds.cmax, "reason": run.bounds.problem()}
    rows: list[dict[str, Any]] = []
    for budget in budget_points(_points(board, budgets), bounds):
        for name, method in trained_methods(board).items():
            rows.append(_head(budget, name) | _of_method(board, method, budget.usd))
        if mixture is not None:
            rows.append(_head(budget, SINGLE) | _of_models(board, mixture, budget.usd))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(("accuracy", "cost_per_1k", "overshoot"), "float64"))


def _points(board: Leaderboard, budgets: Budgets) -> Literal["auto"] | Sequence[float]:
    if budgets == "auto":
        return "auto"
    if budgets != "published":
        if not all(0 < float(usd) < math.inf for usd in budgets):
            raise ConfigError(
                f"budgets={list(budgets)}: a budget is a number of USD per query above 0", "e.g. [0.0002]"
            )
        return [float(usd) for usd in budgets]
    book = board.runs[0].config.get("pricing") or {}
    found = book.get("published_budgets_usd")
    if not found:
        raise ConfigError(f"price book {book.get('name')!r} has no published budgets", "budgets=auto or a list")
    return [float(usd) for usd in found]


def _head(budget: Budget, name: str) -> dict[str, Any]:
    return {"budget_per_1k": budget.usd * QUERIES, "binding": budget.binding, "name": name}


def _of_method(board: Leaderboard, method: Method, budget: float) -> dict[str, Any]:
    cost, accuracy = (np.array([c.mean(f"{DEV}/{key}") for c in method.candidates]) for key in ("cost", "accuracy"))
    place = best_within(cost, accuracy, budget)
    if place is None:
        return {"reason": NOTHING_FITS}
    point = method.candidates[place]
    shown = point.mean(f"{board.split}/cost"), point.mean(f"{board.split}/accuracy")
    return _found(point.name, (cost[place], accuracy[place]), shown, budget)


def _of_models(board: Leaderboard, mixture: Curve, budget: float) -> dict[str, Any]:
    place = best_within(mixture.chosen_on[0], mixture.chosen_on[1], budget)
    if place is None:
        return {"reason": "no model costs that little on train"}
    name = board.runs[0].display_name(mixture.names[place])
    return _found(name, mixture.chosen_on[:, place], mixture.shown[:, place], budget)


def _found(
    name: str, chosen_on: Sequence[float] | np.ndarray, shown: Sequence[float] | np.ndarray, budget: float
) -> dict[str, Any]:
    return {
        "point": name,
        "dev_accuracy": float(chosen_on[1]),
        "dev_cost_per_1k": float(chosen_on[0]) * QUERIES,
        "accuracy": float(shown[1]),
        "cost_per_1k": float(shown[0]) * QUERIES,
        "overshoot": float(shown[0]) / budget - 1,
    }


def not_binding(frame: pd.DataFrame) -> str | None:
    """Return a line about budgets that rule nothing out, None if there are none."""
    loose = sorted(set(frame.loc[frame["binding"] == False, "budget_per_1k"]))  # noqa: E712 - None is neither
    if not loose:
        return None
    words = ", ".join(f"${usd:.3g}" for usd in loose)
    return f"budgets of {words} per 1,000 queries are not binding: the dearest model costs less"
