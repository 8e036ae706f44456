"""What a process that counts tokens runs; imports little, so that it starts fast."""

import numpy as np

from vlrb.benchmark.tokens.tokenizers import Tokenizer

_tokenizer: list[Tokenizer] = []  # of this process


def start(tokenizer: Tokenizer) -> None:
    """Keep the tokenizer that this process counts with."""
    _tokenizer[:] = [tokenizer]


def work(texts: list[str]) -> np.ndarray:
    """Return the number of tokens of each text, int32."""
    return _tokenizer[0].count(texts)
