"""Pictures: same seed same bytes, the sizes and formats that are promised, the frame and panels visible."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from vlrb.demo.constants import KINDS
from vlrb.demo.pictures import SIZES, draw_picture, encode_picture
from vlrb.demo.scenes import draw_scene
from vlrb.demo.textures import FRAME


def drawn(kind: int, fine: int, layout: int, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng((seed, kind, fine, layout))
    return draw_picture(rng, draw_scene(rng, layout), kind, fine)


@pytest.mark.parametrize("kind", range(5))
def test_same_seed_same_bytes(kind: int) -> None:
    first, again = (encode_picture(drawn(kind, 1, 1), kind) for _ in range(2))
    assert first == again
    assert first != encode_picture(drawn(kind, 1, 1, seed=1), kind)


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("fine", range(3))
@pytest.mark.parametrize("layout", range(2))
def test_every_combination_draws(kind: int, fine: int, layout: int) -> None:
    image = drawn(kind, fine, layout)
    assert image.size in SIZES
    assert image.mode == "RGB"
    data = encode_picture(image, kind)
    assert Image.open(BytesIO(data)).format == ("JPEG" if KINDS[kind] == "photo" else "PNG")
    assert len(data) < 80_000
    red = np.abs(np.asarray(image, int) - np.array(FRAME)).sum(axis=2) < 90
    assert red.sum() > 150  # the dashed frame


def test_finer_pictures_have_more_small_detail() -> None:
    """Mean difference between neighbouring pixels of photos, whose trees shrink with fineness."""
    rough = []
    for fine in range(3):
        pixels = [np.asarray(drawn(0, fine, 0, seed).convert("L"), float) for seed in range(4)]
        rough.append(np.mean([np.abs(np.diff(p[p.shape[0] * 3 // 4 :], axis=1)).mean() for p in pixels]))
    assert rough[0] < rough[1] < rough[2]
