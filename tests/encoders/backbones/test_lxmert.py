"""LXMERT: real loading, the published network's own values, and what every backbone over regions must do."""

import pytest
import region_checks as checks
import torch
from tiny_checkpoints import PROMPTS, inputs, pictures, rows


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return checks.Made("lxmert", "lxmert", tmp_path_factory.mktemp("lxmert"))


@pytest.fixture(scope="module")
def backbone(made):
    return made.built()


def test_rows_are_the_published_networks_pooled_output(made, backbone):
    from transformers import LxmertModel

    own = LxmertModel.from_pretrained(made.network).eval()
    given = inputs(backbone, PROMPTS, pictures())
    with torch.no_grad():
        regions = backbone.regions(given)
        expected = own(
            input_ids=given["text_ids"],
            attention_mask=given["text_mask"].float(),
            visual_feats=regions.features,
            visual_pos=regions.boxes,
            visual_attention_mask=regions.mask.float(),
        ).pooled_output
    torch.testing.assert_close(rows(backbone), expected, atol=1e-5, rtol=1e-4)
    assert regions.features.shape[-1] == 20  # the checkpoint's width of a region, from the tower's 32
    last = sum(p.numel() for p in own.encoder.x_layers[-1].parameters())
    assert sum(p.numel() for p in backbone.network.encoder.x_layers[-1].parameters()) < 0.7 * last


def test_alone_or_together(backbone):
    checks.check_alone_or_together(backbone)


def test_every_parameter_learns(backbone):
    checks.check_every_parameter_learns(backbone)


def test_stored_without_folders(made, backbone, tmp_path):
    checks.check_stored(backbone, made.node(), tmp_path)


def test_what_does_not_fit(made, tmp_path):
    checks.check_what_does_not_fit("lxmert", made.network, made.vit, tmp_path)
