"""Prompts and pictures of a batch of samples → padded tensors."""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from vlrb.encoders.backbones.pictures import PictureInputs, Pixels
from vlrb.encoders.backbones.text import TextPreprocessor

RAW_KEYS: Final = ("text_ids", "text_mask", "pixels", "extent", "picture_mask")


class SamplePreprocessor:
    """Prompts and pictures → inputs of a backbone; picklable, holds no weights, runs where batches are prepared.

    Args:
        text: Prompts → ids.
        picture: A picture → pixels.
    """

    def __init__(self, text: TextPreprocessor, picture: PictureInputs) -> None:
        self.text, self.picture = text, picture

    def __call__(self, prompts: Sequence[str], pictures: Sequence[Sequence[Pixels]]) -> dict[str, Tensor]:
        """Return the inputs of B samples.

        Args:
            prompts: B prompts.
            pictures: The prepared pictures of each, any number.

        Returns:
            `text_ids` (B, T), `text_mask` (B, T), `pixels` (B, P, 3, S, S), `extent` (B, P, 4), `picture_mask` (B, P);
            P is the largest number of pictures, 0 if there are none at all.
        """
        count = max(map(len, pictures), default=0)
        size = self.picture.size
        pixels = torch.zeros(len(prompts), count, 3, size, size, dtype=torch.uint8)
        extent = torch.zeros(len(prompts), count, 4)
        mask = torch.zeros(len(prompts), count, dtype=torch.bool)
        for row, listed in enumerate(pictures):
            for place, picture in enumerate(listed):
                pixels[row, place] = torch.from_numpy(picture.pixels)
                extent[row, place] = torch.from_numpy(picture.extent)
                mask[row, place] = True
        return {**self.text(prompts), "pixels": pixels, "extent": extent, "picture_mask": mask}
