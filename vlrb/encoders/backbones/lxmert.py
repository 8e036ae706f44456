"""LXMERT: a language stream and a region stream that look at one another (Tan and Bansal, EMNLP 2019)."""

from itertools import zip_longest
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vlrb.encoders.backbones.region_backbone import RegionBackbone
from vlrb.encoders.backbones.regions import RegionSequence
from vlrb.encoders.backbones.towers import Tower


class LxmertBackbone(RegionBackbone):
    """LXMERT over the prompt and the patches of a vision tower with their boxes, in place of a detector's regions.

    A row is the pooled output: the first token of the language stream after it has looked at the regions. What the
    last layer would make of the regions after that, nobody reads, and it is left out.

    A checkpoint was trained on 2048 numbers per region of a detector; the map from the tower's tokens to that width
    is new, so a pretrained LXMERT has to learn it.
    """

    kind: ClassVar[str] = "LxmertModel"

    def assemble(self, tower: Tower, settings: Any) -> None:  # noqa: ANN401 - transformers has no types
        """Create the regions; drop what no row depends on."""
        self.regions = RegionSequence(tower, self.pictures, int(settings.visual_feat_dim))
        network: Any = self.network
        for last in network.encoder.x_layers[-1:]:
            last.visn_self_att, last.visn_inter, last.visn_output = _Skipped(listed=True), nn.Identity(), _Skipped()

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return (B, D)."""
        regions = self.regions(inputs)
        found = self.network(
            input_ids=inputs["text_ids"],
            attention_mask=inputs["text_mask"].to(regions.features.dtype),
            visual_feats=regions.features,
            visual_pos=regions.boxes,
            visual_attention_mask=regions.mask.to(regions.features.dtype),
        )
        return torch.as_tensor(found.pooled_output)

    def layers(self) -> list[list[nn.Module]]:
        """Return embeddings, layers of one modality each, those across, and the pooler."""
        network: Any = self.network
        encoder = network.encoder
        apart = zip_longest(encoder.layer, encoder.r_layers)
        return [
            [network.embeddings, encoder.visn_fc],
            *([layer for layer in pair if layer is not None] for pair in apart),
            *([layer] for layer in encoder.x_layers),
            [network.pooler],
        ]


class _Skipped(nn.Module):
    """Stands where a part was: gives its first input back."""

    def __init__(self, *, listed: bool = False) -> None:
        super().__init__()
        self.listed = listed

    def forward(self, states: Tensor, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - a tensor, or a tuple of one
        return (states,) if self.listed else states
