"""What is attainable at all: the Bayes router of synthetic data, for which P(correct | content) is known.

p (n, m) is the probability that a model is right given all that question and picture show, c (n, m) its expected cost
in USD. No router that sees only the content can, in expectation, lie above the frontier of max p − w·c. The hindsight
oracle lies above it, by luck that nobody can foresee.
"""

from typing import NamedTuple

import numpy as np

from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.rank_score import rank_scores
from vlrb.metrics.value import Value, undefined

WEIGHT_GRID = np.concatenate([[0.0], np.logspace(-2, 7, 181)])  # accuracy per USD: 0, then 20 steps per decade


class Frontier(NamedTuple):
    """Expected accuracy (k,) and cost (k,) in USD of the Bayes router at k prices w of a dollar."""

    weights: np.ndarray
    accuracy: np.ndarray
    cost: np.ndarray


class Expected(NamedTuple):
    """Expected accuracy and expected cost in USD of given decisions."""

    accuracy: float
    cost: float


def bayes_value(p: np.ndarray, c: np.ndarray, mu: float) -> float:
    """Return V(μ) = mean over samples of max over models of p − μ·c.

    For every router that sees only the content and every μ ≥ 0: expected accuracy − μ · expected cost ≤ V(μ), exactly.

    >>> p, c = np.array([[0.9, 0.6], [0.5, 0.4]]), np.array([[0.002, 0.001], [0.002, 0.001]])
    >>> round(bayes_value(p, c, 0.0), 6), round(bayes_value(p, c, 200.0), 6)  # (.9+.5)/2; (.5 + .2)/2
    (0.7, 0.35)
    """
    return float((p - mu * c).max(axis=1).mean())


def expected(p: np.ndarray, c: np.ndarray, decision: np.ndarray) -> Expected:
    """Return the exact expectation of decisions (n,) over the luck of single answers.

    >>> p, c = np.array([[0.9, 0.6], [0.5, 0.4]]), np.array([[0.002, 0.001], [0.002, 0.001]])
    >>> expected(p, c, np.array([0, 1]))  # (.9 + .4) / 2, (.002 + .001) / 2
    Expected(accuracy=0.65, cost=0.0015)
    """
    rows = np.arange(len(p))
    return Expected(float(p[rows, decision].mean()), float(c[rows, decision].mean()))


def bayes_frontier(p: np.ndarray, c: np.ndarray, weights: np.ndarray = WEIGHT_GRID) -> Frontier:
    """Return the Bayes router's expected accuracy and cost for each price w: argmax p − w·c, ties to the cheaper.

    Args:
        p: (n, m) probability of being right.
        c: (n, m) expected cost in USD.
        weights: (k,) prices, accuracy per USD; 0 = accuracy alone.

    >>> p, c = np.array([[0.9, 0.6], [0.5, 0.4]]), np.array([[0.002, 0.001], [0.002, 0.001]])
    >>> bayes_frontier(p, c, np.array([0.0, 200.0])).accuracy.round(6).tolist()  # at 200: .5 > .4 and .1 < .2
    [0.7, 0.65]
    """
    cheap_first = np.argsort(c, axis=1, kind="stable")
    p, c = np.take_along_axis(p, cheap_first, 1), np.take_along_axis(c, cheap_first, 1)
    points = [expected(p, c, (p - w * c).argmax(axis=1)) for w in weights]
    return Frontier(np.asarray(weights), np.array([e.accuracy for e in points]), np.array([e.cost for e in points]))


def concave_accuracy(frontier: Frontier, cost: float) -> float:
    """Return the most that any content-only router can expect to reach at a mean cost: min over w of V(w) + w·cost.

    The dual bound, from V(w) = accuracy(w) − w·cost(w). It is the frontier with mixing allowed, up to the spacing of
    the grid of prices, and never below it.

    >>> frontier = Frontier(np.array([0.0, 200.0]), np.array([0.7, 0.65]), np.array([0.002, 0.0015]))
    >>> round(concave_accuracy(frontier, 0.0015), 6)  # min(.7, .65 − .3 + .3)
    0.65
    """
    return float((frontier.accuracy + frontier.weights * (cost - frontier.cost)).min())


class BestPoints(NamedTuple):
    """The frontier's two summits: (accuracy, cost) of highest accuracy and of highest Rank Score, and that score."""

    accuracy: Expected
    rank_score: Expected | None
    best_rank_score: float | None


def best_points(frontier: Frontier, bounds: CostBounds) -> BestPoints:
    """Return the frontier's best accuracy and best Rank Score; the latter undefined where the bounds give no scale."""
    top = int(frontier.accuracy.argmax())
    best = Expected(float(frontier.accuracy[top]), float(frontier.cost[top]))
    if bounds.problem() is not None or bounds.cmin is None or bounds.cmax is None:
        return BestPoints(best, None, None)
    scores = np.nan_to_num(rank_scores(frontier.accuracy, frontier.cost, bounds.cmin, bounds.cmax), nan=-1.0)
    k = int(scores.argmax())
    return BestPoints(best, Expected(float(frontier.accuracy[k]), float(frontier.cost[k])), float(scores[k]))


def share_of_attainable(value: float | None, best_single: float | None, attainable: float | None) -> Value:
    """Return (value − best single) / (attainable − best single): 1 = as good as any router can be.

    Compare like with like: expected accuracy with the frontier's best accuracy, Rank Score with its best Rank Score.

    >>> round(share_of_attainable(0.81, 0.73, 0.86).value, 4)  # .08 / .13
    0.6154
    """
    if value is None or best_single is None or attainable is None:
        return undefined("a figure is undefined")
    if attainable <= best_single:
        return undefined("nothing to gain over the best single model")
    return Value((value - best_single) / (attainable - best_single))
