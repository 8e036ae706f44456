import os
import pickle

import numpy as np
import pyarrow as pa
import pytest

from vlrb.benchmark.pool import ModelPool
from vlrb.benchmark.tokens import parallel
from vlrb.benchmark.tokens.counter import TokenCounter
from vlrb.benchmark.tokens.pictures import find_rule, flatten
from vlrb.benchmark.tokens.tokenizers import HuggingFaceTokenizer, TekkenTokenizer, TiktokenTokenizer
from vlrb.utils.errors import ConfigError, DataError

NAN = float("nan")


def test_tekken_counts_that_can_be_counted_by_hand(tekken):
    texts = ["", "A", "Hello", "Hello world", "2024", "a b c", "\n"]
    assert tekken.count(texts).tolist() == [0, 1, 1, 2, 4, 3, 1]
    assert tekken.count([]).tolist() == []
    assert tekken.count(["A"]).dtype == np.int32


def test_tekken_is_mistral_commons_own_tokenizer(tekken):
    tekkenizer = pytest.importorskip("mistral_common.tokens.tokenizers.tekken")
    theirs = tekkenizer.Tekkenizer.from_file(tekken._path)
    texts = ["(B) because 3·4 = 12", "日本語 και ελληνικά 🙂", "  \n\t x", "<s>[INST] not special </s>", "ünïcödé" * 20]
    assert tekken.count(texts).tolist() == [len(theirs.encode(text, bos=False, eos=False)) for text in texts]


def test_broken_unicode_is_counted_not_fatal(tekken):
    assert tekken.count(["\ud83d"])[0] > 0


def test_an_unknown_vocabulary_names_those_there_are():
    with pytest.raises(ConfigError) as error:
        TekkenTokenizer(vocabulary="tekken.json")
    assert "tekken_240911.json" in error.value.hint


def test_tiktoken(monkeypatch):
    import tiktoken

    letters = tiktoken.Encoding(
        "letters", pat_str=".", mergeable_ranks={bytes([b]): b for b in range(256)}, special_tokens={}
    )
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: letters)
    assert TiktokenTokenizer("o200k_base").count(["", "abc", "<|endoftext|>"]).tolist() == [0, 3, 13]
    with pytest.raises(ConfigError) as error:
        TiktokenTokenizer("o200k_bas")
    assert "did you mean 'o200k_base'" in error.value.hint


def test_tiktoken_without_network_says_what_to_do(monkeypatch):
    import tiktoken

    def offline(name):
        raise ConnectionError("no route")

    monkeypatch.setattr(tiktoken, "get_encoding", offline)
    with pytest.raises(DataError) as error:
        TiktokenTokenizer().count(["a"])
    assert "tokens=tekken" in error.value.hint


def test_huggingface_from_a_folder(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"[UNK]": 0, "red": 1, "blue": 2}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]").save_pretrained(tmp_path / "words")
    tokenizer = HuggingFaceTokenizer(str(tmp_path / "words"))
    assert tokenizer.name == "words"
    assert tokenizer.count(["red", "red blue green", ""]).tolist() == [1, 3, 0]
    assert tokenizer.count([]).tolist() == []
    with pytest.raises(DataError, match="could not be loaded"):
        HuggingFaceTokenizer(str(tmp_path / "nothing")).count(["a"])


class Recorder:
    """Counts characters and remembers what it was asked."""

    name = "characters"
    processes = False

    def __init__(self):
        self.asked = []

    def settings(self):
        return {"tokenizer": "characters"}

    def count(self, texts):
        self.asked.extend(texts)
        return np.array([len(text) for text in texts], dtype=np.int32)


def test_distinct_texts_are_counted_once_and_missing_ones_stay_missing():
    recorder = Recorder()
    counter = TokenCounter("t", recorder)
    texts = pa.chunked_array([["ab", None, "abc"], ["ab", "", "abc", "ab"]], type=pa.large_string())
    assert counter.count(texts, "counting").tolist() == pytest.approx([2, NAN, 3, 2, 0, 3, 2], nan_ok=True)
    assert sorted(recorder.asked) == ["", "ab", "abc"]
    assert counter.count(pa.chunked_array([], type=pa.large_string()), "").tolist() == []
    assert np.isnan(counter.count(pa.array([None, None], pa.large_string()), "")).all()


@pytest.mark.parametrize("size", [1, 7, 1000, 10**9])
def test_texts_go_in_chunks_of_bounded_size(monkeypatch, size):
    monkeypatch.setattr(parallel, "CHUNK_BYTES", size)
    texts = ["", *("ä" * (i % 50) + str(i) for i in range(500)), "x" * 3000, ""]
    asked = []

    class Sizes(Recorder):
        def count(self, texts):
            asked.append(texts)
            return super().count(texts)

    counts = parallel.count_texts(Sizes(), pa.array(texts, pa.large_string()), "counting")
    assert counts.tolist() == [len(text) for text in texts]
    assert [text for chunk in asked for text in chunk] == texts
    assert all(sum(len(text.encode()) for text in chunk[1:]) <= size for chunk in asked)


def test_many_texts_are_counted_by_processes_and_the_same(monkeypatch, tekken):
    texts = pa.array([f"Hello world {i}" * (i % 40) for i in range(3000)], pa.large_string())
    here = parallel.count_texts(tekken, texts, "counting")
    monkeypatch.setattr(parallel, "PARALLEL_BYTES", 0)
    monkeypatch.setattr(parallel, "CHUNK_BYTES", 50_000)
    monkeypatch.setattr(parallel, "cores", lambda: 2)
    monkeypatch.setattr(TekkenTokenizer, "count", None)  # whoever counts, it is not this process
    assert parallel.count_texts(tekken, texts, "counting").tolist() == here.tolist()
    assert "_encoding" not in pickle.loads(pickle.dumps(tekken)).__dict__


def test_a_worker_that_dies_is_one_clear_line(monkeypatch):
    for name, value in {"PARALLEL_BYTES": 0, "CHUNK_BYTES": 10, "cores": lambda: 2}.items():
        monkeypatch.setattr(parallel, name, value)
    with pytest.raises(DataError, match="lack of memory"):
        parallel.count_texts(Deadly(), pa.array(["abc", "defghijklmn", "opqrstuvwxyz"], pa.large_string()), "counting")


class Deadly:
    name = "deadly"
    processes = True

    def settings(self):
        return {}

    def count(self, texts):
        os._exit(1)


def test_cards_choose_the_rule_and_the_default_fills_in():
    cards = {
        "own": {"picture_rule": "internvl_tiles", "picture_options": {"max_tiles": 6}},
        "number": {"picture_tokens": 576},
        "bare": {"picture_rule": "fixed"},
        "none": {},
    }
    pool = ModelPool("p", models=cards)
    counter = TokenCounter("t", Recorder(), picture_rule="pixtral", picture_options={"max_side": 512}, picture_tokens=9)
    assert {model: str(counter.rule_of(pool, model)) for model in [*cards, "unheard of"]} == {
        "own": "internvl_tiles (max_tiles 6)",
        "number": "fixed (picture_tokens 576)",
        "bare": "fixed (picture_tokens 9)",
        "none": "pixtral (max_side 512)",
        "unheard of": "pixtral (max_side 512)",
    }


def test_fixed_picture_rule_by_hand():
    pictures = [[{"width": 640, "height": 480}], [], [{"width": 64, "height": 64}, {"width": None, "height": None}]]
    sizes = pa.list_(pa.struct({"width": pa.int32(), "height": pa.int32()}))
    flat = flatten(pa.chunked_array([pa.array(pictures[:2], sizes), pa.array(pictures[2:], sizes)]))
    assert flat.counts().tolist() == [1, 0, 2]
    assert flat.sizes.tolist() == pytest.approx(np.array([[640, 480], [64, 64], [NAN, NAN]]), nan_ok=True)
    assert flat.tokens(find_rule("fixed")).tolist() == [256, 0, 512]
    # A rule that needs sizes: the sample with a picture of unknown size gets an unknown count, the others keep theirs.
    assert flat.tokens(find_rule("pixtral")).tolist() == pytest.approx([30 * 41, 0, NAN], nan_ok=True)


def test_a_benchmark_without_any_picture():
    sizes = pa.list_(pa.struct({"width": pa.int32(), "height": pa.int32()}))
    flat = flatten(pa.chunked_array([pa.array([[], []], sizes)]))
    assert flat.tokens(find_rule("fixed")).tolist() == [0, 0]


def test_unknown_rules_and_bad_numbers_are_refused():
    with pytest.raises(ConfigError) as error:
        TokenCounter("t", Recorder(), picture_rule="fixd")
    assert "did you mean 'fixed'" in error.value.hint
    with pytest.raises(ConfigError, match="picture_tokens"):
        TokenCounter("t", Recorder(), picture_tokens=-1)
    with pytest.raises(ConfigError, match="unknown option"):
        TokenCounter("t", Recorder(), picture_options={"max_pixels": 5})
    with pytest.raises(ConfigError) as error:
        TokenCounter("t", Recorder(), count="publishd")
    assert "did you mean 'published'" in error.value.hint
