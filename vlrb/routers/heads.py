"""What turns rows of a backbone into scores; always in float32, whatever the precision of training.

Under bfloat16 two scores near 2 can differ by no less than 1/64: many models would tie, and ties go by cost.
"""

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

SHORTEST: Final = 1e-6  # rows that are shorter have no direction
HIGHEST_SCALE: Final = 100.0  # of cosine logits, as CLIP has it (Radford et al., ICML 2021)
FIRST_TEMPERATURE: Final = 0.07


class LinearHead(nn.Module):
    """Rows (B, D) → logits (B, M) float32, with dropout.

    Args:
        dim: D.
        models: M.
        dropout: Share of the numbers of a row dropped while training.
    """

    def __init__(self, dim: int, models: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(dim, models)

    def forward(self, rows: Tensor) -> Tensor:
        """Return logits (B, M)."""
        with torch.autocast(rows.device.type, enabled=False):
            return linear(self.dropout(rows.float()), self.linear.weight.float(), self.linear.bias.float())


class CosineHead(nn.Module):
    """Rows (B, D) → cosine to a learnt embedding of each model, divided by a learnt temperature: (B, M) float32.

    The temperature is learnt as a logarithm and kept in [1/100, 1]: no step can leave the range, and at either end the
    gradient can still lead back into it.

    Args:
        dim: D.
        models: M.
    """

    def __init__(self, dim: int, models: int) -> None:
        super().__init__()
        self.embeddings = nn.Parameter(torch.randn(models, dim) / math.sqrt(dim))
        self.log_temperature = nn.Parameter(torch.tensor(math.log(FIRST_TEMPERATURE)))

    def temperature(self) -> Tensor:
        """Return the temperature, a scalar float32; a value that a step took out of range is put back first."""
        bounds = (-math.log(HIGHEST_SCALE), 0.0)
        if not self.training:
            return self.log_temperature.float().clamp(*bounds).exp()
        with torch.no_grad():  # clamping what is used alone would leave it outside, without a gradient, for ever
            self.log_temperature.clamp_(*bounds)
        return self.log_temperature.float().exp()

    def forward(self, rows: Tensor) -> Tensor:
        """Return logits (B, M)."""
        with torch.autocast(rows.device.type, enabled=False):
            return unit(rows.float()) @ unit(self.embeddings.float()).T / self.temperature()


def unit(rows: Tensor) -> Tensor:
    """Return rows (B, D) scaled to length 1; rows of (almost) no length stay as they are, with a finite gradient.

    >>> unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    length = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return rows / torch.where(length > SHORTEST, length, 1.0)
