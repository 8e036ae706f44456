"""The Rank Score of VL-RouterBench: accuracy and logarithmic cheapness in one figure.

The form is RouterArena's (arXiv 2510.00202); VL-RouterBench takes the cost bounds from its own cost matrix.
"""

import math

import numpy as np

from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.value import Value, undefined
from vlrb.schema import RANK_SCORE_BETA


def cheapness(cost: np.ndarray | float, cmin: float, cmax: float) -> np.ndarray:
    """Return K = clip(log₂(cmax / c) / log₂(cmax / cmin), 0, 1): 1 at the cheapest model's cost, 0 at the dearest's.

    Args:
        cost: Mean costs in USD, any shape, > 0.
        cmin: Lower bound, > 0.
        cmax: Upper bound, > cmin.

    >>> cheapness(np.array([1.0, 2.0, 8.0, 16.0]), 1.0, 8.0).round(4).tolist()  # log2(8/2) / log2(8/1) = 2/3
    [1.0, 0.6667, 0.0, 0.0]
    """
    return np.asarray(np.clip(np.log2(cmax / np.asarray(cost, np.float64)) / np.log2(cmax / cmin), 0.0, 1.0))


def rank_scores(
    accuracy: np.ndarray, cost: np.ndarray, cmin: float, cmax: float, beta: float = RANK_SCORE_BETA
) -> np.ndarray:
    """Return S = (1 + β)·A·K / (β·A + K) element by element; 0 where A·K = 0, NaN where the cost is not positive.

    Args:
        accuracy: Mean accuracies in [0, 1], any shape.
        cost: Mean costs in USD, same shape.
        cmin: Lower cost bound, > 0.
        cmax: Upper cost bound, > cmin.
        beta: Weight of cheapness; 1/S = (1/(1+β))/A + (β/(1+β))/K.
    """
    accuracy, cost = np.asarray(accuracy, np.float64), np.asarray(cost, np.float64)
    positive = cost > 0
    K = cheapness(np.where(positive, cost, cmax), cmin, cmax)
    product = accuracy * K
    score = np.where(product > 0, (1 + beta) * product / np.where(product > 0, beta * accuracy + K, 1.0), 0.0)
    return np.where(positive, score, np.nan)


def rank_score(accuracy: float | None, cost: float | None, bounds: CostBounds, beta: float = RANK_SCORE_BETA) -> Value:
    """Return the Rank Score of a mean accuracy and a mean cost, S = (1 + β)·A·K / (β·A + K).

    The score of means, not the mean of scores. β is not squared, so this is a weighted harmonic mean of A (weight
    1/(1+β) = .909) and K (.091) and not an F-measure. Undefined if an input is, if the cost is not positive, or if the
    bounds give no scale (one cost for all models, a free model).

    Args:
        accuracy: Mean accuracy in [0, 1].
        cost: Mean cost in USD per query.
        bounds: The benchmark's cost bounds.
        beta: Weight of cheapness.

    K = log2(.01/.001) / log2(.01/.0005) = 3.3219/4.3219 = .7686; S = 1.1 · .9 · .7686 / (.09 + .7686) = .8862:

    >>> round(rank_score(0.9, 0.001, CostBounds(0.0005, 0.01, "h")).value, 4)
    0.8862
    >>> rank_score(0.9, 0.02, CostBounds(0.0005, 0.01, "h"))  # as dear as the dearest model: K = 0
    Value(value=0.0, reason=None)
    >>> rank_score(0.9, 0.001, CostBounds(0.001, 0.001, "h")).reason
    'all models cost the same'
    """
    if accuracy is None or cost is None:
        return undefined("accuracy or cost is undefined")
    problem = bounds.problem()
    if problem is not None:
        return undefined(problem)
    if cost <= 0:
        return undefined("the mean cost is not positive")
    assert bounds.cmin is not None
    assert bounds.cmax is not None
    return Value(float(rank_scores(np.array(accuracy), np.array(cost), bounds.cmin, bounds.cmax, beta)))


def rank_score_slopes(
    accuracy: float, cost: float, bounds: CostBounds, beta: float = RANK_SCORE_BETA
) -> tuple[float, float]:
    """Return ∂S/∂A and ∂S/∂c at a mean accuracy and a mean cost: what a little more of either is worth.

    ∂S/∂A = (1+β)·K² / (βA + K)²; ∂S/∂c = −(1+β)·β·A² / (βA + K)² / (c · ln(cmax/cmin)) between the bounds, 0 outside
    them, where the score no longer depends on the cost.

    Args:
        accuracy: Mean accuracy in [0, 1].
        cost: Mean cost in USD per query, > 0.
        bounds: The benchmark's cost bounds; must give a scale.
        beta: Weight of cheapness.

    At (.90, $.001) with bounds $.0005–$.01 and K = .7686: 1.1 · .5908 / .7372 = .8815 and
    −1.1 · .1 · .81 / .7372 / (.001 · 2.9957) = −40.34 per USD:

    >>> [round(slope, 2) for slope in rank_score_slopes(0.9, 0.001, CostBounds(0.0005, 0.01, "h"))]
    [0.88, -40.34]
    """
    assert bounds.cmin is not None
    assert bounds.cmax is not None
    K = float(cheapness(cost, bounds.cmin, bounds.cmax))
    below = beta * accuracy + K
    if below == 0:
        return 0.0, 0.0
    by_accuracy = (1 + beta) * (K / below) ** 2
    inside = bounds.cmin < cost < bounds.cmax
    by_cost = (1 + beta) * beta * (accuracy / below) ** 2 / (cost * math.log(bounds.cmax / bounds.cmin))
    return by_accuracy, -by_cost if inside else 0.0
