"""VLC: a vision–language classifier that reads prompt and pictures jointly."""

from torch import Tensor

from vlrb.data.batch import Batch
from vlrb.data.spec import DataSpec
from vlrb.routers.base import check_share
from vlrb.routers.end_to_end import EndToEndRouter
from vlrb.routers.heads import LinearHead


class VLCRouter(EndToEndRouter):
    """Score models by a linear head on the joint encoding, trained by soft-target cross-entropy (VL-RouterBench, VLC).

    Args:
        name: Name in tables and folders.
        dropout: Share of the encoding dropped while training.

    Raises:
        ConfigError: A number is out of range.
    """

    def __init__(self, name: str = "vlc", dropout: float = 0.1) -> None:
        super().__init__(name)
        check_share("dropout", dropout)
        self.dropout = dropout

    def build_head(self, dim: int, spec: DataSpec) -> None:
        """Create the head D → M."""
        self.head = LinearHead(dim, spec.n_models, self.dropout)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits (B, M)."""
        logits: Tensor = self.head(self.encode(batch))
        return logits
