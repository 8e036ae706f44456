"""Curves in the accuracy–cost plane: what a set of operating points reaches with mixing, and the area below it.

With two operating points everything between them is reachable too, by sending a share of the samples to the one and
the rest to the other at random. Mixing is linear in USD. RouterBench (arXiv 2403.12031) draws such non-decreasing hulls
and calls the mean height AIQ; here the points of the hull are chosen on dev and its height is measured on test.
"""

from typing import NamedTuple

import numpy as np


class Aiq(NamedTuple):
    """Mean height of a curve: over log cost, and over cost in USD."""

    log: float
    linear: float


def concave_hull(cost: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """Return the places of the points on the non-decreasing concave hull, cheapest first, (h,) int64.

    The hull begins at the cheapest point and ends at the most accurate one (the cheapest of those); beyond it more
    money buys nothing. Points on a straight piece of it are left out, so are points with an unknown figure.

    Args:
        cost: (k,) mean costs.
        accuracy: (k,) accuracies.

    >>> concave_hull(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.3, 0.6, 0.6, 0.7])).tolist()
    [0, 1, 3]
    """
    cost, accuracy = np.asarray(cost, np.float64), np.asarray(accuracy, np.float64)
    known = np.flatnonzero(np.isfinite(cost) & np.isfinite(accuracy))
    hull: list[int] = []
    for place in known[np.lexsort((known, -accuracy[known], cost[known]))]:
        if hull and accuracy[place] <= accuracy[hull[-1]]:
            continue
        while len(hull) > 1 and not _bends_down(cost, accuracy, hull[-2], hull[-1], place):
            hull.pop()
        hull.append(int(place))
    return np.array(hull, np.int64)


def _bends_down(cost: np.ndarray, accuracy: np.ndarray, a: int, b: int, c: int) -> bool:
    """Return whether the path a → b → c turns right: b lies above the line from a to c."""
    left = (accuracy[b] - accuracy[a]) * (cost[c] - cost[a])
    return bool(left > (accuracy[c] - accuracy[a]) * (cost[b] - cost[a]))


def curve_accuracy(cost: np.ndarray, accuracy: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the height of a curve at given costs: linear in USD between its points, flat on both sides.

    >>> curve_accuracy(np.array([3.0, 1.0]), np.array([0.7, 0.5]), np.array([0.5, 1.5, 9.0])).tolist()
    [0.5, 0.55, 0.7]
    """
    order = np.argsort(cost, kind="stable")
    return np.asarray(np.interp(at, np.asarray(cost)[order], np.asarray(accuracy)[order]))


def aiq(cost: np.ndarray, accuracy: np.ndarray, cmin: float, cmax: float) -> Aiq:
    """Return the mean height of a curve over [cmin, cmax], the same range for whatever is compared.

    AIQ_linear = ∫ a dc / (cmax − cmin), AIQ_log = ∫ a dc/c / ln(cmax / cmin). Of the linear range most lies above the
    dearest open models; the logarithmic one weighs each doubling of the price the same. In closed form, a piece from
    (c₁, a₁) to (c₂, a₂) with s = (a₂ − a₁)/(c₂ − c₁) adds (a₁ − s·c₁)·ln(c₂/c₁) + s·(c₂ − c₁) to ∫ a dc/c.

    Args:
        cost: (k,) mean costs in USD of the curve's points, k ≥ 1, any order.
        accuracy: (k,) their accuracies.
        cmin: Lower end, > 0.
        cmax: Upper end, > cmin.

    A curve from (1, .5) to (3, .7), then flat to 9: log (.4·ln 3 + .1·2 + .7·ln 3) / ln 9 = .5 · 1.1 + .2/2.1972;
    linear (.6 · 2 + .7 · 6) / 8:

    >>> found = aiq(np.array([1.0, 3.0]), np.array([0.5, 0.7]), 1.0, 9.0)
    >>> round(found.log, 6), round(found.linear, 6)
    (0.641024, 0.675)
    """
    order = np.argsort(cost, kind="stable")
    cost, accuracy = np.asarray(cost, np.float64)[order], np.asarray(accuracy, np.float64)[order]
    inside = (cost > cmin) & (cost < cmax)
    ends = np.interp([cmin, cmax], cost, accuracy)
    c = np.concatenate([[cmin], cost[inside], [cmax]])
    a = np.concatenate([ends[:1], accuracy[inside], ends[1:]])
    width, rise = np.diff(c), np.diff(a)
    slope = np.divide(rise, width, out=np.zeros_like(rise), where=width > 0)
    log_area = ((a[:-1] - slope * c[:-1]) * np.log(c[1:] / c[:-1]) + slope * width).sum()
    linear_area = ((a[:-1] + a[1:]) / 2 * width).sum()
    return Aiq(float(log_area / np.log(cmax / cmin)), float(linear_area / (cmax - cmin)))
