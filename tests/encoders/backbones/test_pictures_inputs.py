"""Pictures become one size with their shape kept, and the extent says where they lie."""

import numpy as np
import pytest
import torch
from PIL import Image

from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.utils.errors import ConfigError

RED = (255, 0, 0)


def halves(width: int, height: int) -> Image.Image:
    """Left half red, right half blue."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste((0, 0, 255), (width // 2, 0, width, height))
    return picture


def test_a_wide_picture_keeps_both_sides() -> None:
    """100 × 50 at 16 pixels: 16 × 8, four rows of filling above and below; a crop would lose a quarter on each side."""
    found = PictureInputs(16)(halves(100, 50))
    assert found.extent.tolist() == [0, 0.25, 1, 0.75]
    assert found.pixels.shape == (3, 16, 16)
    assert found.pixels[:, 8, 0].tolist() == [255, 0, 0]
    assert found.pixels[:, 8, 15].tolist() == [0, 0, 255]
    assert (found.pixels[:, :4] == 128).all()
    assert (found.pixels[:, 12:] == 128).all()


def test_squash_fills_the_square() -> None:
    found = PictureInputs(16, resize="squash")(halves(100, 50))
    assert found.extent.tolist() == [0, 0, 1, 1]
    assert found.pixels[:, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("size", "extent"),
    [
        ((1, 1), [0, 0, 1, 1]),
        ((20_000, 10), [0, 7 / 16, 1, 8 / 16]),  # at least one row is left: (16 - 1) // 2 = 7
        ((10, 20_000), [7 / 16, 0, 8 / 16, 1]),
        ((16, 16), [0, 0, 1, 1]),
    ],
)
def test_odd_shapes(size: tuple[int, int], extent: list[float]) -> None:
    found = PictureInputs(16)(Image.new("RGB", size, RED))
    assert found.extent.tolist() == pytest.approx(extent)
    left, top, right, bottom = (round(16 * value) for value in extent)
    inside = found.pixels[:, top:bottom, left:right]
    assert (inside[0] == 255).all()
    assert not inside[1:].any()


def test_filling_is_the_mean_colour_and_so_zero_for_the_network() -> None:
    pictures = PictureInputs(8, mean=(0.2, 0.4, 0.6), std=(0.1, 0.2, 0.3))
    found = pictures(Image.new("RGB", (8, 4)))
    colours = pictures.normalized(torch.from_numpy(found.pixels)[None])
    assert colours[0, :, 0, 0].abs().max() < 0.5 / 255 / 0.1
    assert colours[0, :, 4, 4].tolist() == pytest.approx([-2, -2, -2])


def test_the_same_picture_gives_the_same_pixels() -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (37, 61, 3), dtype=np.uint8))
    first, second = PictureInputs(24)(picture), PictureInputs(24)(picture.copy())
    np.testing.assert_array_equal(first.pixels, second.pixels)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"size": 0}, "size must be at least 1"),
        ({"resample": "bicubik"}, "no such filter"),
        ({"std": (1.0, 0.0, 1.0)}, "std above 0"),
        ({"resize": "crop"}, "resize"),
    ],
)
def test_impossible_values(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        PictureInputs(**given)
