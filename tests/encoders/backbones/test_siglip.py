"""SigLIP as a backbone, against SiglipModel of transformers on the same checkpoint."""

import json
import shutil

import pytest
import torch

from vlrb.encoders.backbones.siglip import SiglipTokens
from vlrb.utils.errors import DataError

PROMPTS = ["How many PEOPLE stand, next to the bus?", "read the chart", "", "What is the length? " * 40]
CLEAN = ["how many people stand next to the bus", "read the chart", "", " ".join(["what is the length"] * 40)]


@pytest.fixture(scope="module")
def backbone(samples, checkpoint):
    found = samples.published("siglip", checkpoint("siglip"), width=None)
    torch.manual_seed(0)
    found.load()
    return found.eval()


@pytest.fixture
def batch(samples, backbone):
    return samples.inputs(backbone, PROMPTS, samples.pictures()[:4])  # 1, 2, 0 and 1 pictures


def test_text_is_cleaned_up_ended_and_padded_to_64(checkpoint, batch):
    """Pieces of the clean text by the bare tokenizer, then </s> (1), then </s> again up to 64."""
    from tokenizers import Tokenizer

    bare = Tokenizer.from_file(str(checkpoint("siglip") / "tokenizer.json"))
    for row, mask, clean in zip(batch["text_ids"], batch["text_mask"], CLEAN, strict=True):
        ids = [*bare.encode(clean, add_special_tokens=False).ids[:63], 1]
        assert row.tolist() == [*ids, *[1] * (64 - len(ids))]
        assert int(mask.sum()) == len(ids)


def test_cleaning_twice_is_cleaning_once(checkpoint, tmp_path):
    """A tokenizer.json that cleans up by itself gives the same ids."""
    own = SiglipTokens(str(checkpoint("siglip")))
    folder = tmp_path / "clean"
    folder.mkdir()
    own.tokenizer.save(str(folder / "tokenizer.json"))
    again = SiglipTokens(str(folder))
    for prompt in PROMPTS:
        assert again.tokenizer.encode(prompt).ids == own.tokenizer.encode(prompt).ids
    plain = SiglipTokens(str(checkpoint("siglip")), clean=False)
    assert plain.tokenizer.encode(PROMPTS[0]).ids != own.tokenizer.encode(PROMPTS[0]).ids
    assert plain.tokenizer.encode(PROMPTS[1]).ids == own.tokenizer.encode(PROMPTS[1]).ids


def test_rows_are_the_towers_of_siglip_joined(checkpoint, backbone, batch):
    from transformers import SiglipModel

    network = SiglipModel.from_pretrained(checkpoint("siglip")).eval()
    pixels = batch["pixels"][batch["picture_mask"]].float() / 255
    with torch.no_grad():
        found = network(input_ids=batch["text_ids"], pixel_values=(pixels - 0.5) / 0.5)  # no mask, as it was trained
        t, seen = found.text_embeds, found.image_embeds
        nothing = backbone.join.nothing / backbone.join.nothing.norm()
        v = torch.stack([seen[0], (seen[1] + seen[2]) / 2, nothing, seen[3]])
        scale = 32**0.5
        expected = backbone.join.hidden(torch.cat([scale * t, scale * v, 32 * t * v], dim=1))
        rows = backbone(batch)
    assert rows.shape == (4, 32)
    torch.testing.assert_close(rows, expected, atol=1e-5, rtol=0)


def test_rows_do_not_hang_on_where_text_is_padded(samples, checkpoint, backbone, batch):
    """Padded where batches are prepared or not: the network always sees 64 places."""
    node = samples.node("siglip_base")["backbone"]["text"]
    assert node["fixed"]
    short = {**batch, "text_ids": batch["text_ids"][:2, :30], "text_mask": batch["text_mask"][:2, :30]}
    short |= {key: batch[key][:2] for key in ("pixels", "extent", "picture_mask")}
    assert short["text_mask"].sum() == batch["text_mask"][:2].sum(), "nothing but padding is cut off"
    with torch.no_grad():
        torch.testing.assert_close(backbone(short), backbone(batch)[:2], atol=1e-5, rtol=0)


def test_only_what_makes_rows_is_trained(backbone):
    names = {name for name, _ in backbone.named_parameters()}
    assert not names & {"network.logit_scale", "network.logit_bias"}
    assert "network.vision_model.head.probe" in names


def test_stored_one_needs_no_folder(samples, checkpoint, backbone, batch, tmp_path):
    folder = shutil.copytree(checkpoint("siglip"), tmp_path / "siglip")
    again = samples.published("siglip", folder, width=None)
    shutil.rmtree(folder)
    backbone.save(tmp_path)
    again.restore(tmp_path)
    again.load()
    again.load_state_dict(backbone.state_dict(), strict=True)
    other = samples.inputs(again.eval(), PROMPTS, samples.pictures()[:4])
    assert all(torch.equal(other[key], value) for key, value in batch.items())
    with torch.no_grad():
        assert torch.equal(again(other), backbone(batch))


@pytest.mark.parametrize("content", ["{", "{}", json.dumps({"version": "1.0", "model": {"type": "BPE"}})])
def test_tokenizer_that_is_none(tmp_path, content):
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(DataError, match=r"tokenizer\.json: no readable tokenizer"):
        _ = SiglipTokens(str(tmp_path)).tokenizer


def test_tokenizer_without_an_end(tmp_path):
    from tokenizers import Tokenizer, models

    Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(DataError, match="no token </s>"):
        _ = SiglipTokens(str(tmp_path)).tokenizer
