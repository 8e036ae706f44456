"""What routers share that read prompts and pictures themselves: a trainable backbone and how it is trained."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from vlrb.data.batch import Batch
from vlrb.data.datamodule import BatchSettings
from vlrb.data.spec import DataSpec
from vlrb.encoders.backbones.base import Backbone
from vlrb.encoders.backbones.samples import RAW_KEYS
from vlrb.routers.adapters import choose_trainable
from vlrb.routers.base import RouterModule
from vlrb.routers.built import check_same, describe
from vlrb.routers.optimizer import layered_adamw
from vlrb.routers.recipe import Recipe
from vlrb.routers.recompute import recomputed
from vlrb.routers.schedule import scheduled
from vlrb.utils.errors import StateError
from vlrb.utils.files import read_json, write_json

PARTS = "backbone"  # folder of a run with the backbone's shapes and tokenizer
BUILT = "built.json"  # in that folder: which backbone it is, to tell another one


class EndToEndRouter(RouterModule):
    """A router with a backbone of its own, which is trained with it.

    Subclasses create their head in `build_head` and score in `forward`, on rows of `encode`. Scores come out as float32
    whatever the precision of the arithmetic.

    Args:
        name: Name in tables and folders.
    """

    inputs: ClassVar[frozenset[str]] = frozenset({"raw"})
    resumable: ClassVar[bool] = True

    backbone: Backbone
    recipe: Recipe

    def __init__(self, name: str) -> None:
        super().__init__(name)

    def attach(self, backbone: Backbone, recipe: Recipe, workers: int = 0) -> Self:
        """Give the router its backbone, before `bind`.

        Args:
            backbone: Built, not loaded.
            recipe: How to train.
            workers: Processes that prepare batches.
        """
        self.built = describe(backbone)
        self.backbone, self.recipe, self.workers = backbone, recipe, workers
        self.batch_size, self.max_epochs, self.patience = recipe.batch_size, recipe.max_epochs, recipe.patience
        return self

    def build(self, spec: DataSpec) -> None:
        """Create backbone and head."""
        if not hasattr(self, "backbone"):
            raise StateError(f"router {self.name!r} has no backbone yet", "call attach(backbone, recipe) first")
        self.backbone.load()
        choose_trainable(self.backbone, self.recipe)
        self.build_head(self.backbone.dim, spec)
        self.register_forward_hook(_as_float32)
        self.train()  # a frozen backbone takes no part in it

    @abstractmethod
    def build_head(self, dim: int, spec: DataSpec) -> None:
        """Create what turns rows (B, dim) of the backbone into scores."""

    def train(self, mode: bool = True) -> Self:
        """Choose between training and deciding; a frozen backbone always decides (no dropout)."""
        super().train(mode)
        if hasattr(self, "recipe") and self.recipe.freeze:
            self.backbone.eval()
        return self

    def batch_settings(self, seed: int, workers: int = 0) -> BatchSettings:
        """Return how this router wants its batches."""
        settings = super().batch_settings(seed, workers or self.workers)
        return replace(settings, eval_batch_size=2 * self.batch_size)

    def encode(self, batch: Batch) -> Tensor:
        """Return the backbone's rows (B, D) float32."""
        given = cast("dict[str, Tensor]", batch)
        with self._remembering():
            found: Tensor = self.backbone({key: given[key] for key in RAW_KEYS})
        return found.float()

    @contextmanager
    def _remembering(self) -> Iterator[None]:
        """Keep for the backward pass what it needs, or little if it computes again."""
        if self.recipe.gradient_checkpointing and self.training and torch.is_grad_enabled():
            with recomputed(module for block in self.backbone.blocks() for module in block):
                yield
        else:
            yield

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return AdamW with the recipe's schedule, over the steps that the Trainer will take."""
        optimizer = layered_adamw(self, self.backbone, self.recipe)
        schedule = scheduled(optimizer, self.recipe, self.trainer.estimated_stepping_batches)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the norm as the Trainer says, or as the recipe says."""
        norm = self.recipe.gradient_clip if gradient_clip_val is None else gradient_clip_val
        if norm is not None:
            self.clip_gradients(optimizer, norm, gradient_clip_algorithm or "norm")

    def on_train_end(self) -> None:
        """Refuse weights that are not numbers, before anything is calibrated on them.

        Raises:
            StateError: Training has diverged.
        """
        if not all(bool(torch.isfinite(p).all()) for p in self.parameters() if p.requires_grad):
            lower = f"encoder.training.lr={self.recipe.lr / 3:.2g}"
            raise StateError(f"training of {self.name!r} diverged: its weights are not numbers any more", lower)
        super().on_train_end()

    def write_parts(self, folder: Path) -> None:
        """Write the backbone's shapes and tokenizer."""
        (folder / PARTS).mkdir(exist_ok=True)
        self.backbone.save(folder / PARTS)
        write_json(folder / PARTS / BUILT, self.built)

    def read_parts(self, folder: Path) -> None:
        """Read the backbone's shapes and tokenizer.

        Raises:
            StateError: They are those of another backbone.
        """
        check_same(folder, read_json(folder / PARTS / BUILT), self.built)
        self.backbone.restore(folder / PARTS)


def _as_float32(router: nn.Module, given: Any, found: Any) -> Any:  # noqa: ANN401 - the hook's signature
    """Forward hook: no later arithmetic is done in half precision, also if the head computes in it.

    On several devices Lightning calls whole steps in place of `forward`, some of which return nothing.
    """
    return found.float() if isinstance(found, Tensor) else found


def is_end_to_end(router: Any) -> bool:  # noqa: ANN401 - a router or its class
    """Return whether a router reads prompts and pictures itself."""
    return "raw" in router.inputs
