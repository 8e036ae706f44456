"""Headroom in money, as plain values for JSON."""

from typing import Any

import numpy as np

from vlrb.evaluation.headroom.subject import Subject
from vlrb.metrics.baselines import best_single
from vlrb.metrics.headroom import groups
from vlrb.metrics.headroom.costs import Samples, group_policies, in_hindsight
from vlrb.metrics.value import number

Plain = dict[str, Any]


def cost_figures(subject: Subject, resamples: int, seed: int) -> Plain:
    """Return what the cheapest right model would cost, and choices by group against static mixtures.

    Samples with an unknown outcome or cost are left out, and counted.
    """
    complete = ~(np.isnan(subject.y) | np.isnan(subject.C)).any(axis=1)
    if not complete.any():
        return {"n": 0, "reason": "no sample has outcomes and costs of every model"}
    y, C = subject.y[complete], subject.C[complete]
    if np.ptp(C.mean(axis=0)) == 0:
        return {"n": len(y), "reason": "all models cost the same"}
    single = best_single(y, C)
    hindsight = in_hindsight(y, C, single)
    right = y == 1
    cheapest = np.where(right, C, np.inf).argmin(axis=1)[right.any(axis=1)]
    shares = np.bincount(cheapest, minlength=y.shape[1]) / len(y)
    found: Plain = {
        "n": len(y),
        "left_out": int((~complete).sum()),
        "best_single": subject.names[single],
        "hindsight": {k: v for k, v in hindsight._asdict().items() if k != "n"},
        "cheapest_right": {name: float(share) for name, share in zip(subject.names, shares, strict=True)},
    }
    fold = groups.folds_of(subject.split_group[complete], groups.FOLDS, seed)
    parts = []
    for grouping in subject.groupings:
        if len(grouping.labels) < 2:
            continue
        related = subject.split_group[complete], subject.dataset[complete]
        policies = group_policies(Samples(y, C, grouping.codes[complete], fold, *related), resamples, seed)
        parts.append(
            {
                "name": grouping.name,
                "gain": policies.gain,
                "low": policies.interval.low,
                "high": policies.interval.high,
                "same_accuracy_cost": policies.same_accuracy_cost,
                "policies": {"cost": policies.cost.tolist(), "accuracy": policies.accuracy.tolist()},
            }
        )
        found["mixture"] = {
            "cost": [number(v) for v in policies.mixture_cost],
            "accuracy": [number(v) for v in policies.mixture_accuracy],
        }
    return found | {"by_group": parts}
