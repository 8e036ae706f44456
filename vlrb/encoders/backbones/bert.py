"""Parts of BERT that networks are made of which transformers does not have: UNITER and ViLBERT."""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Return what BERT's layers add to attention scores, (B, 1, 1, L), for what may be looked at (B, L)."""
    hidden = torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, torch.finfo(dtype).min)
    return hidden[:, None, None, :]


def through(layer: nn.Module, states: Tensor, mask: Tensor) -> Tensor:
    """Return what a `BertLayer` makes of states (B, L, D) with an additive mask."""
    found = layer(states, mask)
    return torch.as_tensor(found[0] if isinstance(found, tuple) else found)  # a tuple before transformers 5


def copied(part: nn.Module, spread: float | None) -> nn.Module:
    """Return a copy of a part of BERT: with its weights, or with new ones.

    Args:
        part: Layer or pooler.
        spread: Standard deviation of new weights; None = the part's own weights.
    """
    found = deepcopy(part)
    for module in found.modules() if spread is not None else ():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=spread or 0.0)
            nn.init.zeros_(module.bias)
    return found


class BoxEmbeddings(nn.Module):
    """Features and places of regions → embeddings: each mapped and layer-normed, added up.

    Places are (left, top, right, bottom, width, height, area), as in UNITER (Chen et al., ECCV 2020, §3.1).

    Args:
        inputs: Width F of a region's features.
        settings: BERT's configuration.
    """

    def __init__(self, inputs: int, settings: Any) -> None:  # noqa: ANN401 - transformers has no types
        super().__init__()
        width = int(settings.hidden_size)
        self.feature, self.place = nn.Linear(inputs, width), nn.Linear(7, width)
        for layer in (self.feature, self.place):
            nn.init.normal_(layer.weight, std=settings.initializer_range)
            nn.init.zeros_(layer.bias)
        self.norms = nn.ModuleList(nn.LayerNorm(width, eps=settings.layer_norm_eps) for _ in range(3))
        self.dropout = nn.Dropout(settings.hidden_dropout_prob)

    def forward(self, features: Tensor, boxes: Tensor, kind: Tensor | None = None) -> Tensor:
        """Return (B, V, D); `kind` (D,) marks them as regions."""
        mapped = self.norms[0](self.feature(features)) + self.norms[1](self.place(places(boxes)))
        found: Tensor = self.dropout(self.norms[2](mapped if kind is None else mapped + kind))
        return found


def places(boxes: Tensor) -> Tensor:
    """Return (…, 7) left, top, right, bottom, width, height, area of boxes (…, 4).

    >>> places(torch.tensor([0.0, 0.25, 0.5, 0.75])).tolist()
    [0.0, 0.25, 0.5, 0.75, 0.5, 0.5, 0.25]
    """
    size = boxes[..., 2:] - boxes[..., :2]
    return torch.cat([boxes, size, size.prod(dim=-1, keepdim=True)], dim=-1)


class Reading(nn.Module):
    """A layer of BERT whose queries come from one stream, keys and values from another (Lu et al., NeurIPS 2019, §2.1).

    Args:
        layer: A `BertLayer`; its parts are taken over.
    """

    def __init__(self, layer: Any) -> None:  # noqa: ANN401 - transformers has no types
        super().__init__()
        self.layer = layer

    def forward(self, states: Tensor, others: Tensor, mask: Tensor) -> Tensor:
        """Return (B, L, D): states (B, L, D) that have read others (B, K, D), of which `mask` (B, K) may be read."""
        own = self.layer.attention.self
        query, key, value = own.query(states), own.key(others), own.value(others)
        q, k, v = (part.unflatten(-1, (own.num_attention_heads, -1)).transpose(1, 2) for part in (query, key, value))
        dropout = own.dropout.p if self.training else 0.0
        read = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :], dropout_p=dropout)
        found = self.layer.attention.output(read.transpose(1, 2).flatten(2), states)
        return torch.as_tensor(self.layer.output(self.layer.intermediate(found), found))
