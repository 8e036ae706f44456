"""CLIP: a text tower and a picture tower trained to agree on captions (Radford et al., ICML 2021)."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from vlrb.encoders.backbones.two_towers import TwoTowers


class ClipBackbone(TwoTowers):
    """CLIP over the prompt and the pictures: both towers' projected rows, joined for routing (see `TwoTowers`).

    CLIP reads at most 77 tokens, so that long prompts lose their end. Its text row is that of the last token, found by
    the mask: the causal tower never looks at the padding behind it, and no id has to be the highest of the tokenizer.
    Published checkpoints crop the centre of a picture; here the whole picture is scaled to fit, since questions often
    ask about its sides.
    """

    kind: ClassVar[str] = "CLIPModel"
    comparison: ClassVar[tuple[str, ...]] = ("logit_scale",)

    def compared(self, settings: Any) -> int:  # noqa: ANN401 - transformers has no types
        """Return the width of the projected rows."""
        return int(settings.projection_dim)

    def text_rows(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return (B, P): the projected row of each prompt's last token."""
        network: Any = self.network
        states = network.text_model(input_ids=ids).last_hidden_state
        last = mask.sum(dim=1) - 1
        return torch.as_tensor(network.text_projection(states[torch.arange(len(ids), device=ids.device), last]))

    def picture_rows(self, colours: Tensor, *, stretch: bool) -> Tensor:
        """Return (K, P): the projected row of each picture's class token."""
        network: Any = self.network
        found = network.vision_model(pixel_values=colours, interpolate_pos_encoding=stretch)
        return torch.as_tensor(network.visual_projection(found.pooler_output))
