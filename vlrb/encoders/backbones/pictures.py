"""Pictures → pixels of one size with their shape kept: scaled to fit, the rest filled, and where the picture lies."""

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from torch import Tensor

from vlrb.encoders.vision.pixels import FILTERS, normalized, padded
from vlrb.utils.errors import ConfigError
from vlrb.utils.suggest import did_you_mean

if TYPE_CHECKING:
    from PIL.Image import Image

KEY = "encoder.backbone.pictures"
RESIZES = ("pad", "squash")
HALF = (0.5, 0.5, 0.5)


class Pixels(NamedTuple):
    """One picture.

    Attributes:
        pixels: (3, S, S) uint8.
        extent: (4,) float32: left, top, right and bottom of the picture itself within the square, as shares of S.
    """

    pixels: np.ndarray
    extent: np.ndarray


class PictureInputs:
    """How a backbone reads pictures; picklable.

    Args:
        size: Height and width S of the network's input in pixels.
        resize: pad = scaled to fit whole, shape kept, the rest filled with the mean colour; squash = scaled to the
            square whatever its shape.
        resample: Filter of the scaling.
        mean: Mean of R, G and B (of 1) that is taken off.
        std: Spread of R, G and B that the rest is divided by.

    Raises:
        ConfigError: A value is impossible.
    """

    def __init__(
        self,
        size: int = 224,
        resize: Literal["pad", "squash"] = "pad",
        resample: str = "bicubic",
        mean: tuple[float, ...] = HALF,
        std: tuple[float, ...] = HALF,
    ) -> None:
        if size < 1:
            raise ConfigError(f"{KEY}.size must be at least 1, not {size}")
        if resize not in RESIZES:
            raise ConfigError(f"{KEY}.resize={resize}: no such way", did_you_mean(resize, RESIZES))
        if resample not in FILTERS:
            raise ConfigError(f"{KEY}.resample={resample}: no such filter", did_you_mean(resample, FILTERS))
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ConfigError(f"{KEY}.mean and std must be three numbers each, std above 0")
        self.size, self.resize, self.resample = size, resize, resample
        self.mean, self.std = tuple(mean), tuple(std)

    def __call__(self, image: "Image") -> Pixels:
        """Return the pixels of one RGB picture of any size."""
        from PIL.Image import Resampling

        how, size = Resampling(FILTERS.index(self.resample)), self.size
        if self.resize == "squash":
            square = image.resize((size, size), how)
            return Pixels(_planes(square), np.array([0, 0, 1, 1], np.float32))
        canvas, box = padded(image, size, how, self.mean)
        return Pixels(_planes(canvas), np.array(box, np.float32) / size)

    def normalized(self, pixels: Tensor) -> Tensor:
        """Return (K, 3, S, S) float32 colours of uint8 pixels, as the network wants them; on their device."""
        return normalized(pixels, self.mean, self.std)


def _planes(image: "Image") -> np.ndarray:
    return np.ascontiguousarray(np.asarray(image, np.uint8).transpose(2, 0, 1))
