"""Figures of the frontier: areas, costs at equal quality, gaps, optimality and spread of every row."""

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from vlrb.evaluation.judge import Flat, Judgement, difference, with_interval
from vlrb.evaluation.runs import Run
from vlrb.metrics.bootstrap import NO_INTERVAL, Interval, percentile_interval, ratio_interval
from vlrb.metrics.exchange import ROUTER_ARENA_BOUNDS, exchange_rate
from vlrb.metrics.gap import gap_recovered
from vlrb.metrics.operating_points import cheapest_reaching
from vlrb.metrics.optimality import optimality, selection_entropy
from vlrb.metrics.rank_score import rank_score, rank_scores
from vlrb.metrics.seeds import resampled_over_seeds
from vlrb.metrics.value import Value, undefined
from vlrb.report.curves import OLD_RUNS, Curve, method_curve, static_mixture, trained_methods
from vlrb.report.frames import choice_shares
from vlrb.report.judged import BEST, CHEAPEST, ORACLE, JudgedBoard, finite, judge_board
from vlrb.report.leaderboard import Leaderboard
from vlrb.report.methods import Candidate, Method
from vlrb.schema import DEV

NEVER = "no operating point is as accurate on dev as the best single model"
COLUMNS = (
    *("name", "points", "hull_points", "aiq_log", "aiq_log_static", "aiq_log_gain"),
    *("aiq_linear", "aiq_linear_static", "aiq_linear_gain", "aiq_reason"),
    *("qnc", "qnc_low", "qnc_high", "qnc_point", "qnc_reason"),
    *("qnc_accuracy_difference", "qnc_accuracy_difference_low", "qnc_accuracy_difference_high"),
    *("gap_closed", "gap_closed_low", "gap_closed_high", "pgr", "pgr_low", "pgr_high", "pgr_reason"),
    *("rank_score", "rank_score_arena", "rank_score_arena_low", "rank_score_arena_high"),
    *("accuracy_point", "half_price", "accuracy_point_arena", "half_price_arena"),
    *("optimal_selection", "optimal_accuracy", "optimal_cost", "optimal_n"),
    *("entropy_bits", "entropy_share"),
)


@lru_cache(maxsize=1)  # a report shows it three times
def frontier_table(board: Leaderboard) -> pd.DataFrame:
    """Return COLUMNS, one row per row of the leaderboard that has a run.

    aiq_*        mean height of the method's hull, of the static mixture of single models, and the difference
    qnc          test cost of the quality-neutral point as a share of the best single model's; below 1 = cheaper
    gap_closed   from the best single model to the oracle; pgr: from the cheapest model to the best single one
    *_arena      Rank Score with RouterArena's fixed bounds, comparable across benchmarks
    accuracy_point, half_price   what the Rank Score pays at this row for +1 point of accuracy, and for half the cost
    optimal_*    RouterArena's optimality, over the samples that some model solves
    entropy_*    of the choices, in bits and as a share of log₂ of the number of models
    """
    mixture = static_mixture(board)
    neutral = {name: _neutral(method) for name, method in board.methods.items()}
    judged = judge_board(board, [run for found in neutral.values() if found is not None for run in found.runs])
    trained = trained_methods(board)
    shown = board.frame.set_index("name")
    rows = []
    for name in (name for name in board.frame["name"] if name in board.methods):
        method = board.methods[name]
        row: dict[str, Any] = {"name": name, "points": len(method.candidates)}
        row |= {key: shown.loc[name, key] for key in COLUMNS if key.startswith("gap_") or key == "rank_score"}
        if name in trained:
            row |= _areas(board, method, mixture) | _neutral_cost(neutral[name], judged)
        rows.append(row | _recovered(method, judged) | _arena(method, judged) | _optimal(board, method, judged))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    texts = ("name", "aiq_reason", "qnc_point", "qnc_reason", "pgr_reason")
    return frame.astype({name: "float64" for name in COLUMNS if name not in texts})


def _areas(board: Leaderboard, method: Method, mixture: Curve | None) -> dict[str, Any]:
    if mixture is None:
        return {"aiq_reason": OLD_RUNS}
    bounds = board.runs[0].bounds
    if bounds.problem() is not None or bounds.cmin is None or bounds.cmax is None:
        return {"aiq_reason": bounds.problem()}
    curve = method_curve(board, method, mixture)
    own, static = curve.aiq(bounds.cmin, bounds.cmax), mixture.aiq(bounds.cmin, bounds.cmax)
    found: dict[str, Any] = {"hull_points": len(curve.hull)}
    if own is None or static is None:
        return found | {"aiq_reason": "a point of the hull has no accuracy or cost"}
    for scale in ("log", "linear"):
        mine, mixed = getattr(own, scale), getattr(static, scale)
        found |= {f"aiq_{scale}": mine, f"aiq_{scale}_static": mixed, f"aiq_{scale}_gain": mine - mixed}
    return found


def _neutral(method: Method) -> Candidate | None:
    """Return the cheapest point that is as accurate on dev as the model that was strongest on train."""
    cost, accuracy = (np.array([c.mean(f"{DEV}/{key}") for c in method.candidates]) for key in ("cost", "accuracy"))
    target = method.chosen.mean(f"{DEV}/best_single_accuracy")
    place = cheapest_reaching(cost, accuracy, target)
    return None if place is None else method.candidates[place]


def _neutral_cost(point: Candidate | None, judged: JudgedBoard) -> dict[str, Any]:
    if point is None:
        return {"qnc_reason": NEVER}
    router, best = judged.mean(point.runs), judged.judgements[BEST]
    cost, reference = router.values["cost"].value, best.values["cost"].value
    value = undefined("a cost is undefined") if cost is None or not reference else Value(cost / reference)
    parts = router.resampled["cost"], best.resampled["cost"]
    interval = ratio_interval(*parts) if all(map(finite, parts)) else NO_INTERVAL
    found: Flat = with_interval("qnc", value, interval)
    found |= difference("qnc_accuracy_difference", "accuracy", router, best)
    return found | {"qnc_point": point.name}


def _recovered(method: Method, judged: JudgedBoard) -> Flat:
    cheapest = judged.of(CHEAPEST)
    if cheapest is None:
        return {"pgr_reason": f"the runs do not hold the decisions of {CHEAPEST}"}
    parts = [judged.mean(method.chosen.runs), cheapest, judged.judgements[BEST]]
    value = gap_recovered(*(part.values["accuracy"].value for part in parts))
    router, low, high = (part.resampled["accuracy"] for part in parts)
    resampled = all(map(finite, (router, low, high))) and value.value is not None
    interval = ratio_interval(router - low, high - low) if resampled else NO_INTERVAL
    return with_interval("pgr", value, interval)


def _arena(method: Method, judged: JudgedBoard) -> dict[str, Any]:
    """Return the Rank Score with RouterArena's bounds (mean over seeds), and what both scores pay at this row."""
    seeds = [judged.judgements[str(run.folder)] for run in method.chosen.runs]
    values = [rank_score(s.values["accuracy"].value, s.values["cost"].value, ROUTER_ARENA_BOUNDS).value for s in seeds]
    value = undefined("accuracy or cost is undefined")
    if None not in values:
        value = Value(float(np.mean(np.array(values, np.float64))))
    found: dict[str, Any] = with_interval("rank_score_arena", value, _arena_interval(seeds))
    router = judged.mean(method.chosen.runs)
    accuracy, cost = router.values["accuracy"].value, router.values["cost"].value
    for suffix, bounds in (("", method.chosen.runs[0].bounds), ("_arena", ROUTER_ARENA_BOUNDS)):
        rate = exchange_rate(accuracy, cost, bounds)
        found |= {f"accuracy_point{suffix}": rate.accuracy_point, f"half_price{suffix}": rate.half_price}
    return found


def _arena_interval(seeds: list[Judgement]) -> Interval:
    parts = [(s.resampled["accuracy"], s.resampled["cost"]) for s in seeds]
    if not all(finite(accuracy) and finite(cost) for accuracy, cost in parts):
        return NO_INTERVAL
    cmin, cmax = ROUTER_ARENA_BOUNDS.cmin or 0.0, ROUTER_ARENA_BOUNDS.cmax or 0.0
    scores = np.stack([rank_scores(*part, cmin, cmax) for part in parts], axis=1)
    return percentile_interval(resampled_over_seeds(scores))


def _optimal(board: Leaderboard, method: Method, judged: JudgedBoard) -> dict[str, Any]:
    runs = method.chosen.runs
    found = [optimality(judged.choosers[str(run.folder)], judged.choosers[ORACLE]) for run in runs]
    row: dict[str, Any] = {"optimal_n": found[0].n}
    for name in ("selection", "accuracy", "cost"):
        values = [getattr(one, name).value for one in found]
        row[f"optimal_{name}"] = None if None in values else float(np.mean(values))
    entropy = float(np.mean([_entropy(run, board) for run in runs]))
    models = len(board.runs[0].data["model_ids"])
    return row | {"entropy_bits": entropy, "entropy_share": entropy / np.log2(models) if models > 1 else None}


def _entropy(run: Run, board: Leaderboard) -> float:
    return selection_entropy(choice_shares(run.decided(board.split), board.runs[0].data["model_ids"]))
