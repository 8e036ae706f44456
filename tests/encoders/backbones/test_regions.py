"""Sequences of regions: several pictures, none, and no work for places without a picture."""

import pytest
import torch

from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.encoders.backbones.regions import NUMBERED, RegionSequence
from vlrb.encoders.backbones.towers import Tower


class Means(Tower):
    """Two tokens a picture: mean colour of the upper and of the lower half. Counts the pictures that it sees."""

    width = 3

    def __init__(self):
        super().__init__()
        self.gain, self.seen = torch.nn.Parameter(torch.ones(3)), 0

    def load(self, pictures, stored=None):
        pass

    def grid(self, colours):
        self.seen += len(colours)
        return colours.unflatten(2, (2, -1)).mean(dim=(3, 4)).permute(0, 2, 1)[:, :, None] * self.gain

    def config(self):
        return {}


def batch(levels, places):
    """Samples with pictures of one grey level each; `levels` lists those of each sample."""
    pixels = torch.zeros(len(levels), places, 3, 4, 4, dtype=torch.uint8)
    mask = torch.zeros(len(levels), places, dtype=torch.bool)
    extent = torch.zeros(len(levels), places, 4)
    for row, listed in enumerate(levels):
        for place, level in enumerate(listed):
            pixels[row, place], mask[row, place] = level, True
            extent[row, place] = torch.tensor([0.0, 0.0, 1.0, 0.5])  # the lower half is filling
    return {"pixels": pixels, "picture_mask": mask, "extent": extent}


def sequence(**options):
    return RegionSequence(Means(), PictureInputs(4, mean=(0, 0, 0), std=(1, 1, 1)), **options).eval()


def test_pictures_of_a_sample_follow_one_another_and_are_numbered():
    regions = sequence()
    torch.nn.init.constant_(regions.nothing.weight, 9.0)
    with torch.no_grad():
        regions.number.weight[:] = torch.arange(NUMBERED)[:, None] * 10.0
        found = regions(batch([[255, 51], [], [102]], 2))
    assert found.features.shape == (3, 1 + 2 * 2, 3)
    # one token for nothing, then upper and lower half of each: level / 255 + 10 × number of the picture
    expected = [[9, 1, 1, 10.2, 10.2], [9, 0, 0, 0, 0], [9, 0.4, 0.4, 0, 0]]
    torch.testing.assert_close(found.features[..., 0], torch.tensor(expected))
    assert found.mask.int().tolist() == [[0, 1, 0, 1, 0], [1, 0, 0, 0, 0], [0, 1, 0, 0, 0]]
    assert found.boxes[0, 0].tolist() == found.boxes[0, 3].tolist() == [0, 0, 1, 1]


def test_later_pictures_look_like_the_last_that_is_told_apart():
    regions = sequence()
    with torch.no_grad():
        regions.number.weight[:] = torch.arange(NUMBERED)[:, None] * 1.0
        found = regions(batch([[0] * (NUMBERED + 2)], NUMBERED + 2))
    assert found.features[0, 1::2, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 7, 7]


def test_only_real_pictures_go_through_the_tower():
    regions = sequence()
    regions(batch([[1], [], [2, 3, 4], []], 3))
    assert regions.tower.seen == 4
    regions(batch([[], []], 0))
    assert regions.tower.seen == 4


@pytest.mark.parametrize("places", [0, 2])
def test_a_batch_without_any_picture(places):
    found = sequence()(batch([[], []], places))
    assert found.features.shape == (2, 1, 3)
    assert found.mask.all()
    bare = sequence(nothing=False)(batch([[], []], places))
    assert bare.features.shape == (2, 0, 3)
    assert bare.boxes.shape == (2, 0, 4)
    assert bare.mask.shape == (2, 0)


def test_training_without_any_picture_keeps_every_parameter_in_the_graph_and_out_of_sight():
    regions = sequence(width=5).train()
    found = regions(batch([[], []], 0))
    assert found.mask.int().tolist() == [[1, 0, 0]] * 2
    found.features.sum().backward()
    assert all(parameter.grad is not None for parameter in regions.parameters())


def test_projection_keeps_the_size_of_tokens():
    torch.manual_seed(0)
    project = RegionSequence(Means(), PictureInputs(4), 4096).project
    rows = torch.randn(64, 3)
    ratio = project(rows).detach().square().mean() / rows.square().mean()
    assert 0.9 < float(ratio) < 1.1
