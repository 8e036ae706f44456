"""Headroom in money: the same answers for less, and what a choice by group gains over mixing single models blindly.

A router that gains nothing over a static mixture (a fixed share of queries to each of two models) is not worth having,
whatever its accuracy. So accuracies are compared at the mixture's cost, all choices cross-fitted.
"""

from typing import NamedTuple

import numpy as np

from vlrb.metrics.bootstrap import NO_INTERVAL, Interval, can_resample, percentile_interval, resampled_sums
from vlrb.metrics.headroom.groups import group_sums

LEAST_RANGE = 2.0  # dearest over cheapest: where costs differ by less, there is nothing to save
GRID = 101  # costs over which the gain is averaged
WEIGHTS = np.concatenate([[0.0], np.logspace(-2, 7, 91)])  # accuracy per USD: 0, then 10 steps per decade


class Hindsight(NamedTuple):
    """The cheapest model that is right, else the best single model: same accuracy or more, for how much.

    Attributes:
        accuracy: That of the oracle.
        cost: Mean cost in USD.
        single_accuracy: Accuracy of the best single model.
        single_cost: Its mean cost.
        same_answers_cost: Mean cost if only samples that the best single model solves were given to cheaper models
            that solve them too: its accuracy exactly, at the lowest cost.
        n: Samples with all outcomes and costs known.
    """

    accuracy: float
    cost: float
    single_accuracy: float
    single_cost: float
    same_answers_cost: float
    n: int


class Policies(NamedTuple):
    """Accuracy and cost of cross-fitted choices at k prices of a dollar, and the static mixtures they are held against.

    Attributes:
        cost: (k,) mean cost of the choice by group, USD.
        accuracy: (k,) its accuracy.
        mixture_cost: (j,) costs of single models on the upper hull of what mixtures reach, ascending.
        mixture_accuracy: (j,) their accuracies.
        gain: Accuracy above the mixture of equal cost, averaged over the logarithm of cost from the cheapest to the
            dearest model of the mixture; None if those cost less than twice as much as one another.
        interval: Its 95 % over split groups; prices, choices and costs stay fixed.
        same_accuracy_cost: Least mean cost at which the choice by group is as accurate as the best mixture; None if it
            never is.
        n: Samples with all outcomes and costs known.
    """

    cost: np.ndarray
    accuracy: np.ndarray
    mixture_cost: np.ndarray
    mixture_accuracy: np.ndarray
    gain: float | None
    interval: Interval
    same_accuracy_cost: float | None
    n: int


class Samples(NamedTuple):
    """Samples of which all outcomes and costs are known.

    Attributes:
        y: (n, m) outcomes, 1 or 0.
        C: (n, m) USD.
        group: (n,) int codes of datasets or categories.
        fold: (n,) int codes of cross-fitting folds.
        split_group: (n,) int codes of related samples.
        stratum: (n,) int codes of datasets.
    """

    y: np.ndarray
    C: np.ndarray
    group: np.ndarray
    fold: np.ndarray
    split_group: np.ndarray
    stratum: np.ndarray


def in_hindsight(y: np.ndarray, C: np.ndarray, single: int) -> Hindsight:
    """Return what the cheapest right model brings beside the best single model (column `single`); no NaN, n ≥ 1.

    >>> y, C = np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]), np.array([[1.0, 4.0]] * 3)
    >>> in_hindsight(y, C, 1)  # cheap, dear, dear; cost (1 + 4 + 4) / 3, accuracy 2/3 as before
    Hindsight(accuracy=0.6666666666666666, cost=3.0, single_accuracy=0.6666666666666666, single_cost=4.0, \
same_answers_cost=3.0, n=3)
    """
    right = y == 1
    cheapest = np.where(right, C, np.inf).min(axis=1)
    own = C[:, single]
    solved = right[:, single]
    return Hindsight(
        accuracy=float(right.any(axis=1).mean()),
        cost=float(np.where(right.any(axis=1), cheapest, own).mean()),
        single_accuracy=float(solved.mean()),
        single_cost=float(own.mean()),
        same_answers_cost=float(np.where(solved, cheapest, own).mean()),
        n=len(y),
    )


def upper_hull(cost: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """Return which points (k,) span the highest accuracy that mixtures reach at each cost, int by ascending cost.

    >>> upper_hull(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.2, 0.3, 0.8, 0.7])).tolist()  # .3 < (.2 + .8) / 2
    [0, 2]
    """
    hull: list[int] = []
    for k in np.lexsort((-accuracy, cost)):
        if hull and accuracy[k] <= accuracy[hull[-1]]:
            continue
        while len(hull) > 1 and _below(cost, accuracy, hull[-2], hull[-1], int(k)):
            hull.pop()
        hull.append(int(k))
    return np.array(hull, dtype=np.int64)


def _below(cost: np.ndarray, accuracy: np.ndarray, a: int, b: int, c: int) -> bool:
    """Return whether point b lies on or below the line from a to c."""
    slope = (accuracy[b] - accuracy[a]) * (cost[c] - cost[a])
    return bool(slope <= (accuracy[c] - accuracy[a]) * (cost[b] - cost[a]))


def group_policies(samples: Samples, resamples: int, seed: int) -> Policies:
    """Return choices by group at many prices of a dollar against static mixtures of single models.

    For every price w and fold, each group gets argmax mean y − w · mean C of the other folds: no price is picked, and
    nothing is judged on what it was chosen on. The mixtures are those of the single models' own figures on the same
    samples; chosen in hindsight they are a little too good, which makes the gain conservative.

    Args:
        samples: What is known; at least one sample.
        resamples: Bootstrap resamples of the interval.
        seed: Their seed.
    """
    y_of, cost_of = _outcomes_by_price(samples)
    accuracy, cost = y_of.mean(axis=1), cost_of.mean(axis=1)
    single_accuracy, single_cost = samples.y.mean(axis=0), samples.C.mean(axis=0)
    hull = upper_hull(single_cost, single_accuracy)
    line_cost, line = single_cost[hull], single_accuracy[hull]
    as_good = cost[accuracy >= line[-1]]
    gain, interval = None, NO_INTERVAL
    if line_cost[0] > 0 and line_cost[-1] >= LEAST_RANGE * line_cost[0]:
        grid = np.geomspace(line_cost[0], line_cost[-1], GRID)
        order = np.argsort(cost, kind="stable")
        by_group = _interpolation(grid, cost[order]) @ y_of[order]
        apart = by_group - samples.y[:, hull] @ _interpolation(grid, line_cost)
        gain, interval = float(apart.mean()), _interval(apart, samples, resamples, seed)
    lowest = float(as_good.min()) if len(as_good) else None
    return Policies(cost, accuracy, line_cost, line, gain, interval, lowest, len(samples.y))


def _interpolation(grid: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the weight of each point (k,) in the mean over a grid of linear interpolation, flat outside, (k,)."""
    weights = np.zeros(len(points))
    right = np.clip(np.searchsorted(points, grid, side="right"), 1, max(len(points) - 1, 1))
    left = right - 1
    right = np.minimum(right, len(points) - 1)
    width = points[right] - points[left]
    share = np.clip(np.divide(grid - points[left], width, out=np.zeros_like(grid), where=width > 0), 0.0, 1.0)
    np.add.at(weights, left, 1 - share)
    np.add.at(weights, right, share)
    return weights / len(grid)


def _interval(apart: np.ndarray, samples: Samples, resamples: int, seed: int) -> Interval:
    if not can_resample(samples.split_group, samples.stratum):
        return NO_INTERVAL
    columns = np.stack([apart, np.ones(len(apart))], axis=1)
    sums = resampled_sums(columns, samples.split_group, samples.stratum, resamples, seed)
    return percentile_interval(sums[:, 0] / sums[:, 1])


def _outcomes_by_price(samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Return outcome and cost of every sample at every price, (k, n) each, chosen on the other folds."""
    right, cost, sizes = _fold_sums(samples)
    shape = (len(WEIGHTS), len(samples.y))
    y_of, cost_of = np.empty(shape, dtype=np.float32), np.empty(shape)
    for fold in range(len(sizes)):
        rows = np.flatnonzero(samples.fold == fold)
        others = [total.sum(axis=0) - total[fold] for total in (right, cost, sizes)]
        columns = _choices(*others)[:, samples.group[rows]]
        y_of[:, rows], cost_of[:, rows] = samples.y[rows, columns], samples.C[rows, columns]
    return y_of, cost_of


def _fold_sums(samples: Samples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sums of y and C, (folds, g, m), and sizes (folds, g)."""
    groups = int(samples.group.max()) + 1
    parts = [samples.fold == k for k in range(int(samples.fold.max()) + 1)]
    if len(parts) == 1:  # everything belongs together: nothing to choose on but what is judged
        parts = [np.zeros(len(samples.y), dtype=bool)]
    right = np.stack([group_sums(samples.y[part], samples.group[part], groups) for part in parts])
    cost = np.stack([group_sums(samples.C[part], samples.group[part], groups) for part in parts])
    return right, cost, np.stack([np.bincount(samples.group[part], minlength=groups) for part in parts])


def _choices(right: np.ndarray, cost: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return the column of each group at each price, (k, g); a group without samples gets the choice over all."""
    seen = size > 0
    accuracy = np.where(seen[:, None], right, right.sum(axis=0)) / np.where(seen, size, size.sum())[:, None]
    dollars = np.where(seen[:, None], cost, cost.sum(axis=0)) / np.where(seen, size, size.sum())[:, None]
    return np.asarray((accuracy[None] - WEIGHTS[:, None, None] * dollars[None]).argmax(axis=2))
