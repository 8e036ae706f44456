"""ViLBERT on BERT: where its weights come from, co-attention by hand, and what all backbones over regions must do."""

import math

import pytest
import region_checks as checks
import torch
from tiny_checkpoints import PROMPTS, inputs, pictures, rows

from vlrb.encoders.backbones.bert import Reading
from vlrb.encoders.backbones.regions import Regions
from vlrb.encoders.backbones.vilbert import whole_first
from vlrb.utils.errors import ConfigError


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return checks.Made("vilbert", "bert", tmp_path_factory.mktemp("vilbert"))


@pytest.fixture(scope="module")
def backbone(made):
    return made.built()


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_every_layer_starts_from_bert(made, backbone):
    from transformers import BertModel

    own = BertModel.from_pretrained(made.network)
    layers = own.encoder.layer  # four of them; the region stream has three, co-attention stands before the last two
    assert same(backbone.network, own)
    assert [same(a, b) for a, b in zip(backbone.visual, layers[1:], strict=True)] == [True] * 3
    for readings in (backbone.text_reads, backbone.regions_read):
        assert [same(a.layer, b) for a, b in zip(readings, layers[2:], strict=True)] == [True] * 2
    assert same(backbone.pooler, own.pooler)
    streams = [backbone.network, backbone.visual, backbone.text_reads, backbone.regions_read, backbone.pooler]
    owned = [id(p) for part in streams for p in part.parameters()]
    assert len(owned) == len(set(owned))  # copies, which then go their own ways


def test_random_weights_are_drawn_for_each_layer(made):
    sizes = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 48, "num_hidden_layers": 3}
    sizes |= {"vocab_size": 40, "max_position_embeddings": 48}
    found = made.built(model=None, revision=None, sizes=sizes)
    weights = [layer.attention.self.query.weight for layer in (*found.network.encoder.layer, *found.visual)]
    weights += [r.layer.attention.self.query.weight for r in (*found.text_reads, *found.regions_read)]
    weights = [weight.detach() for weight in weights]
    assert len({float(w.sum()) for w in weights}) == len(weights)
    assert all(0.015 < float(w.std()) < 0.025 for w in weights)


def test_co_attention_by_hand(backbone):
    layer = backbone.network.encoder.layer[0]
    torch.manual_seed(0)
    states, others = torch.randn(1, 3, 32), torch.randn(1, 5, 32)
    mask = torch.tensor([[True, True, False, True, False]])
    own, kept = layer.attention.self, others[:, mask[0]]
    with torch.no_grad():
        heads = []
        for head in range(4):
            part = slice(8 * head, 8 * head + 8)
            query, key, value = own.query(states)[..., part], own.key(kept)[..., part], own.value(kept)[..., part]
            heads.append(torch.softmax(query @ key.transpose(1, 2) / math.sqrt(8), dim=-1) @ value)
        attended = layer.attention.output.LayerNorm(layer.attention.output.dense(torch.cat(heads, dim=-1)) + states)
        hidden = torch.nn.functional.gelu(layer.intermediate.dense(attended))
        expected = layer.output.LayerNorm(layer.output.dense(hidden) + attended)
        torch.testing.assert_close(Reading(layer).eval()(states, others, mask), expected, atol=1e-5, rtol=1e-4)


def test_reading_oneself_is_a_layer_of_bert(backbone):
    layer, states = backbone.network.encoder.layer[0], torch.randn(2, 3, 32)
    with torch.no_grad():
        found = layer(states)
        found = found[0] if isinstance(found, tuple) else found
        read = Reading(layer).eval()(states, states, torch.ones(2, 3, dtype=torch.bool))
    torch.testing.assert_close(read, found, atol=1e-5, rtol=1e-4)


def test_the_first_region_is_the_mean_of_what_may_be_seen():
    features = torch.tensor([[[7.0], [1.0], [2.0], [9.0]], [[7.0], [0.0], [0.0], [0.0]]])
    mask = torch.tensor([[False, True, True, False], [True, False, False, False]])
    found = whole_first(Regions(features, torch.zeros(2, 4, 4), mask))
    assert found.features[..., 0].tolist() == [[1.5, 1, 2, 9], [7, 0, 0, 0]]  # (1 + 2) / 2; alone: the token itself
    assert found.mask.tolist() == [[True, True, True, False], [True, False, False, False]]


def test_rows_are_the_product_of_both_streams(backbone):
    caught = []
    hooks = [
        p.register_forward_hook(lambda *a: caught.append(a[2])) for p in (backbone.network.pooler, backbone.pooler)
    ]
    found = rows(backbone)
    for hook in hooks:
        hook.remove()
    torch.testing.assert_close(found, caught[0] * caught[1])


def test_both_streams_read_each_other(backbone):
    """Words change the regions' stream and the other way round, through co-attention alone."""
    caught = []
    hook = backbone.pooler.register_forward_hook(lambda *a: caught.append(a[2]))
    for prompts in (PROMPTS, PROMPTS[::-1]):
        with torch.no_grad():
            backbone(inputs(backbone, prompts, pictures((1, 1, 1, 1))))
    hook.remove()
    assert (caught[0] - caught[1]).abs().max() > 1e-3


def test_numbers_of_layers_must_go_together(made):
    with pytest.raises(ConfigError, match=r"co_layers must be from 1 to region_layers=3, not 4"):
        made.built(co_layers=4)
    with pytest.raises(ConfigError, match=r"region_layers=5, but BERT has 4 layers"):
        made.built(region_layers=5)


def test_alone_or_together(backbone):
    checks.check_alone_or_together(backbone)


def test_every_parameter_learns(backbone):
    checks.check_every_parameter_learns(backbone)


def test_stored_without_folders(made, backbone, tmp_path):
    checks.check_stored(backbone, made.node(), tmp_path)


def test_what_does_not_fit(made, tmp_path):
    checks.check_what_does_not_fit("vilbert", made.network, made.vit, tmp_path)
