"""Hashed n-grams: rows depend on their own text alone, have the promised length, and tell texts apart."""

import zlib

import numpy as np
import pytest

from vlrb.encoders.text.hashed import HashedNgrams
from vlrb.utils.errors import ConfigError

TEXTS = ["How many cats are there?", "how MANY cats, are there", "Which colour is the sky?", "", "???", "café 7"]


def test_rows_do_not_depend_on_the_batch() -> None:
    encoder = HashedNgrams()
    together = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert together.dtype == np.float32
    assert together.shape == (len(TEXTS), encoder.dim)
    assert np.array_equal(together, alone)
    assert np.array_equal(encoder.encode(TEXTS[::-1])[::-1], together)
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_case_and_marks_do_not_count_but_words_do() -> None:
    rows = HashedNgrams().encode(TEXTS)
    assert np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])
    assert not rows[3].any()
    assert not rows[4].any()


def test_lengths_of_the_parts() -> None:
    """Word part of length 1 in the first 3/4 of the buckets, character part of length `char_weight` in the rest."""
    rows = HashedNgrams(dim=64, char_weight=0.5).encode(TEXTS[:3])
    assert np.linalg.norm(rows[:, :48], axis=1) == pytest.approx(np.ones(3), abs=1e-6)
    assert np.linalg.norm(rows[:, 48:], axis=1) == pytest.approx(np.full(3, 0.5), abs=1e-6)
    words_only = HashedNgrams(dim=64, char_ngrams=None).encode(TEXTS[:3])
    assert np.linalg.norm(words_only, axis=1) == pytest.approx(np.ones(3), abs=1e-6)


def test_counts_are_damped() -> None:
    """Single words, no collision: "b" once and "a" three times give 1 : 1 + ln 3."""
    row = HashedNgrams(dim=4096, word_ngrams=(1, 1), char_ngrams=None).encode(["a b a a"])[0]
    values = np.sort(np.abs(row[row != 0]))
    assert len(values) == 2
    assert values[1] / values[0] == pytest.approx(1 + np.log(3), rel=1e-5)


def test_word_order_counts_through_pairs() -> None:
    forward, backward = HashedNgrams(char_ngrams=None).encode(["red on blue", "blue on red"])
    assert not np.array_equal(forward, backward)
    forward, backward = HashedNgrams(word_ngrams=(1, 1), char_ngrams=None).encode(["red on blue", "blue on red"])
    assert np.array_equal(forward, backward)


def test_values_are_pinned() -> None:
    """Bucket = low 31 bits of the CRC-32 modulo 8, sign = its highest bit: the same on every machine."""
    row = HashedNgrams(dim=8, word_ngrams=(1, 1), char_ngrams=None).encode(["one two"])[0]
    expected = np.zeros(8)
    for word in ("one", "two"):
        code = zlib.crc32(word.encode())
        expected[(code & 0x7FFFFFFF) % 8] += -1 if code >> 31 else 1
    assert row == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)


@pytest.mark.parametrize(
    "settings",
    [{"dim": 0}, {"word_ngrams": (0, 1)}, {"word_ngrams": (3, 2)}, {"char_ngrams": (1,)}, {"char_weight": -0.1}],
)
def test_impossible_settings(settings: dict) -> None:
    with pytest.raises(ConfigError):
        HashedNgrams(**settings)


def test_settings_tell_encoders_apart() -> None:
    assert HashedNgrams().settings() == HashedNgrams().settings()
    assert HashedNgrams(dim=128).settings() != HashedNgrams().settings()
    assert HashedNgrams(**HashedNgrams(dim=128).settings()).settings() == HashedNgrams(dim=128).settings()
