"""Hashed word and character n-grams: a text encoder that needs no download and no training."""

import re
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np

from vlrb.encoders.base import TextEncoder
from vlrb.utils.errors import ConfigError

_WORD = re.compile(r"\w+")
Span = tuple[int, int]


class HashedNgrams(TextEncoder):
    """Signed feature hashing of word n-grams and of character n-grams inside words (Weinberger et al., 2009).

    Counts are damped (1 + ln count), each of the two parts is divided by its length, then the parts are weighted.

    Args:
        dim: Buckets in all; a quarter goes to the character part if there is one.
        word_ngrams: Shortest and longest word n-gram.
        char_ngrams: Shortest and longest character n-gram, each word padded by one space on both sides; None for none.
        char_weight: Length of the character part beside a word part of length 1.

    Raises:
        ConfigError: A number is out of range.
    """

    name = "hashed_ngrams"
    revision = "1"

    def __init__(
        self,
        dim: int = 256,
        word_ngrams: Sequence[int] = (1, 2),
        char_ngrams: Sequence[int] | None = (3, 4),
        char_weight: float = 1.0,
    ) -> None:
        if dim < 8:
            raise ConfigError(f"dim must be at least 8, got {dim}")
        if char_weight < 0:
            raise ConfigError(f"char_weight must be at least 0, got {char_weight}")
        self.dim = dim
        self.word_ngrams = _span("word_ngrams", word_ngrams)
        self.char_ngrams = None if char_ngrams is None else _span("char_ngrams", char_ngrams)
        self.char_weight = float(char_weight)

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            "dim": self.dim,
            "word_ngrams": list(self.word_ngrams),
            "char_ngrams": None if self.char_ngrams is None else list(self.char_ngrams),
            "char_weight": self.char_weight,
        }

    def encode(self, texts: list[str]) -> np.ndarray:
        """Return (B, D) float32; a text without a single word is a row of zeros."""
        words = [_WORD.findall(text.lower()) for text in texts]
        char_dim = self.dim // 4 if self.char_ngrams else 0
        grams = [_word_grams(found, self.word_ngrams) for found in words]
        parts = [_hashed(grams, self.dim - char_dim)]
        if self.char_ngrams:
            parts.append(self.char_weight * _hashed([_char_grams(w, self.char_ngrams) for w in words], char_dim))
        return np.asarray(np.concatenate(parts, axis=1), np.float32)


def _span(name: str, value: Sequence[int]) -> Span:
    if len(value) != 2 or not 1 <= value[0] <= value[1]:
        raise ConfigError(f"{name} must be [shortest, longest] with 1 ≤ shortest ≤ longest, got {list(value)}")
    return int(value[0]), int(value[1])


def _word_grams(words: list[str], span: Span) -> list[str]:
    return [" ".join(words[i : i + n]) for n in range(span[0], span[1] + 1) for i in range(max(len(words) - n + 1, 0))]


def _char_grams(words: list[str], span: Span) -> list[str]:
    padded = [f" {word} " for word in words]
    return [p[i : i + n] for p in padded for n in range(span[0], span[1] + 1) for i in range(len(p) - n + 1)]


def _hashed(grams: list[list[str]], dim: int) -> np.ndarray:
    """Return (B, dim) float64 rows of length 1 (or 0): damped counts with a sign, added up in their buckets."""
    known: dict[str, int] = {}
    flat = [gram for row in grams for gram in row]
    for gram in flat:
        if gram not in known:
            known[gram] = crc32(gram.encode())
    codes = np.fromiter((known[gram] for gram in flat), np.uint64, len(flat))
    rows = np.repeat(np.arange(len(grams), dtype=np.uint64), [len(row) for row in grams])
    # Sorted by row, then hash: the order of summation in a row does not depend on the other rows.
    pairs, counts = np.unique((rows << np.uint64(32)) | codes, return_counts=True)
    codes, rows = pairs & np.uint64(0xFFFFFFFF), pairs >> np.uint64(32)
    sign = np.where(codes >> np.uint64(31), -1.0, 1.0)
    bucket = (rows * np.uint64(dim) + (codes & np.uint64(0x7FFFFFFF)) % np.uint64(dim)).astype(np.int64)
    weights = sign * (1 + np.log(counts))
    table = np.bincount(bucket, weights, minlength=len(grams) * dim).astype(np.float64).reshape(len(grams), dim)
    length = np.sqrt(np.einsum("ij,ij->i", table, table))[:, None]
    return np.asarray(np.divide(table, length, out=np.zeros_like(table), where=length > 0))
