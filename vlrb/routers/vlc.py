"""VLC: a vision–language classifier that reads prompt and pictures jointly."""

from torch import Tensor, nn

from vlrb.data.batch import Batch
from vlrb.data.spec import DataSpec
from vlrb.routers.end_to_end import EndToEndRouter
from vlrb.utils.errors import ConfigError


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
        if not 0 <= dropout < 1:
            raise ConfigError(f"router.dropout must be at least 0 and below 1, not {dropout}")
        self.dropout = dropout

    def build_head(self, dim: int, spec: DataSpec) -> None:
        """Create the head D → M."""
        self.head = nn.Sequential(nn.Dropout(self.dropout), nn.Linear(dim, spec.n_models))

    def forward(self, batch: Batch) -> Tensor:
        """Return logits (B, M)."""
        logits: Tensor = self.head(self.encode(batch))
        return logits
