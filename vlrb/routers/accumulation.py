"""Several batches as one step of the optimiser: exactly the step that one batch of all their rows would take."""

import lightning as L
import torch
from torch import Tensor


class StepWeight:
    """The rows that went into the gradients since the last step.

    Lightning adds up the gradients of k batches as if each were 1/k of a step. Mean losses of batches with unlike
    numbers of usable rows (the last batch of an epoch, rows without a target) would so count wrongly, and a last group
    of fewer than k batches would take a smaller step. Here a batch enters by its rows, and the step divides by them.
    """

    def __init__(self) -> None:
        self.total: Tensor | None = None

    def take(self, weight: Tensor) -> Tensor:
        """Note the summed row weights of one batch, and return the factor for its mean loss."""
        seen = weight.detach().float()
        self.total = seen if self.total is None else self.total + seen
        return seen

    def average(self, optimizer: torch.optim.Optimizer, trainer: L.Trainer) -> None:
        """Divide the gradients by what all devices have noted; the next step begins."""
        if self.total is None:
            return
        total = torch.as_tensor(trainer.strategy.reduce(self.total, reduce_op="sum"))
        # Lightning has divided by k, and several devices have averaged what they should have added up
        factor = trainer.accumulate_grad_batches * trainer.world_size / total.clamp_min(1.0)
        found = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if found:
            torch._foreach_mul_(found, factor.to(found[0].device))
        self.total = None
