"""All figures of the headroom report, as plain values for JSON."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlrb.evaluation.headroom.cost_view import cost_figures
from vlrb.evaluation.headroom.groupings import Grouping
from vlrb.evaluation.headroom.subject import Subject
from vlrb.metrics import power
from vlrb.metrics.baselines import best_single
from vlrb.metrics.headroom import groups, oracles
from vlrb.metrics.headroom.complementarity import pairs
from vlrb.metrics.headroom.guessing import chance_corrected
from vlrb.metrics.headroom.interaction import interaction_test
from vlrb.metrics.headroom.null import simulate_null
from vlrb.metrics.headroom.rasch import fit_rasch
from vlrb.metrics.headroom.verdict import WORTH, Evidence, judge
from vlrb.metrics.value import number
from vlrb.utils.errors import DataError

Plain = dict[str, Any]


@dataclass(frozen=True)
class Effort:
    """How much is drawn.

    Args:
        replicates: Draws of the null model.
        resamples: Bootstrap resamples behind intervals.
        seed: Seed of both.
    """

    replicates: int = 400
    resamples: int = 2000
    seed: int = 0


def analyse(subject: Subject, effort: Effort, step: Callable[[str], None] = lambda _: None) -> Plain:
    """Return every figure of the report but names of files and settings.

    Args:
        subject: Outcomes, costs and groupings.
        effort: How much is drawn.
        step: Told what is being worked on.
    """
    step("models and oracles")
    y, C = subject.y, subject.C
    single = best_single(y, C)
    found: Plain = {
        "data": _data(subject),
        "models": _models(subject),
        "best_single": _model(subject, single),
        "pairs": _pairs(subject),
    }
    step("difficulty and ability alone")
    found |= _oracle(subject, effort)
    for grouping in subject.groupings:
        step(f"models × {grouping.name}")
        found.setdefault("groupings", []).append(_by_group(subject, grouping, effort))
    step("guessing and costs")
    found["guessing"] = _guessing(subject)
    found["detectable"] = _detectable(subject, single)
    found["costs"] = cost_figures(subject, effort.resamples, effort.seed)
    found["verdict"] = _verdict(found)
    return found


def _data(subject: Subject) -> Plain:
    n, m = subject.y.shape
    return {
        "samples": n,
        "models": m,
        "split_groups": len(np.unique(subject.split_group)),
        "samples_without_outcomes": subject.dropped,
        "unknown_outcomes": int(np.isnan(subject.y).sum()),
        "unknown_costs": int(np.isnan(subject.C).sum()),
        "test_samples": subject.test[0],
        "test_groups": subject.test[1],
        "always_right": [subject.names[k] for k in np.flatnonzero(_constant(subject.y, 1))],
        "always_wrong": [subject.names[k] for k in np.flatnonzero(_constant(subject.y, 0))],
    }


def _constant(y: np.ndarray, value: int) -> np.ndarray:
    known = ~np.isnan(y)
    return np.asarray(known.any(axis=0) & ((y == value) | ~known).all(axis=0))


def _model(subject: Subject, column: int) -> Plain:
    y, cost = subject.y[:, column], subject.C[:, column]
    return {
        "model_id": subject.model_ids[column],
        "name": subject.names[column],
        "accuracy": number(oracles.known_means(y[:, None])[0]),
        "cost": number(oracles.known_means(cost[:, None])[0]),
        "n": int((~np.isnan(y)).sum()),
    }


def _models(subject: Subject) -> list[Plain]:
    rows = [_model(subject, column) for column in range(len(subject.model_ids))]
    solved = (subject.y == 1).sum(axis=1) == 1
    for column, row in enumerate(rows):
        row["alone"] = float((solved & (subject.y[:, column] == 1)).mean())
    return sorted(rows, key=lambda row: (-(row["accuracy"] if row["accuracy"] is not None else -1.0), row["model_id"]))


def _oracle(subject: Subject, effort: Effort) -> Plain:
    y = subject.y
    fitted = fit_rasch(y)
    null = simulate_null(y, fitted, effort.replicates, effort.seed)
    right = y == 1
    counts = oracles.solve_counts(y)
    greedy = oracles.greedy_pool(right)
    return {
        "oracle": {
            "observed": oracles.oracle_accuracy(y),
            "independence": oracles.independence_oracle(y),
            "null": null.oracle._asdict(),
            "null_at_least_observed": null.above,
            "null_best_single": null.best_single._asdict(),
            "difficulty_spread": fitted.spread,
        },
        "solved_by": [
            {
                "models": k,
                "samples": int(count),
                "share": count / len(y),
                "null": dict(zip(("mean", "low", "high"), band, strict=True)),
            }
            for k, (count, band) in enumerate(zip(counts.tolist(), null.counts.tolist(), strict=True))
        ],
        "pool": [
            {"size": k, "added": subject.names[pool.columns[-1]], "oracle": pool.oracle, "null": band._asdict()}
            for k, (pool, band) in enumerate(zip(greedy, null.pool, strict=True), start=1)
        ],
        "best_pools": [
            {"models": [subject.names[column] for column in pool.columns], "oracle": pool.oracle}
            for pool in oracles.best_pools(right)
        ],
    }


def _by_group(subject: Subject, grouping: Grouping, effort: Effort) -> Plain:
    """Return what knowing the group is worth, and the test of models × groups."""
    y, g = subject.y, len(grouping.labels)
    found: Plain = {"name": grouping.name, "groups": g}
    if g < 2:
        return found | {"reason": f"one {grouping.name} only"}
    fold = groups.folds_of(subject.split_group, groups.FOLDS, effort.seed)
    fit = groups.cross_fit(y, grouping.codes, fold)
    gain = groups.paired_gain(fit, subject.split_group, subject.dataset, effort.resamples, effort.seed)
    if gain is None:
        return found | {"reason": "the models that would be chosen are never known on the same samples"}
    found["hindsight"] = groups.group_oracle(y, grouping.codes, g)
    found["cross_fitted"] = {
        "accuracy": gain.group,
        "best_single": gain.single,
        "gain": gain.gain,
        "low": gain.interval.low,
        "high": gain.interval.high,
        "n": gain.n,
    }
    try:
        test = interaction_test(y, grouping.codes, subject.split_group, effort.replicates, effort.seed)
    except DataError as error:
        return found | {"reason": error.message}
    found["hindsight_null"] = test.best_per_group._asdict()
    found["interaction"] = {
        "statistic": test.statistic,
        "freedom": test.freedom,
        "null": test.null._asdict(),
        "z": test.z,
        "p": test.p,
        "p_related": test.p_related,
    }
    found["best"] = _strengths(subject, grouping, test.residual)
    return found


def _strengths(subject: Subject, grouping: Grouping, residual: np.ndarray) -> list[Plain]:
    """Return for every group its best model, its accuracy, and which model stands out most from its ability."""
    right = groups.group_sums(subject.y, grouping.codes, len(grouping.labels))
    known = groups.group_sums(~np.isnan(subject.y), grouping.codes, len(grouping.labels))
    size = np.bincount(grouping.codes, minlength=len(grouping.labels))
    single = best_single(subject.y, subject.C)
    best = groups.choose(right, known, size, single)
    stands_out = np.nan_to_num(residual, nan=-np.inf).argmax(axis=1)
    rows = []
    for k, label in enumerate(grouping.labels):
        rows.append(
            {
                "group": label,
                "n": int(size[k]),
                "best": subject.names[best[k]],
                "accuracy": number(right[k, best[k]] / max(known[k, best[k]], 1)),
                "best_single": number(right[k, single] / known[k, single]) if known[k, single] else None,
                "oracle": float((subject.y[grouping.codes == k] == 1).any(axis=1).mean()),
                "stands_out": subject.names[stands_out[k]],
                "by": number(residual[k, stands_out[k]]),
            }
        )
    return rows


def _guessing(subject: Subject) -> Plain:
    found = chance_corrected(subject.y, subject.options)
    if found is None:
        return {"n": 0, "reason": "no sample has a known number of answer options"}
    return found._asdict()


def _pairs(subject: Subject) -> Plain:
    found = pairs(subject.y)
    order = np.argsort(-np.nan_to_num(oracles.known_means(subject.y), nan=-1.0), kind="stable")

    def matrix(values: np.ndarray) -> list[list[float | None]]:
        return [[number(value) for value in row] for row in values[np.ix_(order, order)]]

    off = ~np.eye(len(order), dtype=bool)
    return {
        "models": [subject.names[column] for column in order],
        "only_row_right": matrix(found.only),
        "both_wrong": matrix(found.both_wrong),
        "error_correlation": matrix(found.correlation),
        "mean_error_correlation": _mean(found.correlation[off]),
        "mean_both_wrong": _mean(found.both_wrong[off]),
    }


def _mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _detectable(subject: Subject, single: int) -> Plain:
    """Return what the test split can show between the best single model and the next best."""
    accuracy = np.nan_to_num(oracles.known_means(subject.y), nan=-1.0)
    accuracy[single] = -2.0
    other = int(accuracy.argmax())
    both = ~np.isnan(subject.y[:, [single, other]]).any(axis=1)
    apart = subject.y[both, single] - subject.y[both, other]
    share = float(np.mean(apart**2)) if len(apart) else 0.0
    effect = _design_effect(apart, subject.split_group[both], subject.dataset[both])
    n, groups_of_test = subject.test
    needed = (power.detectable_errors() / WORTH) ** 2 * share * effect
    return {
        "between": [subject.names[single], subject.names[other]],
        "disagreement": share,
        "design_effect": effect,
        "n": n,
        "groups": groups_of_test,
        "difference": power.detectable_difference(share, n, effect),
        "samples_for_a_point": round(needed),
    }


def _design_effect(apart: np.ndarray, split_group: np.ndarray, dataset: np.ndarray) -> float:
    """Return the design effect of a paired difference, 1 where it cannot be told."""
    if not len(apart):
        return 1.0
    found = float(power.design_effect(apart[None], split_group, dataset)[0])
    return found if np.isfinite(found) else 1.0


def _verdict(found: Plain) -> Plain:
    oracle = found["oracle"]
    tests = [g["interaction"] for g in found["groupings"] if "interaction" in g]
    gains = [(c["gain"], c["low"], c["high"]) for g in found["groupings"] if (c := g.get("cross_fitted"))]
    cost_gains = [(c["gain"], c["low"], c["high"]) for c in found["costs"].get("by_group", ()) if c["gain"] is not None]
    evidence = Evidence(
        oracle["observed"],
        oracle["null"]["low"],
        oracle["null"]["high"],
        min((max(t["p"], t["p_related"]) for t in tests), default=None),
        _surest(gains),
        _surest(cost_gains),
    )
    judgement = judge(evidence)
    return {"verdict": judgement.verdict, "rules": list(judgement.rules), "evidence": evidence._asdict()}


def _surest(
    gains: list[tuple[float, float | None, float | None]],
) -> tuple[float, float | None, float | None] | None:
    """Return the gain whose interval begins highest."""
    return max(gains, key=lambda gain: -np.inf if gain[1] is None else gain[1], default=None)
