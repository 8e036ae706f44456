"""CLIP as a backbone, against CLIPModel of transformers on the same checkpoint."""

import shutil

import pytest
import torch

from vlrb.utils.errors import ConfigError, DataError

PROMPTS = ["How many people stand next to the bus?", "Read the chart.", "", "What is the length? " * 40]


def reference(folder):
    from transformers import AutoTokenizer, CLIPModel

    return CLIPModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def backbone(samples, checkpoint):
    found = samples.published("clip", checkpoint("clip"), width=20)
    torch.manual_seed(0)
    found.load()
    return found.eval()


@pytest.fixture
def batch(samples, backbone):
    return samples.inputs(backbone, PROMPTS, samples.pictures()[:4])  # 1, 2, 0 and 1 pictures


def test_tokens_are_those_of_the_checkpoint(checkpoint, batch):
    _, tokenizer = reference(checkpoint("clip"))
    for row, mask, prompt in zip(batch["text_ids"], batch["text_mask"], PROMPTS, strict=True):
        assert row[mask].tolist() == tokenizer(prompt, truncation=True, max_length=77)["input_ids"]
    assert batch["text_ids"].shape[1] == 77


def test_rows_are_the_towers_of_clip_joined(checkpoint, backbone, batch):
    """t and v of CLIPModel; v of sample 1 is the mean of its two pictures, of sample 2 the learnt vector."""
    network, _ = reference(checkpoint("clip"))
    pixels = batch["pixels"][batch["picture_mask"]].float() / 255
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1)
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1)
    with torch.no_grad():
        found = network(
            input_ids=batch["text_ids"], attention_mask=batch["text_mask"].long(), pixel_values=(pixels - mean) / std
        )
        t, seen = found.text_embeds, found.image_embeds
        nothing = backbone.join.nothing / backbone.join.nothing.norm()
        v = torch.stack([seen[0], (seen[1] + seen[2]) / 2, nothing, seen[3]])
        scale = 24**0.5
        expected = backbone.join.hidden(torch.cat([scale * t, scale * v, 24 * t * v], dim=1))
        rows = backbone(batch)
    assert rows.shape == (4, 20)
    torch.testing.assert_close(rows, expected, atol=1e-5, rtol=0)


def test_only_what_makes_rows_is_trained(checkpoint, backbone):
    network, _ = reference(checkpoint("clip"))
    weights = dict(network.named_parameters())
    assert weights.pop("logit_scale") is not None
    mine = {name.removeprefix("network."): p for name, p in backbone.named_parameters() if name.startswith("network.")}
    assert set(mine) == set(weights)
    assert all(torch.equal(mine[name], value) for name, value in weights.items())
    assert all(p.requires_grad for p in backbone.parameters())


def test_other_size_of_pictures(samples, checkpoint):
    """48 pixels: position embeddings are stretched, as CLIPModel does when told to."""
    backbone = samples.published("clip", checkpoint("clip"), size=48)
    backbone.load()
    batch = samples.inputs(backbone.eval(), PROMPTS[:1], samples.pictures()[:1])
    network, _ = reference(checkpoint("clip"))
    colours = backbone.pictures.normalized(batch["pixels"][:, 0])
    with torch.no_grad():
        expected = network.visual_projection(network.vision_model(colours, interpolate_pos_encoding=True).pooler_output)
        torch.testing.assert_close(backbone.picture_rows(colours, stretch=True), expected)
        assert torch.isfinite(backbone(batch)).all()


def test_weights_as_bin_give_the_same(samples, checkpoint, backbone, batch, tmp_path):
    folder = shutil.copytree(checkpoint("clip"), tmp_path / "clip")
    (folder / "model.safetensors").unlink()
    network, _ = reference(checkpoint("clip"))
    torch.save(network.state_dict(), folder / "pytorch_model.bin")
    other = samples.published("clip", folder, width=20)
    other.check()
    torch.manual_seed(0)
    other.load()
    with torch.no_grad():
        assert torch.equal(other.eval()(batch), backbone(batch))


def test_a_pickle_that_runs_code_is_refused(samples, checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint("clip"), tmp_path / "clip")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR.")
    with pytest.raises(DataError, match="the weights cannot be read"):
        samples.published("clip", folder).load()
    assert not (tmp_path / "ran").exists()


def test_stored_one_needs_no_folder(samples, checkpoint, backbone, batch, tmp_path):
    folder = shutil.copytree(checkpoint("clip"), tmp_path / "clip")
    again = samples.published("clip", folder, width=20)
    shutil.rmtree(folder)
    backbone.save(tmp_path)
    again.restore(tmp_path)
    again.load()
    again.load_state_dict(backbone.state_dict(), strict=True)
    other = samples.inputs(again.eval(), PROMPTS, samples.pictures()[:4])
    assert all(torch.equal(other[key], value) for key, value in batch.items())
    with torch.no_grad():
        assert torch.equal(again(other), backbone(batch))


@pytest.mark.parametrize("lost", ["model.safetensors", "vocab.json", "config.json"])
@pytest.mark.parametrize("kind", ["clip", "siglip", "vilt"])
def test_folder_that_lacks_a_file(samples, checkpoint, tmp_path, kind, lost):
    lost = {"siglip": "tokenizer.json", "vilt": "vocab.txt"}.get(kind, lost) if lost == "vocab.json" else lost
    folder = shutil.copytree(checkpoint(kind), tmp_path / kind)
    (folder / lost).unlink()
    with pytest.raises(DataError, match=rf"{folder}: no file .*{lost}"):
        samples.published(kind, folder).check()


@pytest.mark.parametrize("kind", ["clip", "siglip", "vilt"])
def test_another_kind_of_network(samples, checkpoint, tmp_path, kind):
    """Its tokenizer may be read; its configuration says that it is something else."""
    other = {"clip": "siglip", "siglip": "vilt", "vilt": "clip"}[kind]
    folder = shutil.copytree(checkpoint(kind), tmp_path / kind)
    for name in ("config.json", "model.safetensors"):
        shutil.copy(checkpoint(other) / name, folder / name)
    with pytest.raises(ConfigError, match=rf"is a network of type '{other}'.*\n.*made for '{kind}'"):
        samples.published(kind, folder).load()


@pytest.mark.parametrize("kind", ["clip", "siglip", "vilt"])
def test_weights_that_are_absent_are_named(samples, checkpoint, tmp_path, kind):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(checkpoint(kind), tmp_path / kind)
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if "layers.1.mlp.fc1.weight" in name or "layer.1.output.dense.weight" in name)
    save_file(
        {key: value for key, value in weights.items() if key != name}, folder / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(DataError, match=r"no weights for .*1\.(mlp\.fc1|output\.dense)\.weight"):
        samples.published(kind, folder).load()


@pytest.mark.parametrize(("kind", "limit"), [("clip", 77), ("siglip", 64), ("vilt", 40)])
def test_more_tokens_than_the_network_reads(samples, checkpoint, kind, limit):
    backbone = samples.published(kind, checkpoint(kind))
    backbone.text.max_length = limit + 1
    with pytest.raises(ConfigError, match=rf"max_length={limit + 1}, but this network reads at most {limit} tokens"):
        backbone.load()


def test_sizes_of_a_part(samples, checkpoint):
    backbone = samples.published("clip", checkpoint("clip"), sizes={"vision_config": {"attention_dropout": 0.25}})
    backbone.load()
    settings = backbone.network.config
    assert (settings.vision_config.attention_dropout, settings.text_config.attention_dropout) == (0.25, 0.0)
    wrong = samples.published("clip", checkpoint("clip"), sizes={"vision_config": {"hidden_sise": 8}})
    with pytest.raises(ConfigError, match=r"unknown key 'encoder\.backbone\.sizes\.vision_config\.hidden_sise'"):
        wrong.load()
    with pytest.raises(ConfigError, match=r"backbone\.width must be at least 1"):
        samples.published("clip", checkpoint("clip"), width=0)
