"""Encoders that are torch networks: frozen, with host-side work apart from the forward pass so that the two overlap."""

from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from vlrb.encoders.base import Encoder

Inputs = dict[str, Tensor]
Precision = Literal["auto", "float32", "bfloat16"]
ITEMS_PER_PASS = 32  # of `encode`; whoever prepares batches himself calls `forward`


class TorchEncoder(nn.Module, Encoder):
    """A frozen network that turns texts or pictures into one row of numbers each.

    Building one reads no weights: `load()` does, once, when features are really made.

    Attributes:
        precision: Arithmetic of the forward pass; auto = bfloat16 on GPUs that have it, else float32. Rows are float32.
    """

    precision: Precision = "auto"
    _used: str | None = None

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

    def details(self) -> dict[str, Any]:
        """Return plain values worth recording beside the features: here the arithmetic, if this process computed."""
        return {"arithmetic": self._used} if self._used else {}

    def arithmetic(self, device: torch.device) -> AbstractContextManager[Any]:
        """Return the context of the forward pass on a device: automatic mixed precision, or plainly float32."""
        self._used = self.resolved_precision(device)
        return torch.autocast(device.type, torch.bfloat16, enabled=self._used == "bfloat16")

    def resolved_precision(self, device: torch.device) -> str:
        """Return the arithmetic that `precision` means on a device: float32 or bfloat16."""
        if self.precision != "auto":
            return self.precision
        native = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)  # Ampere and later
        return "bfloat16" if native else "float32"

    @torch.inference_mode()
    def encode(self, items: list[Any]) -> np.ndarray:
        """Return (B, D) float32 for texts or pictures."""
        self.load()
        self.eval()
        device = next(self.parameters()).device
        prepare = self.preprocessor()
        rows = np.empty((len(items), self.dim), np.float32)
        for start in range(0, len(items), ITEMS_PER_PASS):
            part = prepare(items[start : start + ITEMS_PER_PASS])
            found = self({name: value.to(device) for name, value in part.items()})
            rows[start : start + len(found)] = found.float().cpu().numpy()
        return rows


def unit_length(rows: Tensor) -> Tensor:
    """Return rows (B, D) scaled to length 1."""
    return nn.functional.normalize(rows, dim=1)
