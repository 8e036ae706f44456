"""Prompts become token ids: any text, the same every time, and what is too long can be counted."""

import pickle
from pathlib import Path

import pytest
import torch

from vlrb.encoders.backbones.text import LearnedTokens, PretrainedTokens, TextPreprocessor
from vlrb.utils.errors import ConfigError, DataError, StateError

PROMPTS = [f"What is {a} plus {b}? Answer with a letter." for a in range(9) for b in range(9)]
ODD = ["", " \n\t ", "a\0b", "🦜🏳️‍🌈", "数学の問題", "ﬁne ½", "x" * 5000]


def learned(prompts: list[str] = PROMPTS, **options: int) -> LearnedTokens:
    text = LearnedTokens(vocab_size=400, **{"max_length": 16, **options})
    text.learn(prompts)
    return text


def test_odd_texts_are_read() -> None:
    found = learned().preprocessor()(ODD)
    assert found["text_ids"].shape == found["text_mask"].shape == (len(ODD), 16)
    assert found["text_mask"].sum(dim=1).tolist()[0] == 2  # of an empty prompt, start and end are left
    assert (found["text_mask"].sum(dim=1) >= 2).all()
    assert found["text_ids"].dtype == torch.int64


def test_a_hundred_thousand_characters() -> None:
    text = learned().preprocessor()
    prompt = "apple river " * 8500
    assert len(prompt) > 100_000
    found = text([prompt])
    assert found["text_mask"].sum() == 16
    assert text.lengths([prompt])[0] > 8500


def test_a_long_prompt_loses_its_end_but_not_its_closing_token() -> None:
    text = learned().preprocessor()
    whole, cut = learned(max_length=1000).preprocessor()([" ".join(PROMPTS[:3])]), text([" ".join(PROMPTS[:3])])
    assert cut["text_ids"][0, :15].tolist() == whole["text_ids"][0, :15].tolist()
    assert cut["text_ids"][0, 15] == whole["text_ids"][0, -1]


def test_lengths_are_those_without_a_limit() -> None:
    text, whole = learned().preprocessor(), learned(max_length=10_000).preprocessor()
    prompts = [*PROMPTS, *ODD] * 20  # more than one chunk
    counted = text.lengths(prompts).tolist()
    assert counted == whole(prompts)["text_mask"].sum(dim=1).tolist()
    assert text(["x " * 5000])["text_ids"].shape == (1, 16)  # counting does not lift the limit


def test_padding_marks_and_fills() -> None:
    found = learned().preprocessor()(["a", PROMPTS[0]])
    used = found["text_mask"].sum(dim=1).tolist()
    assert used[0] < used[1] == found["text_ids"].shape[1]
    assert (found["text_ids"][0, used[0] :] == learned().pad_id).all()


def test_a_row_does_not_depend_on_its_batch() -> None:
    text = learned().preprocessor()
    together = text([*ODD, *PROMPTS])
    for row, prompt in enumerate([*ODD, *PROMPTS]):
        alone = text([prompt])["text_ids"][0]
        assert together["text_ids"][row][together["text_mask"][row]].tolist() == alone.tolist()


def test_no_prompts_at_all() -> None:
    assert learned().preprocessor()([])["text_ids"].shape == (0, 1)


def test_equal_prompts_give_the_same_tokenizer_byte_by_byte(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        learned().save(tmp_path / name)
    assert (tmp_path / "a/tokenizer.json").read_bytes() == (tmp_path / "b/tokenizer.json").read_bytes()
    learned(["other words altogether"] * 5).save(tmp_path / "b")
    assert (tmp_path / "a/tokenizer.json").read_bytes() != (tmp_path / "b/tokenizer.json").read_bytes()


def test_fewer_prompts_than_the_vocabulary_has_room_for() -> None:
    text = LearnedTokens(vocab_size=30_000)
    text.learn(["one prompt"])
    assert 256 < text.vocabulary() < 300
    assert text.preprocessor()(["another 🦜"])["text_mask"].all()


def test_saved_and_restored(tmp_path: Path) -> None:
    text = learned()
    text.preprocessor()
    text.save(tmp_path)
    again = LearnedTokens(vocab_size=400, max_length=16)
    again.restore(tmp_path)
    before, after = text.preprocessor()([*ODD, *PROMPTS]), again.preprocessor()([*ODD, *PROMPTS])
    assert before["text_ids"].tolist() == after["text_ids"].tolist()


def test_a_pretrained_tokenizer_keeps_its_padding_when_stored(tmp_path: Path) -> None:
    """Padding with another id than 0; what the preprocessor changes is its own copy."""
    text = PretrainedTokens(str(tmp_path), max_length=16)
    text._tokenizer = learned().tokenizer
    text.tokenizer.enable_padding(pad_id=2, pad_token="[SEP]")
    text.preprocessor()
    text.save(tmp_path)
    again = PretrainedTokens(str(tmp_path), max_length=16)
    again.restore(tmp_path)
    for _ in range(2):
        assert again.preprocessor().pad_id == 2


def test_a_copy_sent_to_a_process_does_the_same() -> None:
    text = learned().preprocessor()
    copy: TextPreprocessor = pickle.loads(pickle.dumps(text))
    assert copy(ODD)["text_ids"].tolist() == text(ODD)["text_ids"].tolist()
    assert copy.lengths(PROMPTS).tolist() == text.lengths(PROMPTS).tolist()


def test_errors_of_a_user(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="max_length must be at least 3"):
        LearnedTokens(max_length=2)
    with pytest.raises(ConfigError, match="vocab_size must be at least 300"):
        LearnedTokens(vocab_size=100)
    with pytest.raises(StateError, match="has not learnt"):
        LearnedTokens().preprocessor()
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(DataError, match="no readable tokenizer"):
        LearnedTokens().restore(tmp_path)
