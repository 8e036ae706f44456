"""ZOOTER: distillation of the soft targets, which may be smoothed by what is known of a sample's dataset."""

from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor

from vlrb.data.batch import DATASET, Batch, decision_batch
from vlrb.data.spec import DataSpec
from vlrb.routers.base import check_share
from vlrb.routers.end_to_end import EndToEndRouter
from vlrb.routers.heads import LinearHead
from vlrb.routers.objective import Objective
from vlrb.utils.errors import ConfigError


class ZooterRouter(EndToEndRouter):
    """Score models by a linear head on the joint encoding, trained by the divergence KL(target ‖ softmax(scores)).

    The gradient is that of soft-target cross-entropy; the loss itself is 0 for a perfect student.

    Tag-wise smoothing (Lu et al., 2023, arXiv 2311.08692): what one answer says of a model is uncertain, so the target
    of a sample becomes (1 − smoothing) · its own + smoothing · the mean of the training samples with its tag, on dev
    too. The tag is the sample's dataset; it is read while learning and never to decide. Samples of a dataset without a
    training target keep their own target, and samples without one stay left out. Off by default: the paper smooths the
    noise of a reward model, whereas these targets are graded answers, and the mean of a dataset pays models that are
    wrong on the sample.

    Args:
        name: Name in tables and folders.
        dropout: Share of the encoding dropped while training.
        smoothing: Share of the dataset's mean target; 0 = the sample's own alone.

    Raises:
        ConfigError: A number is out of range.
    """

    learns_from: ClassVar[frozenset[str]] = frozenset({DATASET})
    tag_targets: Tensor

    def __init__(self, name: str = "zooter", dropout: float = 0.1, smoothing: float = 0.0) -> None:
        super().__init__(name)
        check_share("dropout", dropout)
        if not 0 <= smoothing <= 1:
            raise ConfigError(f"router.smoothing must be at least 0 and at most 1, not {smoothing}")
        self.dropout = dropout
        self.smoothing = smoothing

    def build_head(self, dim: int, spec: DataSpec) -> None:
        """Create the head D → M and the mean target of each dataset."""
        self.head = LinearHead(dim, spec.n_models, self.dropout)
        self.register_buffer("tag_targets", torch.zeros(len(spec.dataset_names), spec.n_models))

    def prepare(self, batches: Iterable[Batch]) -> None:
        """Average the targets of the training samples by dataset."""
        total = torch.zeros(self.tag_targets.shape, dtype=torch.float64)
        mass = torch.zeros(len(total), 1, dtype=torch.float64)
        for batch in batches:
            weight = batch["weight"].double().unsqueeze(1)
            total.index_add_(0, batch["dataset"], weight * batch["targets"].double())
            mass.index_add_(0, batch["dataset"], weight)
        self.tag_targets.copy_(torch.where(mass > 0, total / mass, 0.0))

    def forward(self, batch: Batch) -> Tensor:
        """Return logits (B, M)."""
        logits: Tensor = self.head(self.encode(batch))
        return logits

    def smoothed(self, batch: Batch) -> Tensor:
        """Return the targets (B, M) of a batch with outcomes, blended with those of their datasets."""
        code = batch["dataset"]
        tag = torch.where(code.unsqueeze(1) >= 0, self.tag_targets[code.clamp_min(0)], 0.0)
        known = tag.any(dim=1, keepdim=True)
        return torch.where(known, torch.lerp(batch["targets"], tag, self.smoothing), batch["targets"])

    def objective(self, batch: Batch) -> Objective:
        """Return the weighted mean divergence."""
        scores = self(decision_batch(batch, self.inputs))
        return Objective(divergence(scores, self.smoothed(batch), batch["weight"]), scores)


def divergence(logits: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
    """Return Σᵢ wᵢ KL(tᵢ ‖ softmax(logits)ᵢ) / Σᵢ wᵢ, at least 0 but for rounding (0 if all weights are 0).

    Args:
        logits: (B, M).
        targets: (B, M), rows of weight > 0 sum to 1.
        weight: (B,).

    >>> t = torch.tensor([[0.75, 0.25]])
    >>> round(float(divergence(torch.zeros(1, 2), t, torch.ones(1))), 4)  # log 2 − (.75 log 4/3 + .25 log 4)
    0.1308
    >>> abs(round(float(divergence(t.log(), t, torch.ones(1))), 4))
    0.0
    """
    losses = (torch.xlogy(targets, targets) - targets * torch.log_softmax(logits, dim=1)).sum(dim=1)
    return (losses * weight).sum() / weight.sum().clamp_min(torch.finfo(weight.dtype).tiny)
