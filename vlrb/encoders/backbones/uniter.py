"""UNITER: words and regions with their places in one sequence through BERT (Chen et al., ECCV 2020)."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vlrb.encoders.backbones.bert import BoxEmbeddings, additive, through
from vlrb.encoders.backbones.region_backbone import RegionBackbone
from vlrb.encoders.backbones.regions import RegionSequence
from vlrb.encoders.backbones.towers import Tower


class UniterBackbone(RegionBackbone):
    """UNITER's architecture on a BERT, over the prompt and the patches of a vision tower.

    A row is the pooled first token. All of BERT comes from its checkpoint, and regions bear its second token type, as
    in UNITER; the embeddings of the regions (features, places and three norms) are new. No weights of UNITER itself
    are used: they were published for a detector's regions and never for transformers. A sample without any picture is
    its text alone, which BERT reads as it always does.
    """

    kind: ClassVar[str] = "BertModel"

    def assemble(self, tower: Tower, settings: Any) -> None:  # noqa: ANN401 - transformers has no types
        """Create the regions and their embeddings."""
        self.regions = RegionSequence(tower, self.pictures, nothing=False)
        self.embed = BoxEmbeddings(tower.width, settings)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return (B, D)."""
        network: Any = self.network
        regions = self.regions(inputs)
        words = network.embeddings(input_ids=inputs["text_ids"])
        kind = network.embeddings.token_type_embeddings.weight[1]
        seen = self.embed(regions.features, regions.boxes, kind)
        states = torch.cat([words, seen.to(words.dtype)], dim=1)
        mask = additive(torch.cat([inputs["text_mask"], regions.mask], dim=1), states.dtype)
        for layer in network.encoder.layer:
            states = through(layer, states, mask)
        return torch.as_tensor(network.pooler(states))

    def new_parts(self) -> list[nn.Module]:
        """Return the embeddings of the regions."""
        return [self.embed]
