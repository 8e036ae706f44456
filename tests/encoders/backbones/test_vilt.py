"""ViLT as a backbone, against ViltModel of transformers on the same checkpoint."""

import shutil

import pytest
import torch

from vlrb.encoders.backbones.vilt import stretched
from vlrb.utils.errors import ConfigError

PROMPTS = ["How many people stand next to the bus?", "Read the chart.", "", "What is the length? " * 40]


def reference(folder):
    from transformers import ViltModel

    return ViltModel.from_pretrained(folder).eval()


@pytest.fixture(scope="module")
def backbone(samples, checkpoint):
    found = samples.published("vilt", checkpoint("vilt"))
    torch.manual_seed(0)
    found.load()
    return found.eval()


@pytest.fixture
def batch(samples, backbone):
    return samples.inputs(backbone, PROMPTS, samples.pictures()[:4])  # 1, 2, 0 and 1 pictures


@pytest.mark.parametrize(("height", "width"), [(32, 32), (16, 32), (20, 32), (32, 9)])
def test_one_picture_is_as_in_vilt(checkpoint, backbone, batch, height, width):
    """Pictures that start at the top left, as ViLT lays them; filling, in part or in whole patches of 8, is not seen.

    ViltModel puts the patches in an order drawn at random, which changes nothing but the rounding.
    """
    network = reference(checkpoint("vilt"))
    pixels = batch["pixels"][:1, :1].expand(4, 1, 3, 32, 32).clone()
    pixels[..., height:, :], pixels[..., width:] = 128, 128
    extent = torch.tensor([0, 0, width / 32, height / 32]).expand(4, 1, 4)
    given = {**batch, "pixels": pixels, "extent": extent, "picture_mask": torch.ones(4, 1, dtype=torch.bool)}
    seen = torch.zeros(4, 32, 32, dtype=torch.long)
    seen[:, :height, :width] = 1
    with torch.no_grad():
        expected = network(
            input_ids=batch["text_ids"],
            attention_mask=batch["text_mask"].long(),
            pixel_values=(pixels[:, 0].float() / 255 - 0.5) / 0.5,
            pixel_mask=seen,
        ).pooler_output
        torch.testing.assert_close(backbone(given), expected, atol=1e-5, rtol=0)


def test_filling_is_not_looked_at(samples, backbone):
    """A picture of 32 × 16 lies in the rows 8 to 24: other colours above and below change nothing."""
    batch = samples.inputs(backbone, PROMPTS[:1], [[samples.pictures()[0][0].resize((32, 16))]])
    torch.testing.assert_close(batch["extent"][0, 0], torch.tensor([0, 0.25, 1, 0.75]))
    other = {**batch, "pixels": batch["pixels"].clone()}
    other["pixels"][..., :8, :], other["pixels"][..., 24:, :] = 0, 255
    with torch.no_grad():
        assert torch.equal(backbone(other), backbone(batch))
        other["pixels"][..., 8:16, :] = 0
        assert not torch.allclose(backbone(other), backbone(batch))


def test_positions_by_hand():
    """Places 0 and 1 above 2 and 3, stretched over the middle two columns of four and all of two rows, or one row."""
    places = torch.tensor([0.0, 1, 2, 3]).view(1, 4, 1)
    seen = torch.zeros(2, 3, 4, dtype=torch.bool)
    seen[0, :, 1:3] = True  # three rows: the middle one lies half-way
    seen[1, 1, :] = True  # one row of four columns: 0, 1/3, 2/3, 1
    found = stretched(places, seen).view(2, 3, 4)
    torch.testing.assert_close(found[0, :, 1:3], torch.tensor([[0.0, 1], [1, 2], [2, 3]]))
    torch.testing.assert_close(found[1, 1], torch.tensor([0, 1 / 3, 2 / 3, 1]))


def test_pictures_of_a_sample_are_told_apart_once_that_is_learnt(samples, backbone):
    images = samples.pictures()[1]
    there, back = (samples.inputs(backbone, PROMPTS[:1], [listed]) for listed in (images, images[::-1]))
    with torch.no_grad():
        torch.testing.assert_close(backbone(there), backbone(back), atol=1e-5, rtol=0)
        backbone.number.weight[1] = 1.0
        assert not torch.allclose(backbone(there), backbone(back), atol=1e-3)
        backbone.number.weight[1] = 0.0


def test_weights_are_those_of_the_folder(checkpoint, backbone):
    network = reference(checkpoint("vilt"))
    mine = backbone.network.state_dict()
    assert set(mine) == set(network.state_dict())
    assert all(torch.equal(mine[name], value) for name, value in network.state_dict().items())


def test_stored_one_needs_no_folder(samples, checkpoint, backbone, batch, tmp_path):
    folder = shutil.copytree(checkpoint("vilt"), tmp_path / "vilt")
    again = samples.published("vilt", folder)
    shutil.rmtree(folder)
    backbone.save(tmp_path)
    again.restore(tmp_path)
    again.load()
    again.load_state_dict(backbone.state_dict(), strict=True)
    other = samples.inputs(again.eval(), PROMPTS, samples.pictures()[:4])
    assert all(torch.equal(other[key], value) for key, value in batch.items())
    with torch.no_grad():
        assert torch.equal(again(other), backbone(batch))


def test_pictures_that_do_not_divide_into_patches(samples, checkpoint):
    with pytest.raises(ConfigError, match=r"pictures\.size=36 does not divide into patches of 8 pixels\n.*size=32"):
        samples.published("vilt", checkpoint("vilt"), size=36).load()
