"""Knowing the dataset or category alone: the best model of each group, in hindsight and cross-fitted."""

from typing import NamedTuple

import numpy as np

from vlrb.metrics.bootstrap import Interval, can_resample, percentile_interval, resampled_sums

FOLDS = 10
LEAST_KNOWN = 0.5  # a model may be chosen for a group if it is known on this share of its samples


class CrossFit(NamedTuple):
    """Accuracy of choices made on other samples than those they are judged on.

    Attributes:
        group: (n,) outcome of the model chosen for the sample's group, NaN = unknown.
        single: (n,) outcome of the best single model, chosen on the same samples.
        choices: (folds, g) columns chosen.
    """

    group: np.ndarray
    single: np.ndarray
    choices: np.ndarray


class Gain(NamedTuple):
    """Mean paired difference on samples where both are known, with its 95 % interval over split groups."""

    group: float
    single: float
    gain: float
    interval: Interval
    n: int


def group_sums(values: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Return the sums of (n, m) values over groups (n,) int, (g, m); NaN counts as 0.

    >>> group_sums(np.array([[1.0], [np.nan], [3.0]]), np.array([1, 1, 0]), 2).tolist()
    [[3.0], [1.0]]
    """
    columns = np.nan_to_num(values).T
    return np.stack([np.bincount(group, weights=column, minlength=groups) for column in columns], axis=1)


def group_oracle(y: np.ndarray, group: np.ndarray, groups: int) -> float:
    """Return the accuracy of the best model of each group, chosen with the outcomes known: optimistic by luck.

    >>> y = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> round(group_oracle(y, np.array([0, 0, 1]), 2), 6)  # model 0 on group 0, model 1 on group 1
    1.0
    """
    return hindsight(group_sums(y, group, groups), group_sums(~np.isnan(y), group, groups), group)


def hindsight(right: np.ndarray, known: np.ndarray, group: np.ndarray) -> float:
    """Return the same from sums of right and known outcomes (g, m)."""
    size = np.bincount(group, minlength=len(right))
    accuracy = np.where(_eligible(known, size), right / np.maximum(known, 1), -1.0).max(axis=1)
    return float((np.maximum(accuracy, 0.0) * size).sum() / size.sum())


def _eligible(known: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return which models may be chosen for which group: those known often enough, else those known most often."""
    enough = known >= np.maximum(LEAST_KNOWN * size, 1)[:, None]
    most = known == known.max(axis=1, keepdims=True)
    return np.where(enough.any(axis=1, keepdims=True), enough, most)


def choose(right: np.ndarray, known: np.ndarray, size: np.ndarray, single: int) -> np.ndarray:
    """Return the best column of each group (g,), by sums of right and known outcomes; `single` where none is known.

    Ties go to `single` if it is among them, else to the lower column.
    """
    accuracy = np.where(_eligible(known, size), right / np.maximum(known, 1), -1.0)
    best = accuracy.argmax(axis=1)
    best[accuracy[:, single] >= accuracy.max(axis=1)] = single
    return np.where(known.max(axis=1) > 0, best, single)


def folds_of(split_group: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Return the fold of each sample (n,), whole split groups together, about equally many groups in each."""
    _, code = np.unique(split_group, return_inverse=True)
    count = int(code.max(initial=-1)) + 1
    place = np.random.default_rng(seed).permutation(count) % max(1, min(folds, count))
    return np.asarray(place[code])


def cross_fit(y: np.ndarray, group: np.ndarray, fold: np.ndarray) -> CrossFit:
    """Choose the best model of each group, and the best single model, on all folds but one and judge them there.

    Args:
        y: (n, m) outcomes, NaN unknown.
        group: (n,) int codes of datasets or categories.
        fold: (n,) int; samples that belong together share one.
    """
    groups = int(group.max()) + 1
    folds = int(fold.max()) + 1
    known = ~np.isnan(y)
    parts = [fold == k for k in range(folds)]
    right = np.stack([group_sums(y[part], group[part], groups) for part in parts])
    seen = np.stack([group_sums(known[part], group[part], groups) for part in parts])
    sizes = np.stack([np.bincount(group[part], minlength=groups) for part in parts])
    chosen, single = np.full(len(y), np.nan), np.full(len(y), np.nan)
    choices = np.empty((folds, groups), dtype=np.int64)
    for k, part in enumerate(parts):
        others = [total.sum(axis=0) - total[k] for total in (right, seen, sizes)]
        whole = [np.array([total.sum(axis=0)]) for total in others]
        best = int(choose(whole[0], whole[1], whole[2].reshape(-1), 0)[0])
        choices[k] = choose(others[0], others[1], others[2], best)
        rows = np.flatnonzero(part)
        chosen[rows] = y[rows, choices[k][group[rows]]]
        single[rows] = y[rows, best]
    return CrossFit(chosen, single, choices)


def paired_gain(fit: CrossFit, split_group: np.ndarray, stratum: np.ndarray, resamples: int, seed: int) -> Gain | None:
    """Return how much more often the group's model is right than the best single one; None if never both are known.

    The interval resamples split groups within datasets; choices stay as they were made.
    """
    both = ~(np.isnan(fit.group) | np.isnan(fit.single))
    n = int(both.sum())
    if not n:
        return None
    group, single = fit.group[both], fit.single[both]
    gain = float((group - single).mean())
    interval = Interval(None, None)
    if can_resample(split_group[both], stratum[both]):
        columns = np.stack([group - single, np.ones(n)], axis=1)
        sums = resampled_sums(columns, split_group[both], stratum[both], resamples, seed)
        interval = percentile_interval(sums[:, 0] / sums[:, 1])
    return Gain(float(group.mean()), float(single.mean()), gain, interval, n)
