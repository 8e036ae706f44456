"""The mark of one picture: what it is told apart by, small enough to keep for all pictures of a benchmark."""

import hashlib
import struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vlrb.sources.pictures import PICTURE_ERRORS, opened
from vlrb.utils.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

ALGORITHM = 2  # raise it when a mark of the same picture changes: stored marks are then made again
SIDE = 32  # cells of a thumbnail along each side
THUMBNAIL_BYTES = SIDE * SIDE * 3
_REDUCED_SIDE = 256  # pictures are looked at at 1/2, 1/4 or 1/8 of their size while both sides keep this many pixels
_FREQUENCIES = 11  # 1 + 2 + … + 11 = 66 pairs of indices have a sum below 11, so the 65 lowest are among them
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as in Pillow's "L"


class Mark(NamedTuple):
    """What is kept of a picture.

    Args:
        pixel_hash: Identity of the pixels, whatever file they lie in (see `pixel_hash`).
        width: Pixels of the whole picture.
        height: Pixels of the whole picture.
        phash: 64 signs of the lowest frequencies, uint64.
        thumbnail: SIDE × SIDE × 3 bytes, RGB.
    """

    pixel_hash: str
    width: int
    height: int
    phash: int
    thumbnail: bytes


def mark(data: bytes) -> Mark:
    """Return the mark of a picture file.

    Transparent pictures are seen on white, as a drawing without background is meant to be.

    Raises:
        DataError: The bytes are no whole picture.
    """
    try:
        with opened(data) as picture:
            width, height = picture.size
            picture.draft("RGB", (_REDUCED_SIDE, _REDUCED_SIDE))  # JPEG files are decoded reduced
            seen, alpha = _on_white(picture)
            cells = thumbnail(seen)
            return Mark(
                pixel_hash(seen, alpha, (width, height)), width, height, perceptual_hash(cells), cells.tobytes()
            )
    except (*PICTURE_ERRORS, struct.error, MemoryError) as error:
        raise DataError(f"not a readable picture ({error or type(error).__name__})") from error


def pixel_hash(seen: "Image", alpha: "Image | None", size: tuple[int, int]) -> str:
    """Return the identity of pixels: SHA-256 (128 bits) of size, colours on white and transparency.

    For large pictures these are the pixels of the reduced picture (at least 256 along each side): two files that agree
    in size and in all of those show the same thing, and handling them whole would cost most of the time.
    """
    digest = hashlib.sha256(f"{size}{seen.size}{alpha is not None}".encode())
    digest.update(seen.tobytes())
    if alpha is not None:
        digest.update(alpha.tobytes())
    return digest.hexdigest()[:32]


def thumbnail(picture: "Image") -> np.ndarray:
    """Return (SIDE, SIDE, 3) uint8 cells, the whole picture stretched to a square.

    Cells overlap by half (a triangle filter), so that a line which falls on the border of two cells looks nearly the
    same after a resize that moves it across.
    """
    from PIL.Image import Resampling

    return np.asarray(picture.resize((SIDE, SIDE), Resampling.BILINEAR, reducing_gap=4.0), dtype=np.uint8)


def perceptual_hash(cells: np.ndarray) -> int:
    """Return 64 bits: which of the 64 lowest frequencies of the grey thumbnail (the mean left out) exceed their median.

    The frequencies are those of the two-dimensional cosine transform, in the order of the sum of both indices, so that
    wide and tall detail count alike.
    """
    waves = (_COSINES @ (cells @ _LUMA) @ _COSINES.T)[_LOWEST]
    bits = np.packbits(waves > np.median(waves))
    return int.from_bytes(bits.tobytes(), "big")


def _reduced(picture: "Image") -> "Image":
    """Return a picture at 1/2, 1/4 or 1/8 of its size (means of squares) while both sides keep `_REDUCED_SIDE`."""
    factor = next((k for k in (8, 4, 2) if min(picture.size) >= k * _REDUCED_SIDE), 1)
    return picture.reduce(factor) if factor > 1 else picture


def _cosines() -> np.ndarray:
    """Return the first rows of the orthonormal cosine transform (DCT-II) of SIDE values."""
    k, n = np.arange(_FREQUENCIES)[:, None], np.arange(SIDE)[None, :]
    rows: np.ndarray = np.sqrt(2 / SIDE) * np.cos(np.pi * k * (2 * n + 1) / (2 * SIDE))
    rows[0] /= np.sqrt(2)
    return rows


def _lowest() -> tuple[np.ndarray, np.ndarray]:
    """Return row and column of the 64 lowest frequencies but the constant one."""
    chosen = sorted((i + j, i, j) for i in range(_FREQUENCIES) for j in range(_FREQUENCIES))[1:65]
    return np.array([i for _, i, _ in chosen]), np.array([j for _, _, j in chosen])


_COSINES, _LOWEST = _cosines(), _lowest()


def _on_white(picture: "Image") -> "tuple[Image, Image | None]":
    """Return the picture as RGB on white, and its transparency if any pixel is not opaque, both reduced."""
    from PIL import Image

    if not picture.has_transparency_data:
        return _reduced(picture if picture.mode == "RGB" else picture.convert("RGB")), None
    layered = picture.convert("RGBA")
    alpha = layered.getchannel("A")
    if alpha.getextrema()[0] == 255:
        return _reduced(layered.convert("RGB")), None
    white = Image.new("RGBA", layered.size, (255, 255, 255, 255))
    white.alpha_composite(layered)
    return _reduced(white.convert("RGB")), _reduced(alpha)
