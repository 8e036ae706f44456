"""Picture statistics: one row per picture, from that picture alone, finite for any picture."""

import numpy as np
import pytest
from PIL import Image

from vlrb.encoders.vision.statistics import PictureStatistics
from vlrb.utils.errors import ConfigError


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def stripes(period: int, *, across: bool = True) -> Image.Image:
    line = (np.arange(256) // (period // 2) % 2 * 255).astype(np.uint8)
    gray = np.broadcast_to(line if across else line[:, None], (256, 256))
    return Image.fromarray(gray).convert("RGB")


PICTURES = [noise(256, 256), noise(31, 470), noise(2000, 90), Image.new("RGB", (1, 1), (9, 9, 9)), stripes(16)]


def test_rows_do_not_depend_on_the_batch() -> None:
    encoder = PictureStatistics()
    together = encoder.encode(PICTURES)
    alone = np.concatenate([encoder.encode([picture]) for picture in PICTURES])
    assert together.dtype == np.float32
    assert together.shape == (len(PICTURES), encoder.dim)
    assert np.array_equal(together, alone)
    assert np.array_equal(together, encoder.encode(PICTURES))
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_any_picture_gives_finite_numbers_of_order_one() -> None:
    for picture in [*PICTURES, *(Image.new("RGB", (300, 200), c) for c in ("black", "white", "red"))]:
        row = PictureStatistics().encode([picture])
        assert np.isfinite(row).all()
        assert np.abs(row).max() <= 2


@pytest.mark.parametrize("settings", [{"size": 64, "grid": 2}, {"size": 100, "grid": 3}, {"grid": 1}, {"profile": 112}])
def test_promised_width_for_any_setting(settings: dict) -> None:
    encoder = PictureStatistics(**settings)
    assert encoder.encode([PICTURES[0]]).shape == (1, encoder.dim)


def test_parts_show_what_they_should() -> None:
    """Colour histogram first: plain red (3, 0, 0) of four levels is bucket 3·16 = 48, share 1."""
    row = PictureStatistics().encode([Image.new("RGB", (50, 50), (255, 0, 0))])[0]
    assert np.flatnonzero(row[:64]).tolist() == [48]
    assert row[48] == pytest.approx(1)
    encoder = PictureStatistics(grid=1)
    across, down = encoder.encode([stripes(32), stripes(32, across=False)])
    directions = slice(64 + 6, 64 + 6 + 8)  # after histogram and moments; the first direction is left to right
    assert across[directions].argmax() == 0
    assert down[directions].argmax() == 4


def test_smaller_stripes_move_the_detail_to_shorter_periods() -> None:
    """192 pixels after scaling: stripes of period p have 192 / (.75 p) cycles; more cycles, later group."""
    encoder = PictureStatistics(size=192)
    start = 64 + 9 * (6 + 8 + 5) + 5
    groups = [encoder.encode([stripes(p)])[0][start : start + 16].argmax() for p in (64, 32, 16, 8)]
    assert groups == sorted(set(groups))


@pytest.mark.parametrize("settings", [{"size": 32}, {"grid": 0}, {"grid": 8}, {"profile": 1}, {"profile": 113}])
def test_impossible_settings(settings: dict) -> None:
    with pytest.raises(ConfigError):
        PictureStatistics(**settings)
