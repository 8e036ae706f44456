"""How close choices come to the cheapest right one, and how many models they are spread over."""

from typing import NamedTuple

import numpy as np

from vlrb.metrics.outcomes import Chosen, is_correct
from vlrb.metrics.value import Value, undefined

SAME_COST = 1e-9  # relative; costs of equal decisions may differ in the last bits after a round trip


class Optimality(NamedTuple):
    """RouterArena's three ratios, over the n samples that some model solves.

    Attributes:
        selection: Share of samples sent to a right model at the cheapest right model's cost.
        accuracy: The router's right answers as a share of the possible ones.
        cost: Cost of the cheapest right models as a share of the router's, over the samples it got right; 1 = no waste.
        n: Samples that some model solves.
    """

    selection: Value
    accuracy: Value
    cost: Value
    n: int


def optimality(chosen: Chosen, oracle: Chosen) -> Optimality:
    """Return how close decisions come to the cheapest right model of each sample.

    After RouterArena (arXiv 2510.00202; its evaluation code), where *right* is a full score and here y = 1[Y ≥ 0.5].
    Two equally cheap right models are both optimal. Undefined where a chosen cell is unknown.

    Args:
        chosen: What the router's decisions brought, (n,) each.
        oracle: What the cheapest right model brought (where none is right, anything wrong).

    Four samples, the last solved by none; the router is right twice, once at twice the lowest cost:

    >>> router = Chosen(np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 2.0, 9.0, 9.0]))
    >>> best = Chosen(np.array([1.0, 1.0, 1.0, 0.0]), np.array([1.0, 1.0, 1.0, 1.0]))
    >>> found = optimality(router, best)
    >>> [round(value.value, 4) for value in found[:3]], found.n  # 1/3, 2/3, (1 + 1)/(1 + 2)
    ([0.3333, 0.6667, 0.6667], 3)
    """
    if np.isnan([chosen.quality, chosen.cost]).any():
        hole = undefined("a chosen cell is unknown")
        return Optimality(hole, hole, hole, 0)
    solvable = is_correct(oracle.quality) == 1
    n = int(solvable.sum())
    if not n:
        hole = undefined("no model solves any sample")
        return Optimality(hole, hole, hole, 0)
    right = solvable & (is_correct(chosen.quality) == 1)
    cheapest = right & (chosen.cost <= oracle.cost * (1 + SAME_COST))
    spent, needed = float(chosen.cost[right].sum()), float(oracle.cost[right].sum())
    cost = Value(needed / spent) if spent > 0 else undefined("right answers cost nothing, or there are none")
    return Optimality(Value(float(cheapest.sum() / n)), Value(float(right.sum() / n)), cost, n)


def selection_entropy(shares: np.ndarray) -> float:
    """Return the entropy of choice shares in bits: 0 = always one model, log₂ m = all m equally often.

    RouterEval (arXiv 2503.10657) reports it as the classification bias of a router.

    Args:
        shares: (m,) shares of samples, sum 1.

    >>> selection_entropy(np.array([0.5, 0.25, 0.25, 0.0])), selection_entropy(np.array([1.0, 0.0]))
    (1.5, 0.0)
    """
    used = np.asarray(shares, np.float64)[np.asarray(shares) > 0]
    return float(abs(-(used * np.log2(used)).sum()))
