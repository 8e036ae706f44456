"""Does the order of the routers survive other prices, another β, a pool with one model less?

Nothing is trained or chosen again: the decisions behind the leaderboard are judged under other assumptions.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from vlrb.evaluation.runner_up import RUNNER_UP, RUNNER_UP_COLUMNS
from vlrb.evaluation.runs import Run
from vlrb.metrics.outcomes import is_correct
from vlrb.metrics.rank_score import rank_scores
from vlrb.metrics.stability import kendall_tau, reprice
from vlrb.report.curves import trained_methods
from vlrb.report.leaderboard import Leaderboard
from vlrb.schema import COST, MODEL_ID, QUALITY, RANK_SCORE_BETA

BETAS = (0.05, 0.1, 0.2, 0.5)
LOW, HIGH = 0.5, 1.5  # prices, as factors
DRAWS = 200
COLUMNS = ("kind", "scenario", "draws", "tau", "tau_low", "top", "top_kept", "routers")
PRICE, PRICES, BETA, WITHOUT = "price of one model", "all prices", "beta", "without one model"


class _Table(NamedTuple):
    """Rows of the leaderboard as arrays: names (k), accuracy (k,), share of cost by model (k, m), mean costs (m,)."""

    names: list[str]
    accuracy: np.ndarray
    cost_of: np.ndarray
    mean_cost: np.ndarray
    models: list[str]
    score: np.ndarray


@lru_cache(maxsize=1)  # a report shows it three times
def stability_frame(board: Leaderboard) -> pd.DataFrame:
    """Return COLUMNS: Kendall's τ-b between the order of the trained rows and their order under each assumption.

    price of one model   ×0.5 and ×1.5, one model at a time
    all prices           every model's price drawn by itself from ×0.5 to ×1.5 (mean and lowest τ of 200 draws)
    beta                 other weights of cheapness in the Rank Score
    without one model    samples that went to it go to the router's second choice; the bounds lose it too

    The cost bounds follow the prices and the pool. Empty where there are fewer than two routers, or no Rank Score, or
    where the runs do not hold the models' mean costs.
    """
    table = _table(board)
    if table is None:
        return pd.DataFrame([], columns=list(COLUMNS))
    rows = [*_betas(table, board), *_single_prices(table, board), _random_prices(table), *_without(table, board)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _table(board: Leaderboard) -> _Table | None:
    methods, data = trained_methods(board), board.runs[0].data
    if len(methods) < 2 or board.runs[0].bounds.problem() is not None or "mean_costs" not in data:
        return None
    models = list(data["mean_costs"])
    runs = [method.chosen.runs for method in methods.values()]
    accuracy = np.array([np.mean([_accuracy(run.decided(board.split)) for run in seeds]) for seeds in runs])
    cost_of = np.array(
        [np.mean([_cost_of(run.decided(board.split), models) for run in seeds], axis=0) for seeds in runs]
    )
    if not np.isfinite(accuracy).all() or not np.isfinite(cost_of).all():
        return None
    mean_cost = np.array([data["mean_costs"][model] for model in models], np.float64)
    score = _scores(accuracy, cost_of.sum(axis=1), mean_cost)
    return _Table(list(methods), accuracy, cost_of, mean_cost, models, score)


def _accuracy(decided: pd.DataFrame) -> float:
    return float(is_correct(decided[QUALITY].to_numpy()).mean())


def _cost_of(decided: pd.DataFrame, models: list[str]) -> np.ndarray:
    """Return what each model's share of the samples adds to the mean cost, (m,)."""
    place = pd.Index(models).get_indexer(pd.Index(decided[MODEL_ID]))
    return np.bincount(place, weights=decided[COST].to_numpy(np.float64), minlength=len(models)) / len(decided)


def _scores(accuracy: np.ndarray, cost: np.ndarray, mean_cost: np.ndarray, beta: float = RANK_SCORE_BETA) -> np.ndarray:
    return rank_scores(accuracy, cost, float(np.nanmin(mean_cost)), float(np.nanmax(mean_cost)), beta)


def _row(table: _Table, kind: str, scenario: str, score: np.ndarray) -> dict[str, Any]:
    tau, first = kendall_tau(table.score, score), int(np.argmax(np.nan_to_num(score, nan=-1.0)))
    top = {"top": table.names[first], "top_kept": float(first == int(table.score.argmax()))}
    return {"kind": kind, "scenario": scenario, "draws": 1, "tau": tau, "tau_low": tau, "routers": len(score)} | top


def _betas(table: _Table, board: Leaderboard) -> list[dict[str, Any]]:
    bounds, cost = board.runs[0].bounds, table.cost_of.sum(axis=1)
    cmin, cmax = bounds.cmin or 0.0, bounds.cmax or 0.0  # a table has bounds
    return [_row(table, BETA, f"β={b:g}", rank_scores(table.accuracy, cost, cmin, cmax, b)) for b in BETAS]


def _single_prices(table: _Table, board: Leaderboard) -> list[dict[str, Any]]:
    rows = []
    for column, model in enumerate(table.models):
        for factor in (LOW, HIGH):
            factors = np.ones(len(table.models))
            factors[column] = factor
            name = f"{board.runs[0].display_name(model)} ×{factor:g}"
            rows.append(_row(table, PRICE, name, _repriced(table, factors)))
    return rows


def _repriced(table: _Table, factors: np.ndarray) -> np.ndarray:
    cost, cmin, cmax = reprice(table.cost_of, table.mean_cost, factors)
    return rank_scores(table.accuracy, cost, cmin, cmax)


def _random_prices(table: _Table) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    drawn = [_row(table, PRICES, "", _repriced(table, f)) for f in rng.uniform(LOW, HIGH, (DRAWS, len(table.models)))]
    taus = [row["tau"] for row in drawn if row["tau"] is not None]
    kept = float(np.mean([row["top_kept"] for row in drawn]))
    tops = pd.Series([row["top"] for row in drawn]).value_counts()
    summary = {"tau": float(np.mean(taus)), "tau_low": min(taus)} if taus else {"tau": None, "tau_low": None}
    return (
        drawn[0]
        | {"scenario": f"×{LOW:g} to ×{HIGH:g}", "draws": DRAWS, "top": tops.index[0], "top_kept": kept}
        | summary
    )


def _without(table: _Table, board: Leaderboard) -> list[dict[str, Any]]:
    """Leave out one model of the pool after the other; nothing where the runs do not hold second choices."""
    runs = [method.chosen.runs for method in trained_methods(board).values()]
    if not all(set(RUNNER_UP_COLUMNS) <= set(run.outcomes.columns) for seeds in runs for run in seeds):
        return []
    rows = []
    for model in board.runs[0].data["model_ids"]:
        left = np.array([np.mean([left_out(run, board.split, model) for run in seeds], axis=0) for seeds in runs])
        mean_cost = np.where(np.array(table.models) == model, np.nan, table.mean_cost)
        if np.nanmin(mean_cost) < np.nanmax(mean_cost):
            score = _scores(left[:, 0], left[:, 1], mean_cost)
            rows.append(_row(table, WITHOUT, board.runs[0].display_name(model), score))
    return rows


def left_out(run: Run, split: str, model: str) -> tuple[float, float]:
    """Return accuracy and mean cost of a run whose router may not choose a model."""
    decided = run.decided(split)
    hit = (decided[MODEL_ID] == model).to_numpy()
    quality = np.where(hit, decided[f"{RUNNER_UP}_{QUALITY}"], decided[QUALITY]).astype(np.float64)
    cost = np.where(hit, decided[f"{RUNNER_UP}_{COST}"], decided[COST]).astype(np.float64)
    return float(is_correct(quality).mean()), float(cost.mean())
