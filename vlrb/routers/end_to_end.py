"""What routers share that read prompts and pictures themselves: a trainable backbone and how it is trained."""

from abc import abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self, cast

from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from vlrb.data.batch import Batch
from vlrb.data.datamodule import BatchSettings
from vlrb.data.spec import DataSpec
from vlrb.encoders.backbones.base import Backbone
from vlrb.encoders.backbones.samples import RAW_KEYS
from vlrb.routers.base import RouterModule
from vlrb.routers.optimizer import adamw
from vlrb.routers.recipe import Recipe
from vlrb.utils.errors import StateError

PARTS = "backbone"  # folder of a run with the backbone's shapes and tokenizer


class EndToEndRouter(RouterModule):
    """A router with a backbone of its own, which is trained with it.

    Subclasses create their head in `build_head` and score in `forward`, on rows of `encode`.

    Args:
        name: Name in tables and folders.
    """

    inputs: ClassVar[frozenset[str]] = frozenset({"raw"})

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
        self.backbone, self.recipe, self.workers = backbone, recipe, workers
        self.batch_size, self.max_epochs, self.patience = recipe.batch_size, recipe.max_epochs, recipe.patience
        return self

    def build(self, spec: DataSpec) -> None:
        """Create backbone and head."""
        if not hasattr(self, "backbone"):
            raise StateError(f"router {self.name!r} has no backbone yet", "call attach(backbone, recipe) first")
        self.backbone.load()
        self.backbone.check_text()
        self.build_head(self.backbone.dim, spec)

    @abstractmethod
    def build_head(self, dim: int, spec: DataSpec) -> None:
        """Create what turns rows (B, dim) of the backbone into scores."""

    def batch_settings(self, seed: int, workers: int = 0) -> BatchSettings:
        """Return how this router wants its batches."""
        settings = super().batch_settings(seed, workers or self.workers)
        return replace(settings, eval_batch_size=2 * self.batch_size)

    def encode(self, batch: Batch) -> Tensor:
        """Return the backbone's rows (B, D)."""
        given = cast("dict[str, Tensor]", batch)
        found: Tensor = self.backbone({key: given[key] for key in RAW_KEYS})
        return found

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return AdamW with the recipe's schedule."""
        return adamw(self, self.recipe.lr, self.recipe.weight_decay)

    def write_parts(self, folder: Path) -> None:
        """Write the backbone's shapes and tokenizer."""
        (folder / PARTS).mkdir(exist_ok=True)
        self.backbone.save(folder / PARTS)

    def read_parts(self, folder: Path) -> None:
        """Read the backbone's shapes and tokenizer."""
        self.backbone.restore(folder / PARTS)


def is_end_to_end(router: Any) -> bool:  # noqa: ANN401 - a router or its class
    """Return whether a router reads prompts and pictures itself."""
    return "raw" in router.inputs
