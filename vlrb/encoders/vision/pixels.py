"""Pictures → pixels of one size, on the host: scaling, cropping, padding; nothing that needs torch's networks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

import numpy as np
import torch

from vlrb.encoders.torch_encoder import Inputs
from vlrb.utils.errors import ConfigError
from vlrb.utils.suggest import did_you_mean
from vlrb.utils.types import check_value

if TYPE_CHECKING:
    from PIL.Image import Image

Resize = Literal["card", "squash", "pad"]
FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")  # in the order of Pillow's numbers
KEY = "encoder.vision"
ROOM = 100  # times the network's input: a scaled picture that is larger is never made


@dataclass(frozen=True)
class Preprocessing:
    """How a network wants its pictures.

    Attributes:
        size: Height and width of its input in pixels.
        shortest_edge: The shorter side is scaled to this, then the centre is cropped; None = scaled to size × size.
        resample: Filter of the scaling.
        mean: Mean of R, G and B (of 1) that is taken off.
        std: Spread of R, G and B that the rest is divided by.
    """

    size: int
    shortest_edge: int | None
    resample: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __post_init__(self) -> None:
        """Raise ConfigError for impossible values."""
        if self.size < 1 or (self.shortest_edge is not None and self.shortest_edge < self.size):
            raise ConfigError(f"pictures of {self.size} pixels cannot be cropped from {self.shortest_edge}")
        if self.resample not in FILTERS:
            raise ConfigError(f"{KEY}.preprocessing.resample: {did_you_mean(self.resample, FILTERS)}")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ConfigError(f"mean {self.mean} and std {self.std} must be three numbers each, std above 0")

    def changed(self, options: Mapping[str, Any]) -> "Preprocessing":
        """Return a copy with some values replaced.

        Raises:
            ConfigError: A name is unknown.
        """
        hints = get_type_hints(Preprocessing)
        for name, value in options.items():
            if name not in hints:
                raise ConfigError(f"unknown key '{KEY}.preprocessing.{name}'", did_you_mean(name, hints))
            check_value(value, hints[name], f"{KEY}.preprocessing.{name}")
        given: dict[str, Any] = {**options}
        given |= {name: tuple(given[name]) for name in ("mean", "std") if name in given}
        if "size" in given and "shortest_edge" not in given and self.shortest_edge is not None:
            given["shortest_edge"] = round(given["size"] * self.shortest_edge / self.size)  # the same share is cut off
        return replace(self, **given)


class PicturePreprocessor:
    """RGB pictures → (B, 3, S, S) uint8; colours are scaled on the device, so a quarter of the bytes travels.

    Args:
        preprocessing: How the network wants its pictures.
        resize: card = as `preprocessing` says; squash = scaled to a square whatever its shape, nothing is cut off;
            pad = scaled to fit, the rest filled with the mean colour.
    """

    def __init__(self, preprocessing: Preprocessing, resize: Resize) -> None:
        self.preprocessing, self.resize = preprocessing, resize

    def __call__(self, images: "Sequence[Image]") -> Inputs:
        """Return {"pixels": (B, 3, S, S) uint8}."""
        size = self.preprocessing.size
        pixels = np.empty((len(images), size, size, 3), np.uint8)
        for row, image in zip(pixels, images, strict=True):
            row[:] = np.asarray(self._fitted(image if image.mode == "RGB" else image.convert("RGB")))
        return {"pixels": torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()}

    def _fitted(self, image: "Image") -> "Image":
        from PIL.Image import Resampling

        wanted = self.preprocessing
        how = Resampling(FILTERS.index(wanted.resample))
        if self.resize == "pad":
            return padded(image, wanted.size, how, wanted.mean)[0]
        if self.resize == "squash" or wanted.shortest_edge is None:
            return image.resize((wanted.size, wanted.size), how)
        return _cropped(image, wanted.shortest_edge, wanted.size, how)


def padded(
    image: "Image",
    size: int,
    how: Any,  # noqa: ANN401 - Pillow's enumeration
    mean: Sequence[float],
) -> tuple["Image", tuple[int, int, int, int]]:
    """Return a picture scaled to fit a square, shape kept, and where it lies in it: left, top, right, bottom in pixels.

    Args:
        image: RGB.
        size: Height and width of the square.
        how: Filter of the scaling.
        mean: Colour of the filling, R, G and B of 1.
    """
    from PIL import Image

    scale = size / max(image.size)
    width, height = (max(1, min(size, round(side * scale))) for side in image.size)
    left, top = (size - width) // 2, (size - height) // 2
    canvas = Image.new("RGB", (size, size), tuple(round(255 * value) for value in mean))
    canvas.paste(image.resize((width, height), how), (left, top))
    return canvas, (left, top, left + width, top + height)


def normalized(pixels: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """Return (K, 3, S, S) float32 colours of uint8 pixels, mean taken off and divided by std; on their device."""
    taken, spread = (torch.tensor(v, dtype=torch.float32, device=pixels.device).view(1, 3, 1, 1) for v in (mean, std))
    return (pixels.float() / 255 - taken) / spread


def _cropped(image: "Image", shortest_edge: int, size: int, how: Any) -> "Image":  # noqa: ANN401
    """Scale the shorter side and crop the centre; of a very long picture, only the part that is left is scaled."""
    short = min(image.size)
    width, height = (int(shortest_edge * side / short) for side in image.size)
    if width * height > ROOM * size * size:
        return image.resize((size, size), how, box=crop_box(image.size, shortest_edge, size))
    left, top = (width - size) // 2, (height - size) // 2
    return image.resize((width, height), how).crop((left, top, left + size, top + size))


def crop_box(shape: tuple[int, int], shortest_edge: int, size: int) -> tuple[float, float, float, float]:
    """Return the part of a picture that is left when its shorter side is scaled and the centre is cropped.

    Scaling that part alone is scaling the whole and cropping, but for rounding, without the memory of the whole: a
    picture of 1 × 20,000 pixels would become one of 256 × 5,120,000.

    Args:
        shape: Width and height.
        shortest_edge: What the shorter side is scaled to.
        size: Height and width of the crop.

    >>> crop_box((512, 256), 256, 224)
    (144.0, 16.0, 368.0, 240.0)
    """
    short = min(shape)
    scaled = [int(shortest_edge * side / short) for side in shape]
    left, top = ((side - size) // 2 for side in scaled)
    across, down = (side / new for side, new in zip(shape, scaled, strict=True))
    return left * across, top * down, (left + size) * across, (top + size) * down
