"""The token counter: distinct texts are counted once, whatever the number of records that repeat them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from vlrb.benchmark.names import check_name
from vlrb.benchmark.tokens.pictures import find_rule
from vlrb.benchmark.tokens.tokenizers import Tokenizer
from vlrb.utils.console import track
from vlrb.utils.errors import ConfigError

_CHUNK = 20_000  # texts per step of the progress bar


class TokenCounter:
    """How tokens are counted: one tokenizer for all texts, and a picture rule for models whose card names none.

    Args:
        name: Name of the way of counting, shown in reports.
        tokenizer: Counts the tokens of texts.
        picture_rule: Rule for the pictures of models whose card names no rule.
        picture_tokens: Tokens per picture for rules that take a number.
    """

    def __init__(self, name: str, tokenizer: Tokenizer, picture_rule: str = "fixed", picture_tokens: int = 256) -> None:
        if picture_tokens < 0:
            raise ConfigError(f"tokens.picture_tokens must be ≥ 0, not {picture_tokens}")
        find_rule(picture_rule)
        self.name = check_name(name, "tokens")
        self.tokenizer = tokenizer
        self.picture_rule = picture_rule
        self.picture_tokens = picture_tokens

    def settings(self) -> dict[str, Any]:
        """Return everything that determines the counts of texts."""
        return self.tokenizer.settings()

    def count(self, texts: pa.ChunkedArray | pa.Array, description: str) -> np.ndarray:
        """Return the tokens of each text, float32; NaN where the text is missing (null)."""
        whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        encoded = whole.dictionary_encode()
        counts = self._distinct(encoded.dictionary.to_pylist(), description)
        position = encoded.indices.fill_null(len(counts)).to_numpy(zero_copy_only=False)
        found: np.ndarray = np.append(counts, np.float32(np.nan))[position]
        return found

    def _distinct(self, texts: Sequence[str], description: str) -> np.ndarray:
        starts = range(0, len(texts), _CHUNK)
        if len(starts) > 1:
            parts = [self.tokenizer.count(texts[s : s + _CHUNK]) for s in track(starts, description)]
        else:
            parts = [self.tokenizer.count(texts)]
        counts: np.ndarray = np.concatenate(parts).astype(np.float32)
        return counts
