"""LXMERT: a language stream and a region stream that look at one another (Tan and Bansal, EMNLP 2019)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vlrb.encoders.backbones.base import Backbone
from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.encoders.backbones.regions import RegionSequence
from vlrb.encoders.backbones.source import NetworkSource
from vlrb.encoders.backbones.text import TextInputs
from vlrb.encoders.backbones.towers import Tower

KEY = "encoder.backbone"


class LxmertBackbone(Backbone):
    """LXMERT over the prompt and the patches of a vision tower with their boxes, in place of a detector's regions.

    A row is the pooled output: the first token of the language stream after it has looked at the regions.

    Args:
        name: Short name.
        text: How prompts become token ids.
        pictures: How pictures become pixels.
        tower: From pixels to patches.
        model: Name on the hub, or a folder; None = random weights.
        revision: Commit on the hub.
        sizes: Values of the network's configuration in place of its own.
    """

    def __init__(
        self,
        name: str,
        text: TextInputs,
        pictures: PictureInputs,
        tower: Tower,
        model: str | None = None,
        revision: str | None = None,
        sizes: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(name, text, pictures)
        self.source = NetworkSource(model, revision, sizes, KEY)
        self.tower = tower

    def check(self) -> None:
        """Find out cheaply whether everything that is pretrained can be had."""
        super().check()
        self.source.check()
        self.tower.check()

    def load(self) -> None:
        """Create the network."""
        from transformers import LxmertModel

        if hasattr(self, "network"):
            return
        stored = self.stored or {}
        tower = self.tower
        del self.tower  # from here on it belongs to the sequence of regions
        tower.load(self.pictures.size, stored.get("tower"))
        self.network = self.source.network(LxmertModel, stored.get("network"))
        settings: Any = self.network.config
        self.regions = RegionSequence(tower, self.pictures, int(settings.visual_feat_dim))
        self.dim = int(settings.hidden_size)

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

    def blocks(self) -> list[list[nn.Module]]:
        """Return tower, embeddings, layers of one modality each, then those across."""
        network: Any = self.network
        encoder = network.encoder
        inputs = [network.embeddings, encoder.visn_fc, self.regions.project]
        alone = [list(encoder.layer), list(encoder.r_layers)]
        depth = max(map(len, alone))
        apart = [[stream[i] for stream in alone if i < len(stream)] for i in range(depth)]
        return [*self.regions.tower.blocks(), inputs, *apart, *([layer] for layer in encoder.x_layers)]

    def configs(self) -> dict[str, dict[str, Any]]:
        """Return the configurations of network and tower."""
        settings: Any = self.network.config
        return {"network": dict(settings.to_dict()), "tower": self.regions.tower.config()}
