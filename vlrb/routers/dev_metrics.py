"""The figures that are watched on dev while a router learns."""

import torch
from torch import Tensor, nn
from torchmetrics import MeanMetric

from vlrb.data.batch import Batch
from vlrb.data.spec import DataSpec
from vlrb.metrics.torchmetrics_shells import RoutingAccuracy, RoutingCost, RoutingRankScore


class DevMetrics(nn.Module):
    """Loss of the objective, and accuracy, cost and Rank Score of the decisions, over the dev split.

    Args:
        spec: Data of the router (for the cost bounds).
    """

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.loss = MeanMetric()
        self.accuracy = RoutingAccuracy()
        self.cost = RoutingCost()
        self.rank_score = RoutingRankScore(spec.cost_bounds)

    def update(self, decision: Tensor, batch: Batch) -> None:
        """Take in the decisions (B,) for a batch with outcomes."""
        self.accuracy.update(decision, batch["Y"])
        self.cost.update(decision, batch["C"])
        self.rank_score.update(decision, batch["Y"], batch["C"])

    def update_loss(self, loss: Tensor, weight: Tensor) -> None:
        """Take in the mean loss of a batch and the sum of its rows' weights; a batch without targets counts nothing."""
        self.loss.update(
            torch.where(weight > 0, loss, 0.0), weight
        )  # on all devices alike, or they wait for each other

    def compute(self) -> dict[str, Tensor]:
        """Return the figures by name, NaN where undefined; the loss only if there was one."""
        figures = {name: getattr(self, name).compute().float() for name in ("accuracy", "cost", "rank_score")}
        if self.loss.update_called and not bool(torch.isnan(loss := self.loss.compute())):
            figures["loss"] = loss
        return figures

    def reset(self) -> None:
        """Forget the sums."""
        for metric in (self.loss, self.accuracy, self.cost, self.rank_score):
            metric.reset()
