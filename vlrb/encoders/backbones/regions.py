"""All pictures of a sample as one sequence of region tokens with boxes."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.encoders.backbones.towers import Patches, Tower

NUMBERED = 8  # pictures of one sample that are told apart; later ones look like the last of these


class Regions(NamedTuple):
    """Region tokens of B samples; V may be 0 if nothing stands for "no picture".

    Attributes:
        features: (B, V, F).
        boxes: (B, V, 4) left, top, right, bottom in the picture's own coordinates, 0 to 1.
        mask: (B, V) bool: what may be looked at.
    """

    features: Tensor
    boxes: Tensor
    mask: Tensor


class RegionSequence(nn.Module):
    """Patches of all pictures of a sample, one after the other, marked by the picture's number.

    Args:
        tower: From pictures to patches; loaded.
        pictures: How pixels are normalised.
        width: Width F of a region token; None = that of the tower, without a projection.
        nothing: Put a learnt token first, which samples without any picture see alone: for networks in which a
            sequence of regions must not be empty.
    """

    def __init__(
        self, tower: Tower, pictures: PictureInputs, width: int | None = None, *, nothing: bool = True
    ) -> None:
        super().__init__()
        self.tower, self.pictures = tower, pictures
        self.width = tower.width if width is None else width
        self.project = nn.Identity() if tower.width == self.width else _projection(tower.width, self.width)
        self.number = nn.Embedding(NUMBERED, self.width)
        nn.init.zeros_(self.number.weight)  # a pretrained network sees at first what it is used to
        self.nothing = nn.Embedding(1, self.width) if nothing else None
        if self.nothing is not None:
            nn.init.zeros_(self.nothing.weight)

    def forward(self, inputs: dict[str, Tensor]) -> Regions:
        """Return the regions of a batch (see `Backbone` for its inputs); only real pictures go through the tower."""
        present = inputs["picture_mask"]
        at = present.nonzero()
        if len(at):
            colours = self.pictures.normalized(inputs["pixels"][present])
            return self._sequence(present, at, self.tower(colours, inputs["extent"][present]))
        if self.training:  # nobody sees it, but every parameter has its part, as processes that work together expect
            return self._sequence(present.new_zeros(len(present), 1), at.new_zeros(1, 2), self._blank(present.device))
        return self._first(present)

    def new_parts(self) -> list[nn.Module]:
        """Return what no checkpoint knows."""
        found = [self.number] if self.nothing is None else [self.number, self.nothing]
        return [self.project, *found] if isinstance(self.project, nn.Linear) else [*found]

    def _blank(self, device: torch.device) -> Patches:
        """Return the patches of one picture that may not be looked at."""
        size = self.pictures.size
        whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]], device=device)
        found: Patches = self.tower(torch.zeros(1, 3, size, size, device=device), whole)
        return found._replace(mask=torch.zeros_like(found.mask))

    def _first(self, present: Tensor) -> Regions:
        """Return what stands before all patches: the token for "no picture", or nothing at all."""
        rows, count = len(present), int(self.nothing is not None)
        features = self.number.weight.new_zeros(rows, 0, self.width)
        if self.nothing is not None:
            features = self.nothing.weight.expand(rows, 1, -1)
        whole = torch.tensor([0.0, 0.0, 1.0, 1.0], device=present.device).expand(rows, count, 4)
        return Regions(features, whole, ~present.any(dim=1, keepdim=True)[:, :count])

    def _sequence(self, present: Tensor, at: Tensor, patches: Patches) -> Regions:
        """Put the patches of K pictures at their places `at` (K, 2): sample, and number within it."""
        rows, places = present.shape
        row, place = at.unbind(dim=1)
        tokens = self.project(patches.tokens)
        tokens = tokens + self.number(place.clamp_max(NUMBERED - 1))[:, None]

        def placed(values: Tensor) -> Tensor:
            empty = values.new_zeros(rows, places, *values.shape[1:])
            return empty.index_put((row, place), values).flatten(1, 2)

        first = self._first(present)
        return Regions(
            torch.cat([first.features.to(tokens.dtype), placed(tokens)], dim=1),
            torch.cat([first.boxes, placed(patches.boxes)], dim=1),
            torch.cat([first.mask, placed(patches.mask)], dim=1),
        )


def _projection(inputs: int, outputs: int) -> nn.Linear:
    """Return a linear map that keeps the mean square of layer-normed tokens."""
    found = nn.Linear(inputs, outputs)
    nn.init.normal_(found.weight, std=inputs**-0.5)
    nn.init.zeros_(found.bias)
    return found
