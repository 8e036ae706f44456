"""All pictures of a sample as one sequence of region tokens with boxes."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.encoders.backbones.towers import Patches, Tower

NUMBERED = 8  # pictures of one sample that are told apart; later ones look like the last of these


class Regions(NamedTuple):
    """Region tokens of B samples; `features` (B, V, F), `boxes` (B, V, 4), `mask` (B, V) bool, at least one set."""

    features: Tensor
    boxes: Tensor
    mask: Tensor


class RegionSequence(nn.Module):
    """Patches of all pictures of a sample, one after the other, marked by the picture's number.

    A learnt token stands first and is seen by samples without any picture alone, so that no sequence is empty.

    Args:
        tower: From pictures to patches; loaded.
        pictures: How pixels are normalised.
        width: Width F of a region token.
    """

    def __init__(self, tower: Tower, pictures: PictureInputs, width: int) -> None:
        super().__init__()
        self.tower, self.pictures = tower, pictures
        self.project = nn.Identity() if tower.width == width else nn.Linear(tower.width, width)
        self.number = nn.Embedding(NUMBERED, width)
        nn.init.zeros_(self.number.weight)  # a pretrained network sees at first what it is used to
        self.nothing = nn.Parameter(torch.zeros(width))

    def forward(self, inputs: dict[str, Tensor]) -> Regions:
        """Return the regions of a batch (see `Backbone` for its inputs); only real pictures go through the tower."""
        present = inputs["picture_mask"]
        real = present.nonzero()
        patches: Patches | None = None
        if len(real):
            colours = self.pictures.normalized(inputs["pixels"][present])
            patches = self.tower(colours, inputs["extent"][present])
        return self._sequence(present, patches)

    def _sequence(self, present: Tensor, patches: Patches | None) -> Regions:
        rows, places = present.shape
        first = self.nothing.expand(rows, 1, -1)
        whole = torch.tensor([0.0, 0.0, 1.0, 1.0], device=present.device).expand(rows, 1, 4)
        alone = ~present.any(dim=1, keepdim=True)
        if patches is None:
            return Regions(first, whole, alone)
        count = patches.tokens.shape[1]
        at = present.nonzero()
        tokens = self.project(patches.tokens) + self.number(at[:, 1].clamp_max(NUMBERED - 1))[:, None]
        features = tokens.new_zeros(rows, places, count, tokens.shape[-1]).index_put((at[:, 0], at[:, 1]), tokens)
        boxes = patches.boxes.new_zeros(rows, places, count, 4).index_put((at[:, 0], at[:, 1]), patches.boxes)
        mask = patches.mask.new_zeros(rows, places, count).index_put((at[:, 0], at[:, 1]), patches.mask)
        return Regions(
            torch.cat([first.to(features.dtype), features.flatten(1, 2)], dim=1),
            torch.cat([whole, boxes.flatten(1, 2)], dim=1),
            torch.cat([alone, mask.flatten(1, 2)], dim=1),
        )
