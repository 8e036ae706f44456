"""VisualBERT: real loading, the published network's own values, and what every backbone over regions must do."""

import pytest
import region_checks as checks
import torch
from tiny_checkpoints import PROMPTS, inputs, pictures, rows


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return checks.Made("visualbert", "visualbert", tmp_path_factory.mktemp("visualbert"))


@pytest.fixture(scope="module")
def backbone(made):
    return made.built()


def published(made, given, regions):
    from transformers import VisualBertModel

    own = VisualBertModel.from_pretrained(made.network).eval()
    with torch.no_grad():
        return own(
            input_ids=given["text_ids"],
            attention_mask=given["text_mask"].float(),
            visual_embeds=regions.features,
            visual_attention_mask=regions.mask.float(),
        ).pooler_output


def test_training_starts_at_the_published_networks_pooled_output(made, backbone):
    given = inputs(backbone, PROMPTS, pictures())
    with torch.no_grad():
        regions = backbone.regions(given)
    torch.testing.assert_close(rows(backbone), published(made, given, regions), atol=1e-5, rtol=1e-4)


def test_places_count_once_they_are_learnt(made):
    backbone = made.built()
    before = rows(backbone)
    torch.nn.init.normal_(backbone.box.weight)
    after = rows(backbone)
    assert (after[0] - before[0]).abs().max() > 1e-3
    assert torch.equal(after[2], before[2])  # no picture, no place


def test_alone_or_together(backbone):
    checks.check_alone_or_together(backbone)


def test_every_parameter_learns(backbone):
    checks.check_every_parameter_learns(backbone)


def test_stored_without_folders(made, backbone, tmp_path):
    checks.check_stored(backbone, made.node(), tmp_path)


def test_what_does_not_fit(made, tmp_path):
    checks.check_what_does_not_fit("visualbert", made.network, made.vit, tmp_path)
