"""Text encoders: pooling, prefix and truncation against transformers used by hand, and checkpoints that do not fit."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from vlrb.encoders.text.huggingface import HuggingFaceText
from vlrb.utils.errors import ConfigError, DataError


def by_hand(folder, texts, pooling, *, normalize=True, max_length=512):
    """One text at a time, so without padding."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    rows = []
    for text in texts:
        ids = tokenizer(text, return_tensors="pt", truncation=True, max_length=max_length)
        with torch.no_grad():
            states = network(**ids).last_hidden_state[0].numpy()
        row = states[0] if pooling == "cls" else states.mean(axis=0)
        rows.append(row / np.linalg.norm(row) if normalize else row)
    return np.array(rows)


def copied(tiny, kind, folder):
    return shutil.copytree(tiny.folder(kind), folder)


@pytest.mark.parametrize("kind", ["bert", "xlmr"])
@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_pooling_by_hand(tiny, kind, pooling):
    folder = tiny.folder(kind)
    for normalize in (True, False):
        found = HuggingFaceText(str(folder), pooling=pooling, normalize=normalize).encode(tiny.texts)
        np.testing.assert_allclose(
            found, by_hand(folder, tiny.texts, pooling, normalize=normalize), atol=1e-5, rtol=1e-4 * (not normalize)
        )
    assert not np.allclose(found, by_hand(folder, tiny.texts, "mean" if pooling == "cls" else "cls", normalize=False))


def test_prefix_is_put_before_every_text(tiny):
    folder = str(tiny.folder("bert"))
    plain, prefixed = HuggingFaceText(folder), HuggingFaceText(folder, prefix="query: ")
    assert np.array_equal(prefixed.encode(tiny.texts), plain.encode([f"query: {text}" for text in tiny.texts]))
    assert np.abs(prefixed.encode(tiny.texts) - plain.encode(tiny.texts)).max(axis=1).min() > 1e-3
    ids = prefixed.preprocessor()(["picture"])["input_ids"][0].tolist()
    assert plain.preprocessor().tokenizer.decode(ids) == "[CLS] query : picture [SEP]"


def test_words_are_known_to_the_tokenizer_of_a_vocabulary_file(tiny):
    tokenizer = HuggingFaceText(str(tiny.folder("bert"))).preprocessor().tokenizer
    assert tokenizer.tokenize("Which PICTURE") == ["which", "picture"]


@pytest.mark.parametrize("kind", ["bert", "xlmr"])
def test_long_texts_are_cut_and_counted(tiny, kind):
    folder = str(tiny.folder(kind))
    encoder = HuggingFaceText(folder, max_tokens=16)
    prepare = encoder.preprocessor()
    assert prepare(tiny.texts)["input_ids"].shape[1] == 16
    lengths = [len(prepare.tokenizer(text)["input_ids"]) for text in tiny.texts]
    cut = sum(length > 16 for length in lengths)
    assert "texts_cut" not in encoder.details()
    assert prepare.truncated(tiny.texts) == cut
    assert (encoder.details()["texts_cut"], encoder.details()["texts_counted"]) == (cut, len(tiny.texts))
    assert 0 < prepare.truncated(tiny.texts) < len(tiny.texts)
    for limit in sorted(set(lengths)):  # a text of exactly the limit is whole
        prepare.max_tokens = limit
        assert prepare.truncated(tiny.texts) == sum(length > limit for length in lengths)
    rows = HuggingFaceText(folder, max_tokens=16).encode(tiny.texts)
    np.testing.assert_allclose(rows, by_hand(folder, tiny.texts, "mean", max_length=16), atol=1e-5)


def test_short_texts_are_not_tokenized_to_be_counted(tiny, monkeypatch):
    prepare = HuggingFaceText(str(tiny.folder("bert"))).preprocessor()
    monkeypatch.setattr(type(prepare.tokenizer), "__call__", lambda *_, **__: pytest.fail("tokenized"))
    assert prepare.truncated(["a short question?"] * 1000) == 0


def test_more_tokens_than_the_network_has_positions_for(tiny):
    """BERT counts from 0; RoBERTa's kin from the padding id on: 8194 − (1 + 1) = 8192."""
    for kind, longest in (("bert", 512), ("xlmr", 8192)):
        HuggingFaceText(str(tiny.folder(kind)), max_tokens=longest).check()
        with pytest.raises(ConfigError, match=rf"max_tokens={longest + 1}.*at most {longest}"):
            HuggingFaceText(str(tiny.folder(kind)), max_tokens=longest + 1).check()
    encoder = HuggingFaceText(str(tiny.folder("xlmr")), max_tokens=8192)
    assert np.isfinite(encoder.encode(["picture " * 9000])).all()


def test_width_that_the_checkpoint_does_not_have(tiny):
    encoder = HuggingFaceText(str(tiny.folder("bert")), dim=1024)
    assert encoder.dim == 1024
    for use in (encoder.check, encoder.load):
        with pytest.raises(ConfigError, match=r"encoder\.text\.dim=1024.*rows of 32 numbers"):
            use()
    assert HuggingFaceText(str(tiny.folder("bert"))).dim == 32


@pytest.mark.parametrize("wrong", [{"dim": 0}, {"max_tokens": 2}])
def test_impossible_options(tiny, wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        HuggingFaceText(str(tiny.folder("bert")), **wrong)


def test_network_with_a_decoder_is_refused(tiny, tmp_path):
    folder = copied(tiny, "bert", tmp_path / "t5")
    (folder / "config.json").write_text(json.dumps({"model_type": "t5", "is_encoder_decoder": True}))
    with pytest.raises(ConfigError, match="t5 has a decoder"):
        HuggingFaceText(str(folder)).check()


def test_precision(tiny):
    """bfloat16 keeps 8 bits: rows of length 1 are near, not equal, and still float32; auto on a CPU is float32."""
    folder = str(tiny.folder("bert"))
    rows = {p: HuggingFaceText(folder, precision=p).encode(tiny.texts) for p in ("auto", "float32", "bfloat16")}
    assert np.array_equal(rows["auto"], rows["float32"])
    encoder = HuggingFaceText(folder, precision="bfloat16")
    assert "arithmetic" not in encoder.details()
    encoder.encode(tiny.texts)
    assert encoder.details()["arithmetic"] == "bfloat16"
    assert rows["bfloat16"].dtype == np.float32
    assert 0 < np.abs(rows["bfloat16"] - rows["float32"]).max() < 0.1


def test_half_precision_checkpoint_is_used_in_float32(tiny, tmp_path):
    folder = copied(tiny, "bert", tmp_path / "half")
    state = {name: value.half() for name, value in load_file(folder / "model.safetensors").items()}
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    encoder = HuggingFaceText(str(folder))
    rows = encoder.encode(tiny.texts)
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    np.testing.assert_allclose(rows, HuggingFaceText(str(tiny.folder("bert"))).encode(tiny.texts), atol=0.02)


def test_absent_weights_are_never_made_up(tiny, tmp_path):
    folder = copied(tiny, "bert", tmp_path / "holed")
    state = load_file(folder / "model.safetensors")
    del state["encoder.layer.1.output.dense.weight"]
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(DataError, match=r"no weights for encoder\.layer\.1\.output\.dense\.weight"):
        HuggingFaceText(str(folder)).load()
    state = load_file(tiny.folder("bert") / "model.safetensors")
    save_file({k: v for k, v in state.items() if "pooler" not in k}, folder / "model.safetensors", {"format": "pt"})
    HuggingFaceText(str(folder)).load()  # the pooler is not used


def test_damaged_files_are_one_clear_error(tiny, tmp_path):
    for name, what in (("model.safetensors", "weights"), ("config.json", "configuration")):
        folder = copied(tiny, "bert", tmp_path / what)
        (folder / name).write_bytes(b"\x00" * 40)
        with pytest.raises(DataError, match=rf"{folder}: the {what} cannot be read"):
            HuggingFaceText(str(folder)).load()


class Payload:
    """Runs a function when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_pickled_weights_are_read_as_weights_only(tiny, tmp_path):
    folder = copied(tiny, "bert", tmp_path / "bin")
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin")
    rows = HuggingFaceText(str(folder)).encode(tiny.texts)
    assert np.array_equal(rows, HuggingFaceText(str(tiny.folder("bert"))).encode(tiny.texts))
    torch.save({**state, "payload": Payload(tmp_path / "ran")}, folder / "pytorch_model.bin")
    with pytest.raises(DataError, match="weights cannot be read"):
        HuggingFaceText(str(folder)).load()
    assert not (tmp_path / "ran").exists()


def test_code_in_a_checkpoint_is_not_run(tiny, tmp_path):
    folder = copied(tiny, "bert", tmp_path / "code")
    config = json.loads((folder / "config.json").read_text())
    (folder / "theirs.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass C: ...\nclass M: ...\n")
    (folder / "config.json").write_text(
        json.dumps(config | {"model_type": "theirs", "auto_map": {"AutoConfig": "theirs.C", "AutoModel": "theirs.M"}})
    )
    with pytest.raises(DataError, match="configuration cannot be read"):
        HuggingFaceText(str(folder)).check()
    assert not (tmp_path / "ran").exists()
