"""Early stopping on the dev loss, with the best epoch's weights put back at the end."""

import math
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor

DEV_LOSS = "dev/loss"


class BestEpoch(Callback):
    """Keep the weights of the epoch with the lowest dev loss; stop when `patience` epochs brought no lower one.

    The dev loss is the training objective on dev: smooth, so choosing by it costs less optimism than by accuracy.
    Without a dev split nothing is monitored and the last epoch stands.

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
            self.weights = {k: v.detach().clone() for k, v in pl_module.state_dict().items()}
        elif trainer.current_epoch - self.best_epoch >= self.patience:
            trainer.should_stop = True

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Put the best epoch's weights back."""
        if self.weights:
            pl_module.load_state_dict(self.weights)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs to go on as if uninterrupted."""
        return {"best_loss": self.best_loss, "best_epoch": self.best_epoch, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from `state_dict()`."""
        self.best_loss = float(state_dict["best_loss"])
        self.best_epoch = int(state_dict["best_epoch"])
        self.weights = {k: torch.as_tensor(v) for k, v in state_dict["weights"].items()}
