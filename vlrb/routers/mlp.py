"""The MLP router: a small network on fused features, trained on soft targets."""

import math
from collections.abc import Iterable, Sequence

from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from vlrb.data.batch import Batch
from vlrb.data.spec import DataSpec
from vlrb.routers.base import RouterModule, at_least, check_share
from vlrb.routers.optimizer import adamw
from vlrb.routers.scaling import Standardizer


class MLPRouter(RouterModule):
    """Score models by a multilayer perceptron, trained by soft-target cross-entropy (VL-RouterBench, mlp).

    Differences from the published router: dropout, decoupled weight decay (none on biases), early stopping by dev loss,
    and rows of unit length. Standardised rows are about √D long, with which the network overfits within few epochs, the
    sooner the wider the features are.

    Args:
        name: Name in tables and folders.
        hidden: Width of each hidden layer.
        unit_rows: Divide standardised features by √D, so that rows have a length near 1 at any width.
        dropout: Share of hidden units dropped while training.
        lr: Learning rate of AdamW.
        weight_decay: Decoupled weight decay of the weights.
        batch_size: Samples per training batch, over all devices.
        max_epochs: Longest training, in epochs.
        patience: Stop after this many epochs without a lower dev loss.

    Raises:
        ConfigError: A number is out of range.
    """

    def __init__(
        self,
        name: str = "mlp",
        hidden: Sequence[int] = (512,),
        unit_rows: bool = True,
        dropout: float = 0.5,
        lr: float = 3e-4,
        weight_decay: float = 0.1,
        batch_size: int = 256,
        max_epochs: int = 100,
        patience: int = 15,
    ) -> None:
        super().__init__(name, batch_size, max_epochs, patience)
        for width in hidden:
            at_least("hidden", width, 1)
        check_share("dropout", dropout)
        at_least("lr", lr, 0, above=True)
        at_least("weight_decay", weight_decay, 0)
        self.hidden = tuple(hidden)
        self.unit_rows = unit_rows
        self.dropout = dropout
        self.lr = lr
        self.weight_decay = weight_decay

    def build(self, spec: DataSpec) -> None:
        """Create the layers D → hidden → M."""
        self.scaler = Standardizer(spec.feature_dim)
        layers: list[nn.Module] = []
        width = spec.feature_dim
        for units in self.hidden:
            layers += [nn.Linear(width, units), nn.ReLU(), nn.Dropout(self.dropout)]
            width = units
        self.layers = nn.Sequential(*layers, nn.Linear(width, spec.n_models))

    def prepare(self, batches: Iterable[Batch]) -> None:
        """Take the feature statistics of the training split."""
        self.scaler.fit(batch["features"] for batch in batches)
        if self.unit_rows:  # kept in the buffer, so that a stored router needs no setting to be read
            self.scaler.scale *= math.sqrt(len(self.scaler.scale))

    def forward(self, batch: Batch) -> Tensor:
        """Return logits (B, M)."""
        logits: Tensor = self.layers(self.scaler(batch["features"]))
        return logits

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return AdamW."""
        return adamw(self, self.lr, self.weight_decay)
