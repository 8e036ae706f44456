"""Standardisation of features with training statistics, kept in buffers."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Standardizer(nn.Module):
    """Map features to zero mean and unit spread of the training split; constant columns are only centred.

    Args:
        dim: Width D of the features.
        enabled: False passes features through unchanged.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, dim: int, *, enabled: bool = True) -> None:
        super().__init__()
        self.enabled = enabled
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))

    def fit(self, batches: Iterable[Tensor]) -> None:
        """Take mean and standard deviation (divided by n) over batches (B, D), summed in float64."""
        n, total, squares = 0, torch.zeros(1), torch.zeros(1)
        shift: Tensor | None = None
        if not self.enabled:
            return
        for features in batches:
            x = features.double()
            shift = x.mean(dim=0) if shift is None else shift  # near the mean, so that the squares do not cancel
            n += len(x)
            total = total.to(x) + (x - shift).sum(dim=0)
            squares = squares.to(x) + (x - shift).square().sum(dim=0)
        if shift is None:
            return
        spread = (squares / n - (total / n).square()).clamp_min(0).sqrt()
        constant = spread <= 1e-6 * (shift.abs() + spread)  # what is left is rounding
        self.mean.copy_(shift + total / n)
        self.scale.copy_(torch.where(constant, torch.ones_like(spread), spread))

    def forward(self, features: Tensor) -> Tensor:
        """Return standardised features (B, D)."""
        return (features - self.mean) / self.scale if self.enabled else features
