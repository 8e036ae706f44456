"""Bringing pictures to a network's size: the crop, the padding, and shapes that real data has."""

import time

import numpy as np
import pytest
from PIL import Image

from vlrb.encoders.vision.pixels import PicturePreprocessor, Preprocessing, crop_box

HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def fitted(image, resize="card", size=24, edge=28, mean=HALF[0]):
    found = PicturePreprocessor(Preprocessing(size, edge, "bicubic", mean, HALF[1]), resize)([image])["pixels"]
    assert found.shape == (1, 3, size, size)
    return found[0].permute(1, 2, 0).numpy()


def noise(width, height):
    rng = np.random.default_rng(width * 1000 + height)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("shape", [(64, 64), (90, 41), (41, 90), (300, 7), (28, 28), (10, 13), (1, 1), (1, 50)])
def test_scaled_part_is_the_centre_of_the_scaled_whole(shape):
    image = noise(*shape)
    width, height = (int(28 * side / min(shape)) for side in shape)
    left, top = (width - 24) // 2, (height - 24) // 2
    whole = image.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + 24, top + 24))
    assert np.array_equal(fitted(image), np.asarray(whole))
    part = np.asarray(image.resize((24, 24), Image.Resampling.BICUBIC, box=crop_box(image.size, 28, 24)))
    assert np.abs(part.astype(int) - np.asarray(whole).astype(int)).mean() < 1  # the way of very long pictures


def test_very_wide_pictures_need_no_room():
    """Scaled whole, this one would have 224 × 6,720,000 pixels."""
    started = time.monotonic()
    assert fitted(noise(30_000, 1), size=224, edge=256).shape == (224, 224, 3)
    assert crop_box((30_000, 1), 256, 224)[2] - crop_box((30_000, 1), 256, 224)[0] == pytest.approx(224 / 256)
    assert time.monotonic() - started < 5


def test_padding_by_hand():
    """A white picture of 40 × 10 in 24 × 24: scaled to 24 × 6, nine rows of mean colour above and nine below."""
    mean = (0.2, 0.4, 0.6)  # 51, 102, 153
    found = fitted(Image.new("RGB", (40, 10), "white"), "pad", mean=mean)
    assert (found[9:15] == 255).all()
    assert (found[[*range(9), *range(15, 24)]] == [51, 102, 153]).all()
    tall = fitted(Image.new("RGB", (1, 1000), "white"), "pad", mean=mean)
    assert ((tall == 255).all(axis=(0, 2))).sum() == 1  # one column is left of it


def test_what_each_way_keeps():
    """A black picture whose left and right tenth are white: the crop loses them, the other ways do not."""
    pixels = np.zeros((40, 120, 3), np.uint8)
    pixels[:, :12] = pixels[:, -12:] = 255
    image = Image.fromarray(pixels)
    assert not fitted(image, "card").any()
    squashed = fitted(image, "squash")
    assert (squashed[:, 0] > 250).all()
    assert (squashed[:, -1] > 250).all()
    padded = fitted(image, "pad", mean=(0.0, 0.0, 0.0))
    assert (padded[12, [0, -1]] > 250).all()


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "LA", "I;16"])
def test_every_mode_becomes_rgb(mode):
    image = Image.new(mode, (30, 20)) if mode == "I;16" else noise(30, 20).convert(mode)
    expected = fitted(image.convert("RGB"))
    assert np.array_equal(fitted(image), expected)
