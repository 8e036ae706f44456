"""What tests of training a router with its backbone share."""

from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback

from vlrb.routers.recipe import Recipe

QUIET = {
    "logger": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "enable_checkpointing": False,
    "num_sanity_val_steps": 0,
}


def built(world, recipe: Recipe | None = None, n: int = 60, view: Any = None, **given: Any):
    router = world.build("vlc", **given)
    router.attach(router.backbone, recipe or Recipe(max_epochs=2, batch_size=8))
    return router, world.data(router, view or world.view(n=n))


def train(router, data, *callbacks: Callback, **options: Any) -> L.Trainer:
    given = {"max_epochs": router.max_epochs, "accelerator": "cpu", "callbacks": list(callbacks), **QUIET, **options}
    trainer = L.Trainer(**given)
    trainer.fit(router.bind(data.spec), datamodule=data)
    return trainer


def weights(router) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in router.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


class Noting(Callback):
    def __init__(self, into: list[dict[str, torch.Tensor]]) -> None:
        self.into = into

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.into.append(weights(pl_module))
