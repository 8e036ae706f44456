"""UNITER on BERT: equal to BERT where there is no picture, and to an independent sum of its parts where there is."""

import pytest
import region_checks as checks
import torch
from safetensors.torch import load_file, save_file
from tiny_checkpoints import PROMPTS, built, inputs, pictures, rows

from vlrb.encoders.backbones.bert import BoxEmbeddings


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return checks.Made("uniter", "bert", tmp_path_factory.mktemp("uniter"))


@pytest.fixture(scope="module")
def backbone(made):
    return made.built()


def bert(made, given):
    from transformers import BertModel

    own = BertModel.from_pretrained(made.network).eval()
    with torch.no_grad():
        return own(input_ids=given["text_ids"], attention_mask=given["text_mask"].long()).pooler_output


def test_without_pictures_it_is_bert(made, backbone):
    given = inputs(backbone, PROMPTS, [[], [], [], []])
    torch.testing.assert_close(rows(backbone, PROMPTS, [[]] * 4), bert(made, given), atol=1e-5, rtol=1e-5)
    mixed = inputs(backbone, PROMPTS, pictures())
    torch.testing.assert_close(rows(backbone)[2], bert(made, mixed)[2], atol=1e-5, rtol=1e-5)  # the third has none
    assert (rows(backbone)[0] - bert(made, mixed)[0]).abs().max() > 1e-3


def test_one_sequence_of_words_and_regions(made, backbone):
    """BERT itself, given both as one sequence of embeddings before its own norm, by an independent way round."""
    from transformers import BertModel

    own = BertModel.from_pretrained(made.network).eval()
    given = inputs(backbone, PROMPTS[:1], pictures((1,)))
    with torch.no_grad():
        regions = backbone.regions(given)
        kind = own.embeddings.token_type_embeddings.weight[1]
        seen = backbone.embed(regions.features, regions.boxes, kind)[:, regions.mask[0]]
        states = torch.cat([own.embeddings(input_ids=given["text_ids"]), seen], dim=1)
        for layer in own.encoder.layer:  # nothing is masked: one sample without padding or filling
            found = layer(states)
            states = found[0] if isinstance(found, tuple) else found
        expected = own.pooler(states)
    torch.testing.assert_close(rows(backbone, PROMPTS[:1], pictures((1,))), expected, atol=1e-5, rtol=1e-4)


def test_embeddings_of_regions_by_hand():
    from transformers import BertConfig

    embed = BoxEmbeddings(2, BertConfig(hidden_size=2, num_attention_heads=1, hidden_dropout_prob=0.0))
    with torch.no_grad():
        embed.feature.weight.copy_(torch.eye(2))
        embed.place.weight.zero_()
        embed.place.weight[0, 6] = 1.0  # the area alone
        found = embed(torch.tensor([[[3.0, 1.0]]]), torch.tensor([[[0.0, 0.25, 0.5, 0.75]]]), torch.tensor([0.0, 4.0]))
    # LN(3, 1) = (1, -1); places (0.25, 0) → LN = (1, -1); with the type (0, 4): (2, 2) → LN = (0, 0)
    torch.testing.assert_close(found, torch.zeros(1, 1, 2), atol=1e-3, rtol=0)


def test_weights_under_the_names_of_the_published_file(made, tmp_path):
    """bert-base-uncased was saved when layer norms had gamma and beta, and its network was called bert."""
    import shutil

    folder = shutil.copytree(made.network, tmp_path / "old")
    weights = load_file(folder / "model.safetensors")
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in weights.items()
    }
    assert any(name == "bert.embeddings.LayerNorm.gamma" for name in old)
    for name in old:
        if "gamma" in name:
            old[name] = old[name] * 1.5
    save_file(old, folder / "model.safetensors", metadata={"format": "pt"})
    found = built(made.node(model=str(folder)))
    state = found.network.state_dict()
    assert torch.equal(state["embeddings.LayerNorm.weight"], old["bert.embeddings.LayerNorm.gamma"])
    word = "embeddings.word_embeddings.weight"
    assert torch.equal(state[word], weights[f"bert.{word}"])


def test_alone_or_together(backbone):
    checks.check_alone_or_together(backbone)


def test_every_parameter_learns(backbone):
    checks.check_every_parameter_learns(backbone)


def test_stored_without_folders(made, backbone, tmp_path):
    checks.check_stored(backbone, made.node(), tmp_path)


def test_what_does_not_fit(made, tmp_path):
    checks.check_what_does_not_fit("uniter", made.network, made.vit, tmp_path)
