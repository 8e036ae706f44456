"""What is attainable on synthetic data, where the probability of being right is known."""

from typing import Any

import numpy as np

from vlrb.evaluation.headroom.subject import Subject
from vlrb.metrics import bayes
from vlrb.metrics.baselines import best_single
from vlrb.metrics.value import number


def truth_figures(subject: Subject, p: np.ndarray, cost: np.ndarray) -> dict[str, Any]:
    """Return expected accuracies: best single model, best model per group, Bayes router.

    Args:
        subject: The samples.
        p: (n, m) probability of being right given the content.
        cost: (n, m) expected cost in USD, NaN where unknown.
    """
    single = best_single(subject.y, subject.C)
    best = p.argmax(axis=1)
    rows = np.arange(len(p))
    found: dict[str, Any] = {
        "best_single": float(p[:, single].mean()),
        "bayes": float(p[rows, best].mean()),
        "bayes_cost": number(float(cost[rows, best].mean())),
        "bayes_same_accuracy_cost": None,
        "groupings": {},
    }
    if not np.isnan(cost).any():
        frontier = bayes.bayes_frontier(p, cost)
        as_good = frontier.cost[frontier.accuracy >= found["best_single"]]
        found["bayes_same_accuracy_cost"] = float(as_good.min()) if len(as_good) else None
    for grouping in subject.groupings:
        size = np.bincount(grouping.codes, minlength=len(grouping.labels))
        sums = np.stack([np.bincount(grouping.codes, weights=column, minlength=len(size)) for column in p.T], axis=1)
        found["groupings"][grouping.name] = float(sums.max(axis=1).sum() / size.sum())
    return found
