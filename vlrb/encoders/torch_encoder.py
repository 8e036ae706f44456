"""Encoders that are torch networks: frozen, with host-side work apart from the forward pass so that the two overlap."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vlrb.encoders.base import Encoder

Inputs = dict[str, Tensor]


class TorchEncoder(nn.Module, Encoder):
    """A frozen network that turns texts or pictures into one row of numbers each.

    Building one reads no weights: `load()` does, once, when features are really made.
    """

    @abstractmethod
    def preprocessor(self) -> Callable[[list[Any]], Inputs]:
        """Return a light, picklable function from items (texts or RGB pictures) to inputs of `forward`.

        It holds no weights and runs on the host, in the processes that prepare batches.
        """

    @abstractmethod
    def load(self) -> None:
        """Read the weights unless they are there already.

        Raises:
            DataError: They are not on this machine and cannot be had, or do not fit.
        """

    @abstractmethod
    def forward(self, inputs: Inputs) -> Tensor:
        """Return (B, D) float32 on the device of the weights; a row depends on its own item alone."""

    @torch.inference_mode()
    def encode(self, items: list[Any]) -> np.ndarray:
        """Return (B, D) float32 for texts or pictures."""
        self.load()
        self.eval()
        device = next(self.parameters()).device
        inputs = {name: value.to(device) for name, value in self.preprocessor()(items).items()}
        rows: np.ndarray = self(inputs).float().cpu().numpy()
        return rows
