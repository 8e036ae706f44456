"""The decision rule of routers that estimate accuracy and cost apart: expected utility."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from vlrb.data.tradeoff import TradeOff


class Estimates(NamedTuple):
    """What a router expects of each model: p̂ (B, M) in [0, 1] and ĉ (B, M) in USD, infinity = unknown."""

    accuracy: Tensor
    cost: Tensor


def expected_utility(accuracy: Tensor, cost: Tensor, trade_off: TradeOff) -> Tensor:
    """Return p̂ − λ·ĉ/c₀, the expected utility of each model; c₀ = 1 / cost_scale is the unit of the soft targets.

    λ=0 is the accuracy rule. λ=∞ is the limit: the lowest expected cost, whatever the accuracy. With scheme ``power``
    the penalty is λ·ln(ĉ/c₀ + ε), so that only cost ratios count. At equal λ this rule is more frugal than soft
    targets, which share a sample's mass among its correct models and so never give up a sample that only a dear model
    solves: compare routers along their curves, not at one λ.

    Args:
        accuracy: p̂ (B, M) in [0, 1].
        cost: ĉ (B, M) in USD; infinity = unknown, chosen only at λ=0.
        trade_off: λ and its settings, cost scale frozen.

    >>> p, c = torch.tensor([[0.9, 0.6]]), torch.tensor([[3e-4, 1e-4]])
    >>> rule = TradeOff(0.5, cost_scale=1 / 2e-4)  # 0.9 − 0.5·1.5 and 0.6 − 0.5·0.5
    >>> [round(u, 3) for u in expected_utility(p, c, rule)[0].tolist()]
    [0.15, 0.35]
    """
    if trade_off.value == 0:
        return accuracy
    scaled = cost * trade_off.scale
    if math.isinf(trade_off.value):
        return -scaled
    penalty = torch.log(scaled + trade_off.epsilon) if trade_off.scheme == "power" else scaled
    return accuracy - trade_off.value * penalty
