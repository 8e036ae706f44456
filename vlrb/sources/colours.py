"""From a picture of any mode to RGB: transparent is white, sixteen bits become eight, the first frame counts."""

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

WHITE: Final = (255, 255, 255, 255)
SIXTEEN_BIT: Final = ("I;16", "I;16L", "I;16B", "I;16N")
WIDE: Final = ("I", "F")  # 32 bits a pixel, no range of their own
TOP = 255


def to_rgb(picture: "Image") -> "Image":
    """Return an opened picture as RGB, as a person would see it on white paper.

    Pillow's own conversion drops transparency, whatever colour lies beneath (often black), and cuts grey values off at
    255. Opaque pictures of eight bits are converted by Pillow alone. The pixels stay as they are stored: a note of the
    camera's position (EXIF) turns nothing, since the models of the logs were given the stored pixels too.

    Args:
        picture: Its first frame is taken.
    """
    from PIL import Image

    if picture.mode in SIXTEEN_BIT or (picture.mode == "I" and picture.format == "PNG"):
        return Image.fromarray(eight_bits(np.asarray(picture))).convert("RGB")
    if picture.mode in WIDE:
        return Image.fromarray(stretched(np.asarray(picture))).convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    coloured = picture.convert("RGBA")
    paper = Image.new("RGBA", coloured.size, WHITE)
    paper.alpha_composite(coloured)
    return paper.convert("RGB")


def eight_bits(values: np.ndarray) -> np.ndarray:
    """Return 8-bit grey values of 16-bit ones, rounded.

    >>> eight_bits(np.array([[0, 128, 257, 32896, 65535]], np.uint16)).tolist()
    [[0, 0, 1, 128, 255]]
    """
    return ((np.clip(values, 0, 65535).astype(np.uint32) * TOP + 32767) // 65535).astype(np.uint8)


def stretched(values: np.ndarray) -> np.ndarray:
    """Return 8-bit grey values of wide ones: as they are if 0 to 255 holds them all, else lowest black, highest white.

    >>> stretched(np.array([[7.0, 255.0]])).tolist(), stretched(np.array([[-1.0, 0.0, 1.0, np.nan]])).tolist()
    ([[7, 255]], [[0, 128, 255, 0]])
    """
    wide = values.astype(np.float64)
    known = wide[np.isfinite(wide)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    wide = np.where(np.isfinite(wide), wide, low)
    if low >= 0 and high <= TOP:
        return np.rint(wide).astype(np.uint8)
    return np.rint((wide - low) / ((high - low) or 1.0) * TOP).astype(np.uint8)
