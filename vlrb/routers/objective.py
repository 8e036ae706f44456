"""What a router that learns by gradients minimises, and the default: soft-target cross-entropy."""

from typing import NamedTuple

import torch
from torch import Tensor

from vlrb.data.batch import Batch
from vlrb.schema import CORRECT_THRESHOLD


class Objective(NamedTuple):
    """Loss of a batch (a scalar), the scores (B, M) that go with it, and what the loss is a mean over.

    `weight` is the sum of the weights (rows, cells) that the loss is a mean of; None = the soft targets' weights.
    """

    loss: Tensor
    scores: Tensor
    weight: Tensor | None = None

    def weight_in(self, batch: Batch) -> Tensor:
        """Return the weight of the loss among the losses of other batches."""
        return batch["weight"].sum() if self.weight is None else self.weight


def soft_cross_entropy(logits: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
    """Return −Σᵢ wᵢ Σₘ tᵢₘ log softmax(logits)ᵢₘ / Σᵢ wᵢ (0 if all weights are 0).

    Args:
        logits: (B, M).
        targets: (B, M), rows of weight > 0 sum to 1.
        weight: (B,).

    >>> t = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    >>> round(float(soft_cross_entropy(torch.zeros(2, 2), t, torch.ones(2))), 4)  # log 2 for both rows
    0.6931
    """
    losses = -(targets * torch.log_softmax(logits, dim=1)).sum(dim=1)
    return (losses * weight).sum() / weight.sum().clamp_min(torch.finfo(weight.dtype).tiny)


def right_or_wrong(Y: Tensor) -> Tensor:
    """Return y = 1[Y ≥ τ], NaN where Y is NaN."""
    return torch.where(Y.isnan(), Y, (Y >= CORRECT_THRESHOLD).to(Y))
