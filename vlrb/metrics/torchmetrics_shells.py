"""Accuracy, cost and Rank Score as torchmetrics: sums and counts, so batches and devices add up to the same figure."""

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric

from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.rank_score import rank_scores
from vlrb.schema import CORRECT_THRESHOLD, RANK_SCORE_BETA


class _ChosenMean(Metric):
    """Mean over the chosen cells; NaN as soon as one of them is unknown, and before any sample."""

    is_differentiable = False
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        # NaN in a chosen cell makes the sum NaN for good: a mean over the rest would flatter.
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def _add(self, values: Tensor) -> None:
        self.total += values.double().sum()
        self.count += values.numel()

    def compute(self) -> Tensor:
        """Return the mean as a float64 scalar."""
        return self.total / self.count


class RoutingAccuracy(_ChosenMean):
    """Share of samples whose chosen model is right, y = 1[Y ≥ 0.5].

    >>> metric = RoutingAccuracy()
    >>> metric.update(torch.tensor([1, 0]), torch.tensor([[0.0, 0.5], [0.4, 1.0]]))  # right, wrong
    >>> metric.compute().item()
    0.5
    """

    higher_is_better = True

    def update(self, decision: Tensor, Y: Tensor) -> None:
        """Take in decisions (B,) and quality (B, M)."""
        quality = Y.gather(1, decision.unsqueeze(1)).squeeze(1)
        self._add(torch.where(quality.isnan(), quality, (quality >= CORRECT_THRESHOLD).to(quality.dtype)))


class RoutingCost(_ChosenMean):
    """Mean cost of the chosen models in USD per query.

    >>> metric = RoutingCost()
    >>> metric.update(torch.tensor([1, 0]), torch.tensor([[1.0, 2.0], [4.0, 8.0]]))  # (2 + 4) / 2
    >>> metric.compute().item()
    3.0
    """

    higher_is_better = False

    def update(self, decision: Tensor, C: Tensor) -> None:
        """Take in decisions (B,) and cost (B, M) in USD."""
        self._add(C.gather(1, decision.unsqueeze(1)).squeeze(1))


class RoutingRankScore(Metric):
    """Rank Score of the mean accuracy and the mean cost; NaN where it is undefined.

    Args:
        bounds: The benchmark's cost bounds.
        beta: Weight of cheapness.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    def __init__(self, bounds: CostBounds, beta: float = RANK_SCORE_BETA) -> None:
        super().__init__()
        self.bounds = bounds
        self.beta = beta
        for name in ("correct", "cost"):
            self.add_state(name, torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    correct: Tensor
    cost: Tensor
    count: Tensor

    def update(self, decision: Tensor, Y: Tensor, C: Tensor) -> None:
        """Take in decisions (B,), quality (B, M) and cost (B, M) in USD."""
        chosen = decision.unsqueeze(1)
        quality = Y.gather(1, chosen).squeeze(1).double()
        self.correct += torch.where(quality.isnan(), quality, (quality >= CORRECT_THRESHOLD).double()).sum()
        self.cost += C.gather(1, chosen).double().sum()
        self.count += len(decision)

    def compute(self) -> Tensor:
        """Return the score as a float64 scalar."""
        bounds = self.bounds
        if bounds.problem() is not None or bounds.cmin is None or bounds.cmax is None or not self.count:
            return torch.full((), torch.nan, dtype=torch.float64, device=self.correct.device)
        means = [float(total / self.count) for total in (self.correct, self.cost)]
        score = rank_scores(np.array(means[0]), np.array(means[1]), bounds.cmin, bounds.cmax, self.beta)
        return torch.tensor(float(score), dtype=torch.float64, device=self.correct.device)
