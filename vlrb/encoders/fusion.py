"""Fusion of text and vision features: pure functions of one row, nothing fitted."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn.functional import normalize

SMALLEST_NORM = 1e-12


class Fusion(ABC):
    """Turns text (B, Dt) and vision (B, Dv) features into one row (B, D) each."""

    @abstractmethod
    def dim(self, text_dim: int, vision_dim: int) -> int:
        """Return the width D of the fused features."""

    @abstractmethod
    def __call__(self, text: Tensor, vision: Tensor) -> Tensor:
        """Return the fused features (B, D)."""


class ConcatFusion(Fusion):
    """Text and vision side by side.

    >>> ConcatFusion()(torch.tensor([[3.0, 4.0]]), torch.tensor([[2.0]])).tolist()
    [[3.0, 4.0, 2.0]]
    """

    def dim(self, text_dim: int, vision_dim: int) -> int:
        """Return Dt + Dv."""
        return text_dim + vision_dim

    def __call__(self, text: Tensor, vision: Tensor) -> Tensor:
        """Return [text | vision]."""
        return torch.cat([text, vision], dim=1)


class NormalizeConcatFusion(Fusion):
    """Text and vision side by side, each divided by its length (a zero row stays zero).

    >>> NormalizeConcatFusion()(torch.tensor([[3.0, 4.0]]), torch.tensor([[2.0]])).tolist()  # 3/5, 4/5 and 2/2
    [[0.6000000238418579, 0.800000011920929, 1.0]]
    """

    def dim(self, text_dim: int, vision_dim: int) -> int:
        """Return Dt + Dv."""
        return text_dim + vision_dim

    def __call__(self, text: Tensor, vision: Tensor) -> Tensor:
        """Return [text / |text|, vision / |vision|]."""
        return torch.cat(
            [normalize(text, dim=1, eps=SMALLEST_NORM), normalize(vision, dim=1, eps=SMALLEST_NORM)], dim=1
        )


class TextOnlyFusion(Fusion):
    """The text alone, for ablations."""

    def dim(self, text_dim: int, vision_dim: int) -> int:
        """Return Dt."""
        return text_dim

    def __call__(self, text: Tensor, vision: Tensor) -> Tensor:
        """Return the text features."""
        return text


class ImageOnlyFusion(Fusion):
    """The pictures alone, for ablations."""

    def dim(self, text_dim: int, vision_dim: int) -> int:
        """Return Dv."""
        return vision_dim

    def __call__(self, text: Tensor, vision: Tensor) -> Tensor:
        """Return the vision features."""
        return vision
