"""CosineCls: cosine of the joint encoding to a learnt embedding of each model."""

from torch import Tensor

from vlrb.data.batch import Batch
from vlrb.data.spec import DataSpec
from vlrb.routers.end_to_end import EndToEndRouter
from vlrb.routers.heads import CosineHead


class CosineClassifierRouter(EndToEndRouter):
    """Score models by cosine / temperature, trained by soft-target cross-entropy (VL-RouterBench, CosineCls).

    The published code trains CosineCls by the objective of its RouterDC, so the two differ in name only, and leaves
    the temperature unbounded (`CosineHead`).

    Args:
        name: Name in tables and folders.
    """

    def __init__(self, name: str = "cosinecls") -> None:
        super().__init__(name)

    def build_head(self, dim: int, spec: DataSpec) -> None:
        """Create embeddings and temperature."""
        self.head = CosineHead(dim, spec.n_models)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits (B, M)."""
        logits: Tensor = self.head(self.encode(batch))
        return logits
