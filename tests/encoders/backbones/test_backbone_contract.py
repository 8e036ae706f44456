"""What holds of every backbone, whatever its network: found by listing conf/encoder."""

import pickle
import re

import pytest
import torch
from torch import nn

from vlrb.utils.instantiate import build

TOLERANCE = 1e-5


@pytest.fixture(scope="session")
def backbone(samples, tiny_name):
    return samples.make(tiny_name)


@pytest.fixture(scope="session")
def rows(samples, backbone):
    return samples.ask(backbone, samples.prompts, samples.pictures())


def test_padding_never_changes_a_row(samples, backbone, rows):
    """Alone, a sample has no padding; in a batch, neighbours are longer and have more pictures, or fewer."""
    images = samples.pictures()
    assert rows.shape == (len(samples.prompts), backbone.dim)
    for i, prompt in enumerate(samples.prompts):
        alone = samples.ask(backbone, [prompt], [images[i]])
        torch.testing.assert_close(alone[0], rows[i], atol=TOLERANCE, rtol=0)


def test_what_lies_in_the_padding_is_never_read(samples, backbone, rows):
    batch = samples.inputs(backbone, samples.prompts, samples.pictures())
    batch["text_ids"] = torch.where(batch["text_mask"], batch["text_ids"], 7)
    absent = ~batch["picture_mask"]
    batch["pixels"][absent], batch["extent"][absent] = 200, 0.5
    with torch.no_grad():
        torch.testing.assert_close(backbone(batch), rows, atol=TOLERANCE, rtol=0)


def test_order_of_samples_is_no_matter(samples, backbone, rows):
    images, order = samples.pictures(), [4, 2, 0, 5, 3, 1]
    found = samples.ask(backbone, [samples.prompts[i] for i in order], [images[i] for i in order])
    torch.testing.assert_close(found, rows[order], atol=TOLERANCE, rtol=0)


def test_every_picture_of_a_sample_matters_and_only_to_it(samples, backbone, rows):
    for place in range(3):
        images, others = samples.pictures(), samples.pictures(seed=1)
        images[4][place] = others[4][place]
        found = samples.ask(backbone, samples.prompts, images)
        assert (found[4] - rows[4]).abs().max() > 1e-4, f"picture {place} is not seen"
        rest = [0, 1, 2, 3, 5]
        torch.testing.assert_close(found[rest], rows[rest], atol=TOLERANCE, rtol=0)


def test_words_and_having_a_picture_matter(samples, backbone, rows):
    images = samples.pictures()
    other = samples.ask(backbone, [samples.prompts[0].replace("bus", "tree")], [images[0]])
    blind = samples.ask(backbone, [samples.prompts[0]], [[]])
    assert (other[0] - rows[0]).abs().max() > 1e-4
    assert (blind[0] - rows[0]).abs().max() > 1e-4


def test_batch_of_text_alone(samples, backbone, rows):
    found = samples.ask(backbone, [samples.prompts[2], samples.prompts[5]], [[], []])
    torch.testing.assert_close(found, rows[[2, 5]], atol=TOLERANCE, rtol=0)


def test_asking_draws_nothing_at_random(samples, backbone, rows):
    state = torch.random.get_rng_state()
    again = samples.ask(backbone, samples.prompts, samples.pictures())
    assert torch.equal(again, rows)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_bfloat16_gives_finite_rows(samples, backbone):
    batch = samples.inputs(backbone, samples.prompts[1:3], samples.pictures()[1:3])  # two pictures, and none
    with torch.autocast("cpu", torch.bfloat16):
        found = backbone(batch)
        found.float().square().mean().backward()
    assert torch.isfinite(found).all()
    assert all(torch.isfinite(p.grad).all() for p in backbone.parameters() if p.grad is not None)
    backbone.zero_grad()


def test_gradients_reach_words_pixels_and_every_block(samples, backbone):
    head = nn.Linear(backbone.dim, 3)
    batch = samples.inputs(backbone, samples.prompts, samples.pictures())
    head(backbone(batch)).square().sum().backward()
    assert head.weight.grad.abs().max() > 0
    words = [m for m in backbone.modules() if isinstance(m, nn.Embedding) and m.num_embeddings >= 300]
    eyes = [m for m in backbone.modules() if isinstance(m, nn.Conv2d)]
    assert words
    assert eyes
    used = batch["text_ids"][batch["text_mask"]].unique()
    assert all((m.weight.grad[used].abs().amax(dim=1) > 0).all() for m in words), "a word learns nothing"
    assert all(m.weight.grad.abs().max() > 0 for m in eyes), "the eyes learn nothing"
    for depth, block in enumerate(backbone.blocks()):
        found = [p.grad for module in block for p in module.parameters() if p.grad is not None]
        assert any(grad.abs().max() > 0 for grad in found), f"block {depth} learns nothing"
    backbone.zero_grad()


def test_blocks_are_the_whole_network_once(backbone):
    """Each parameter has one depth; the few outside the blocks (a learnt token, numbers of pictures) are small."""
    listed = [id(p) for block in backbone.blocks() for module in block for p in module.parameters()]
    assert len(listed) == len(set(listed))
    outside = sum(p.numel() for p in backbone.parameters() if id(p) not in set(listed))
    assert outside <= 0.05 * sum(p.numel() for p in backbone.parameters())


def test_same_seed_same_weights(samples, backbone, tiny_name):
    same, other = samples.make(tiny_name), samples.make(tiny_name, seed=1)
    mine = backbone.state_dict()
    assert all(torch.equal(value, mine[name]) for name, value in same.state_dict().items())
    assert any(not torch.equal(value, mine[name]) for name, value in other.state_dict().items())


def test_small_enough_to_learn_offline(backbone):
    assert 200_000 <= sum(p.numel() for p in backbone.parameters()) <= 1_500_000
    assert all(p.requires_grad and p.dtype == torch.float32 for p in backbone.parameters())


def test_loading_twice_changes_nothing(samples, backbone, rows):
    backbone.load()
    assert torch.equal(samples.ask(backbone, samples.prompts, samples.pictures()), rows)


def test_preprocessor_travels_to_other_processes(samples, backbone):
    copy = pickle.loads(pickle.dumps(backbone.preprocessor()))
    images = samples.pictures()
    found = copy(samples.prompts, [[copy.picture(image) for image in listed] for listed in images])
    expected = samples.inputs(backbone, samples.prompts, images)
    assert all(torch.equal(found[key], value) for key, value in expected.items())
    assert found["picture_mask"].sum(dim=1).tolist() == [1, 2, 0, 1, 3, 0]


def test_stored_backbone_answers_the_same(samples, backbone, rows, tiny_name, tmp_path):
    backbone.save(tmp_path)
    again = build(samples.node(tiny_name)["backbone"], "encoder.backbone")
    again.restore(tmp_path)
    torch.manual_seed(9)
    again.load()
    again.load_state_dict(backbone.state_dict(), strict=True)
    assert torch.equal(samples.ask(again.eval(), samples.prompts, samples.pictures()), rows)


def test_pretrained_ones_are_pinned(samples, pretrained_name):
    node = samples.node(pretrained_name)
    assert {"training": "pretrained"} in node["defaults"]
    parts = [part for part in (node["backbone"], *node["backbone"].values()) if isinstance(part, dict)]
    named = [part for part in parts if part.get("model")]
    assert named
    assert all(re.fullmatch("[0-9a-f]{40}", part["revision"]) for part in named)


def test_tiny_ones_need_no_download(samples, tiny_name):
    node = samples.node(tiny_name)
    assert {"training": "scratch"} in node["defaults"]
    assert node["backbone"].get("model") is None
    assert node["name"] == node["backbone"]["name"] == tiny_name
