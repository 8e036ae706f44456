"""Boxes of patches by hand, and towers against transformers' own network."""

import numpy as np
import pytest
import torch
from tiny_checkpoints import PATCH, SIZE, write

from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.encoders.backbones.towers import ConvTower, ViTTower, patch_boxes
from vlrb.utils.errors import ConfigError


def test_boxes_of_a_picture_that_fills_its_square():
    boxes, seen = patch_boxes(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), 2, 4)
    assert seen.all()
    assert boxes[0, 0].tolist() == [0, 0, 0.25, 0.5]  # row by row, from the left
    assert boxes[0, 3].tolist() == [0.75, 0, 1, 0.5]
    assert boxes[0, 4].tolist() == [0, 0.5, 0.25, 1]


def test_boxes_are_in_the_pictures_own_coordinates():
    # Three quarters of the height from an eighth down: patch rows of a quarter cut it at 1/8 of a quarter, and so on.
    boxes, seen = patch_boxes(torch.tensor([[0.0, 0.125, 1.0, 0.875]]), 4, 1)
    assert seen.all()
    # (0.25 - 0.125) / 0.75 = 1/6, (0.5 - 0.125) / 0.75 = 1/2, (0.75 - 0.125) / 0.75 = 5/6
    expected = [[0, 0, 1, 1 / 6], [0, 1 / 6, 1, 1 / 2], [0, 1 / 2, 1, 5 / 6], [0, 5 / 6, 1, 1]]
    torch.testing.assert_close(boxes[0], torch.tensor(expected))


def test_filling_is_masked_without_slivers_of_rounding():
    """Every place and size of a picture of whole pixels, against whole numbers."""
    size, count = 224, 14
    low = np.arange(count) * 16
    spans = [(a, b) for a in range(0, size, 7) for b in range(a + 1, size + 1, 9)] + [(0, 32), (32, 64), (96, 97)]
    extent = torch.tensor([[a / size, 0, b / size, 1] for a, b in spans], dtype=torch.float32)
    boxes, seen = patch_boxes(extent, 1, count)
    expected = np.array([[(low[k] < b) and (low[k] + 16 > a) for k in range(count)] for a, b in spans])
    assert np.array_equal(seen.numpy(), expected)
    # the visible patches cover the picture from side to side, without gap
    widths = ((boxes[..., 2] - boxes[..., 0]) * seen).sum(dim=1)
    torch.testing.assert_close(widths, torch.ones(len(spans)), atol=1e-3, rtol=0)


def test_prepared_picture_and_its_boxes_agree():
    from PIL import Image

    pictures = PictureInputs(SIZE)
    found = pictures(Image.new("RGB", (40, 10)))  # 32 × 8 in a square of 32: exactly 12 pixels above, 12 below
    boxes, seen = patch_boxes(torch.from_numpy(found.extent)[None], 4, 4)
    assert found.extent.tolist() == [0, 12 / 32, 1, 20 / 32]
    assert seen.view(4, 4).tolist() == [[False] * 4, [True] * 4, [True] * 4, [False] * 4]
    torch.testing.assert_close(boxes[0, 4], torch.tensor([0, 0, 0.25, 0.5]))  # upper half of it: rows 12 to 16


def test_conv_tower_grid_and_sizes():
    tower = ConvTower([4, 8])
    tower.load(PictureInputs(12))
    assert tower.grid(torch.zeros(2, 3, 12, 12)).shape == (2, 3, 3, 8)
    with pytest.raises(ConfigError, match=r"pictures.size=10 does not divide into patches of 4"):
        ConvTower([4, 8]).load(PictureInputs(10))
    with pytest.raises(ConfigError, match="widths of at least 1"):
        ConvTower([])


@pytest.mark.parametrize("size", [SIZE, 2 * SIZE])
def test_vit_tower_is_the_published_network(tmp_path, size):
    from transformers import ViTModel

    folder = write("vit", tmp_path / "vit")
    tower = ViTTower(str(folder))
    tower.load(PictureInputs(size))
    tower.eval()
    colours = torch.rand(2, 3, size, size) * 2 - 1
    with torch.no_grad():
        found = tower(colours, torch.tensor([[0.0, 0, 1, 1]] * 2))
        own = ViTModel.from_pretrained(folder, add_pooling_layer=False).eval()
        expected = own(colours, interpolate_pos_encoding=True).last_hidden_state[:, 1:]
    assert found.tokens.shape == (2, (size // PATCH) ** 2, 32)
    torch.testing.assert_close(found.tokens, expected, atol=1e-5, rtol=1e-4)
    assert all(parameter.requires_grad for parameter in tower.parameters())
    assert not [name for name, _ in tower.named_parameters() if "pooler" in name or "classifier" in name]
