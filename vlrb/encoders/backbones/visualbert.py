"""VisualBERT: words and regions in one sequence through BERT (Li et al., 2019)."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vlrb.encoders.backbones.region_backbone import RegionBackbone
from vlrb.encoders.backbones.regions import RegionSequence
from vlrb.encoders.backbones.towers import Tower


class VisualBertBackbone(RegionBackbone):
    """VisualBERT over the prompt and the patches of a vision tower, in place of a detector's regions.

    A row is the pooled first token. VisualBERT has no place for where a region lies: a linear map of its box is added
    to the region's features. Of a pretrained network it starts at zero, so that training starts from what the
    checkpoint knows; the map from the tower's tokens to its regions' width is new too. A sample without any picture
    is its text alone.
    """

    kind: ClassVar[str] = "VisualBertModel"

    def assemble(self, tower: Tower, settings: Any) -> None:  # noqa: ANN401 - transformers has no types
        """Create the regions and the map of boxes."""
        self.regions = RegionSequence(tower, self.pictures, int(settings.visual_embedding_dim), nothing=False)
        self.box = nn.Linear(4, self.regions.width, bias=False)
        if self.pretrained:
            nn.init.zeros_(self.box.weight)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return (B, D)."""
        regions = self.regions(inputs)
        features = regions.features + self.box(regions.boxes)
        found = self.network(
            input_ids=inputs["text_ids"],
            attention_mask=inputs["text_mask"].to(features.dtype),
            visual_embeds=features,
            visual_attention_mask=regions.mask.to(features.dtype),
        )
        return torch.as_tensor(found.pooler_output)

    def new_parts(self) -> list[nn.Module]:
        """Return the map of boxes."""
        return [self.box]
