"""Early stopping on the dev loss, with the best epoch's weights put back at the end."""

import math
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

DEV_LOSS = "dev/loss"


def changing_weights(module: nn.Module) -> dict[str, Tensor]:
    """Return the entries of `state_dict` that training changes: all but parameters without gradients."""
    frozen = {name for name, p in module.named_parameters(remove_duplicate=False) if not p.requires_grad}
    return {name: value for name, value in module.state_dict().items() if name not in frozen}


def put_weights(module: nn.Module, weights: dict[str, Tensor]) -> None:
    """Load what `changing_weights` gave, strictly."""
    module.load_state_dict({**module.state_dict(), **weights})


class BestEpoch(Callback):
    """Keep the weights of the epoch with the lowest dev loss; stop when `patience` epochs brought no lower one.

    The dev loss is the training objective on dev: smooth, so choosing by it costs less optimism than by accuracy.
    Without a dev split nothing is monitored and the last epoch stands. The weights are kept in main memory, those that
    training changes alone, so that a large backbone takes no memory of its device.

    Args:
        patience: Epochs without improvement before training stops, at least 1.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best_loss = math.inf
        self.best_epoch = -1
        self.weights: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Compare this epoch's dev loss with the best."""
        if trainer.sanity_checking or DEV_LOSS not in trainer.callback_metrics:
            return
        loss = float(trainer.callback_metrics[DEV_LOSS])
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, trainer.current_epoch
            self.weights = {k: v.detach().to("cpu", copy=True) for k, v in changing_weights(pl_module).items()}
        elif trainer.current_epoch - self.best_epoch >= self.patience:
            trainer.should_stop = True

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Put the best epoch's weights back."""
        if self.weights:
            put_weights(pl_module, self.weights)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs to go on as if uninterrupted."""
        return {"best_loss": self.best_loss, "best_epoch": self.best_epoch, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from `state_dict()`."""
        self.best_loss = float(state_dict["best_loss"])
        self.best_epoch = int(state_dict["best_epoch"])
        self.weights = {k: torch.as_tensor(v) for k, v in state_dict["weights"].items()}
