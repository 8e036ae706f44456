"""ViLT: one transformer over words and raw patches together (Kim et al., ICML 2021)."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vlrb.encoders.backbones.limits import check_pictures, check_text
from vlrb.encoders.backbones.network import NetworkBackbone
from vlrb.encoders.backbones.regions import NUMBERED
from vlrb.encoders.backbones.towers import patch_boxes


class ViltBackbone(NetworkBackbone):
    """ViLT over the prompt and all pictures of a sample as one sequence: words, then class token and patches of each.

    A row is the pooled output: the first word's place after every layer has looked at everything. Patches that are all
    filling are not looked at; of a sample without pictures, the words stand alone. Position embeddings are stretched
    over the picture itself, as ViLT does, and further pictures are told apart by an embedding that starts at zero.
    ViltModel draws the order of patches, or which to keep, at random; here they are all kept, in order.

    Published checkpoints read at most 40 tokens, and pictures with a shorter side of 384 pixels; `pictures.size` is the
    longer side here and may be any multiple of the patch.

    Args:
        name: Short name.
        text: How prompts become token ids.
        pictures: How pictures become pixels.
        model: Name on the hub, or a folder; None = random weights.
        revision: Commit on the hub.
        sizes: Values of the network's configuration in place of its own.
    """

    def load(self) -> None:
        """Create the network."""
        from transformers import ViltModel

        if hasattr(self, "network"):
            return
        network = self.source.network(ViltModel, (self.stored or {}).get("network"), unused=("pooler.",))
        settings: Any = network.config
        check_text(self.text, settings.max_position_embeddings, settings.vocab_size)
        check_pictures(self.pictures.size, settings.patch_size)
        self.network = network
        self.dim = int(settings.hidden_size)
        self.number = nn.Embedding(NUMBERED, self.dim)
        nn.init.zeros_(self.number.weight)  # a pretrained network sees at first what it is used to

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return (B, D)."""
        tokens, mask = self._sequence(inputs)
        found = self.network(
            input_ids=inputs["text_ids"],
            attention_mask=inputs["text_mask"].long(),
            image_embeds=tokens,
            pixel_mask=mask.long(),
        )
        return torch.as_tensor(found.pooler_output)

    def _sequence(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the tokens of all pictures of each sample (B, V, D), and which of them to look at (B, V)."""
        present = inputs["picture_mask"]
        at = present.nonzero(as_tuple=True)
        if not len(at[0]):
            return self.number.weight.new_zeros(len(present), 0, self.dim), present.new_zeros(len(present), 0)
        tokens, mask = self._patches(self.pictures.normalized(inputs["pixels"][present]), inputs["extent"][present])
        tokens = tokens + self.number(at[1].clamp_max(NUMBERED - 1))[:, None]
        every = tokens.new_zeros(*present.shape, *tokens.shape[1:]).index_put(at, tokens)
        seen = mask.new_zeros(*present.shape, mask.shape[1]).index_put(at, mask)
        return every.flatten(1, 2), seen.flatten(1, 2)

    def _patches(self, colours: Tensor, extent: Tensor) -> tuple[Tensor, Tensor]:
        """Return class token and patches of K pictures (K, 1 + n, D), and which show any of the picture."""
        embeddings: Any = self.network.embeddings
        grid = embeddings.patch_embeddings(colours)
        _, mask = patch_boxes(extent, grid.shape[2], grid.shape[3])
        places = embeddings.position_embeddings
        patches = grid.flatten(2).transpose(1, 2) + stretched(places[:, 1:], mask.view(-1, *grid.shape[2:]))
        first = (embeddings.cls_token + places[:, :1]).expand(len(colours), -1, -1)
        tokens = embeddings.dropout(torch.cat([first.to(patches.dtype), patches], dim=1))
        return tokens, torch.cat([mask.new_ones(len(mask), 1), mask], dim=1)

    def blocks(self) -> list[list[nn.Module]]:
        """Return the embeddings, the layers, and what stands on them."""
        network: Any = self.network
        layers = ([layer] for layer in network.encoder.layer)
        return [[network.embeddings, self.number], *layers, [network.layernorm, network.pooler]]

    def new_parts(self) -> list[nn.Module]:
        """Return the marks of further pictures."""
        return [self.number]


def stretched(places: Tensor, seen: Tensor) -> Tensor:
    """Return position embeddings (K, rows·columns, D), stretched over the rectangle of patches that each picture fills.

    Bilinear, corner on corner, as ViLT has it; outside the rectangle the nearest edge, which nobody looks at.

    Args:
        places: (1, g·g, D) embeddings of a square of g patches a side.
        seen: (K, rows, columns) bool: patches of the picture, a rectangle each.
    """
    side = round(places.shape[1] ** 0.5)
    square = places.transpose(1, 2).reshape(1, -1, side, side).float()
    across, down = _along(seen.any(dim=1)), _along(seen.any(dim=2))
    where = torch.stack(
        [across[:, None, :].expand(seen.shape), down[:, :, None].expand(seen.shape)], dim=-1
    )  # (K, rows, columns, 2): x, y from -1 to 1
    found = functional.grid_sample(
        square.expand(len(seen), -1, -1, -1), where, mode="bilinear", padding_mode="border", align_corners=True
    )
    return found.flatten(2).transpose(1, 2)


def _along(seen: Tensor) -> Tensor:
    """Return where each of n patches of a side lies in its picture, -1 for the first to 1 for the last (K, n)."""
    first = seen.float().argmax(dim=1, keepdim=True)
    last = (seen.sum(dim=1, keepdim=True) - 1).clamp_min(1)
    return 2 * (torch.arange(seen.shape[1], device=seen.device) - first) / last - 1
