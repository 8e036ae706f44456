"""What an encoder is: text or pictures in, one row of numbers each out. Frozen, deterministic, nothing fitted."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image


class Encoder(ABC):
    """What both sorts of encoder share.

    Attributes:
        name: Short name; with `settings()` it names the folder of the cached features.
        dim: Width D of a row.
        revision: Changes whenever the same settings would give other numbers.
    """

    name: str
    dim: int
    revision: str

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return plain values that, with `name` and `revision`, determine the output."""

    def check(self) -> None:  # noqa: B027 - most encoders need nothing
        """Find out cheaply, before a long job starts, whether encoding can work; by default it can.

        Raises:
            VlrbError: Something that it needs is not there.
        """

    def details(self) -> dict[str, Any]:
        """Return plain values worth recording beside the features; called after encoding."""
        return {}


class TextEncoder(Encoder):
    """Encodes prompts."""

    @abstractmethod
    def encode(self, texts: list[str]) -> np.ndarray:
        """Return (B, D) float32; a row depends on its own text alone."""


class VisionEncoder(Encoder):
    """Encodes pictures."""

    @abstractmethod
    def encode(self, images: "list[Image]") -> np.ndarray:
        """Return (B, D) float32, one row per picture; a row depends on its own picture alone."""
