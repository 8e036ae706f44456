"""ViLBERT: a BERT for words and one for regions, joined by layers in which each reads the other (Lu et al., 2019)."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vlrb.encoders.backbones.bert import BoxEmbeddings, Reading, additive, copied, through
from vlrb.encoders.backbones.network import KEY
from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.encoders.backbones.region_backbone import RegionBackbone
from vlrb.encoders.backbones.regions import Regions, RegionSequence
from vlrb.encoders.backbones.text import TextInputs
from vlrb.encoders.backbones.towers import Tower
from vlrb.utils.errors import ConfigError


class VilbertBackbone(RegionBackbone):
    """ViLBERT's architecture (NeurIPS 2019) on a BERT, over the prompt and the patches of a vision tower.

    The text stream is BERT itself, with all its layers. Before each of its last C layers, and before each of the last
    C layers of the region stream, stands a co-attention layer, in which each stream reads the other's states. The
    regions begin with a token for all of the pictures: the mean of their features, with a box around everything.

    A row is the product of the pooled first tokens of both streams, as the paper joins them for VQA.

    Of T text layers, region layer r of R starts as a copy of BERT's layer T − R + r, both halves of co-attention layer
    c of C as copies of BERT's layer T − C + c (queries of one stream meet keys and values of the other), and the
    regions' pooler as a copy of BERT's. With random weights each draws its own. The embeddings of the regions are new.

    Args:
        name: Short name.
        text: How prompts become token ids.
        pictures: How pictures become pixels.
        tower: From pixels to patches.
        region_layers: Layers R of the region stream.
        co_layers: Co-attention layers C.
        model: Name on the hub, or a folder; None = random weights.
        revision: Commit on the hub.
        sizes: Values of BERT's configuration in place of its own.
    """

    kind: ClassVar[str] = "BertModel"

    def __init__(
        self,
        name: str,
        text: TextInputs,
        pictures: PictureInputs,
        tower: Tower,
        region_layers: int = 6,
        co_layers: int = 6,
        model: str | None = None,
        revision: str | None = None,
        sizes: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(name, text, pictures, tower, model, revision, sizes)
        if not 1 <= co_layers <= region_layers:
            raise ConfigError(f"{KEY}.co_layers must be from 1 to region_layers={region_layers}, not {co_layers}")
        self.region_layers, self.co_layers = region_layers, co_layers

    def assemble(self, tower: Tower, settings: Any) -> None:  # noqa: ANN401 - transformers has no types
        """Create the region stream and the co-attention layers."""
        network: Any = self.network
        layers, spread = network.encoder.layer, None if self.pretrained else settings.initializer_range
        if self.region_layers > len(layers):
            raise ConfigError(f"{KEY}.region_layers={self.region_layers}, but BERT has {len(layers)} layers")
        self.regions = RegionSequence(tower, self.pictures)
        self.embed = BoxEmbeddings(tower.width, settings)
        self.visual = nn.ModuleList(copied(layer, spread) for layer in layers[-self.region_layers :])
        deep = layers[-self.co_layers :]
        self.text_reads = nn.ModuleList(Reading(copied(layer, spread)) for layer in deep)
        self.regions_read = nn.ModuleList(Reading(copied(layer, spread)) for layer in deep)
        self.pooler = copied(network.pooler, spread)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return (B, D)."""
        network: Any = self.network
        regions = whole_first(self.regions(inputs))
        words, seen = network.embeddings(input_ids=inputs["text_ids"]), self.embed(regions.features, regions.boxes)
        masks = [inputs["text_mask"], regions.mask]
        added = [additive(mask, words.dtype) for mask in masks]
        layers, alone = list(network.encoder.layer), self.co_layers
        for layer in layers[:-alone]:
            words = through(layer, words, added[0])
        for layer in self.visual[:-alone]:
            seen = through(layer, seen, added[1])
        joined = zip(self.text_reads, self.regions_read, layers[-alone:], self.visual[-alone:], strict=True)
        for text_reads, regions_read, text_layer, region_layer in joined:
            words, seen = text_reads(words, seen, masks[1]), regions_read(seen, words, masks[0])
            words, seen = through(text_layer, words, added[0]), through(region_layer, seen, added[1])
        return torch.as_tensor(network.pooler(words) * self.pooler(seen))

    def layers(self) -> list[list[nn.Module]]:
        """Return embeddings, layers and poolers of both streams by depth."""
        network: Any = self.network
        own = list(network.encoder.layer)
        found: list[list[nn.Module]] = [[layer] for layer in own]
        for block, layer in zip(found[-self.region_layers :], self.visual, strict=True):
            block.append(layer)
        reads = zip(found[-self.co_layers :], self.text_reads, self.regions_read, strict=True)
        for block, *readings in reads:
            block.extend(readings)
        return [[network.embeddings], *found, [network.pooler, self.pooler]]

    def added(self) -> list[nn.Module]:
        """Return the embeddings of the regions."""
        return [self.embed]


def whole_first(regions: Regions) -> Regions:
    """Return regions whose first token is the mean of all that may be looked at, and may be looked at itself."""
    weight = regions.mask.to(regions.features.dtype)[..., None]
    mean = (regions.features * weight).sum(dim=1, keepdim=True) / weight.sum(dim=1, keepdim=True)
    mask = torch.cat([torch.ones_like(regions.mask[:, :1]), regions.mask[:, 1:]], dim=1)
    return Regions(torch.cat([mean, regions.features[:, 1:]], dim=1), regions.boxes, mask)
