"""What each split group adds to a figure: parts that sum to the figure, for tests that exchange groups."""

import numpy as np

from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.rank_score import rank_score, rank_score_slopes


def mean_parts(values: np.ndarray, split_group: np.ndarray) -> np.ndarray:
    """Return what each split group adds to a mean, (G,) in the order of the codes.

    Args:
        values: (n,) values without NaN.
        split_group: (n,) int codes.

    >>> mean_parts(np.array([1.0, 0.0, 1.0, 1.0]), np.array([5, 5, 5, 9]))  # (1 + 0 + 1)/4 and 1/4
    array([0.5 , 0.25])
    """
    _, code = np.unique(split_group, return_inverse=True)
    return np.bincount(code, weights=values) / max(len(code), 1)


def rank_score_parts(
    correct: np.ndarray, cost: np.ndarray, split_group: np.ndarray, bounds: CostBounds
) -> np.ndarray | None:
    """Return what each split group adds to the Rank Score, linearised at the router's mean accuracy A and cost c.

    ψ_g = S·n_g/n + ∂S/∂A·(A_g − A·n_g/n) + ∂S/∂c·(c_g − c·n_g/n), with A_g and c_g the group's parts of the means; the
    two corrections sum to 0, so Σ ψ_g = S. None where the score is undefined. (Hampel 1974, JASA 69: the influence of
    an observation on a functional.)

    Args:
        correct: (n,) 1 where the router is right, else 0.
        cost: (n,) cost in USD.
        split_group: (n,) int codes.
        bounds: The benchmark's cost bounds.
    """
    accuracy, mean_cost = (float(np.mean(values)) for values in (correct, cost)) if len(correct) else (None, None)
    score = rank_score(accuracy, mean_cost, bounds).value
    if score is None or accuracy is None or mean_cost is None:
        return None
    by_accuracy, by_cost = rank_score_slopes(accuracy, mean_cost, bounds)
    share = mean_parts(np.ones(len(correct)), split_group)
    moved = by_accuracy * (mean_parts(correct, split_group) - accuracy * share)
    moved += by_cost * (mean_parts(cost, split_group) - mean_cost * share)
    return score * share + moved
