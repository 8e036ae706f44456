"""The figures that are watched on dev while a router learns."""

import torch
from torch import Tensor, nn
from torchmetrics import MeanMetric

from vlrb.data.batch import Batch
from vlrb.data.spec import DataSpec
from vlrb.schema import CORRECT_THRESHOLD


class DevMetrics(nn.Module):
    """Sums over the dev split: loss of the objective, accuracy, cost and Rank Score of the decisions."""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.loss = MeanMetric()
        self.accuracy = MeanMetric(nan_strategy="ignore")
        self.cost = MeanMetric(nan_strategy="ignore")

    def update(self, decision: Tensor, batch: Batch) -> None:
        """Take in the decisions (B,) for a batch with outcomes."""
        chosen = decision.unsqueeze(1)
        quality = batch["Y"].gather(1, chosen).squeeze(1)
        correct = torch.where(quality.isnan(), quality, (quality >= CORRECT_THRESHOLD).float())
        self.accuracy.update(correct)
        self.cost.update(batch["C"].gather(1, chosen).squeeze(1))

    def update_loss(self, loss: Tensor, weight: Tensor) -> None:
        """Take in the mean loss of a batch and the sum of its rows' weights."""
        if weight > 0:
            self.loss.update(loss, weight)

    def compute(self) -> dict[str, Tensor]:
        """Return the figures by name; the loss only if one was given."""
        figures = {"accuracy": self.accuracy.compute(), "cost": self.cost.compute()}
        if self.loss.update_called:
            figures["loss"] = self.loss.compute()
        return figures

    def reset(self) -> None:
        """Forget the sums."""
        for metric in (self.loss, self.accuracy, self.cost):
            metric.reset()
