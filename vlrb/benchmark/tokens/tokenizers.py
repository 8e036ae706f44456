"""Tokenizers behind one small interface: how many tokens has each text."""

import base64
import importlib.util
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from vlrb.utils.errors import ConfigError, DataError
from vlrb.utils.suggest import did_you_mean

if TYPE_CHECKING:
    import tiktoken


class Tokenizer(Protocol):
    """Counts tokens; `name` says by which vocabulary, `settings()` all that determines the counts.

    `processes` says whether many texts are counted faster by several processes (false if it uses all cores itself).
    """

    name: str
    processes: bool

    def settings(self) -> dict[str, Any]:
        """Return plain values."""
        ...

    def count(self, texts: Sequence[str]) -> np.ndarray:
        """Return the number of tokens of each text, int32, special tokens not added."""
        ...


class _BytePairTokenizer:
    """Counts with an encoding of `tiktoken` that is made when first needed and never sent to another process."""

    processes = True

    def count(self, texts: Sequence[str]) -> np.ndarray:
        """Return the number of tokens of each text, int32."""
        # A plain loop: on many short strings it beats the batch call, and threads gain nothing.
        encode = self._encoding.encode_ordinary
        return np.fromiter((len(encode(text)) for text in texts), dtype=np.int32, count=len(texts))

    @cached_property
    def _encoding(self) -> "tiktoken.Encoding":
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_encoding"}


class TekkenTokenizer(_BytePairTokenizer):
    """Tekken, the 131 k vocabulary that ships inside `mistral-common`: no download, the same counts everywhere.

    For models with another vocabulary the counts are approximations.

    Args:
        vocabulary: Vocabulary file of the `mistral_common` package.

    >>> TekkenTokenizer().count(["", "Hello world", "12345"]).tolist()  # every digit is a token
    [0, 2, 5]
    """

    def __init__(self, vocabulary: str = "tekken_240911.json") -> None:
        self.name = "tekken"
        self.vocabulary = vocabulary
        self._path = _shipped(vocabulary)

    def settings(self) -> dict[str, Any]:
        """Return everything that determines the counts."""
        return {"tokenizer": "tekken", "vocabulary": self.vocabulary}

    @cached_property
    def _encoding(self) -> "tiktoken.Encoding":
        # The encoding is built from the file itself: importing mistral_common's own class takes ten times as long.
        import tiktoken

        data = json.loads(self._path.read_text(encoding="utf-8"))
        config = data["config"]
        size = config["default_vocab_size"] - config["default_num_special_tokens"]
        ranks = {base64.b64decode(token["token_bytes"]): token["rank"] for token in data["vocab"][:size]}
        return tiktoken.Encoding("tekken", pat_str=config["pattern"], mergeable_ranks=ranks, special_tokens={})


class TiktokenTokenizer(_BytePairTokenizer):
    """A vocabulary of `tiktoken`, fetched once from the network and cached by that package.

    Args:
        encoding: Name of the encoding, e.g. o200k_base (GPT-4o) or cl100k_base.
    """

    def __init__(self, encoding: str = "o200k_base") -> None:
        import tiktoken

        known = tiktoken.list_encoding_names()
        if encoding not in known:
            raise ConfigError(f"tokens.tokenizer.encoding={encoding}: no such encoding", did_you_mean(encoding, known))
        self.name = encoding
        self.encoding = encoding

    def settings(self) -> dict[str, Any]:
        """Return everything that determines the counts."""
        return {"tokenizer": "tiktoken", "encoding": self.encoding}

    @cached_property
    def _encoding(self) -> "tiktoken.Encoding":
        import tiktoken

        try:
            return tiktoken.get_encoding(self.encoding)
        except OSError as error:  # the errors of requests are OSErrors
            raise DataError(
                f"the vocabulary {self.encoding} could not be fetched ({error})",
                "set TIKTOKEN_CACHE_DIR to a folder that has it, or use tokens=tekken (no download)",
            ) from error


class HuggingFaceTokenizer:
    """A tokenizer of the Hugging Face hub or of a local folder.

    Args:
        model: Name on the hub or path of a folder.
        revision: Branch, tag or commit on the hub; pin a commit for counts that never change.
    """

    processes = False

    def __init__(self, model: str, revision: str = "main") -> None:
        self.name = model.rstrip("/").rsplit("/", 1)[-1]
        self.model = model
        self.revision = revision

    def settings(self) -> dict[str, Any]:
        """Return everything that determines the counts."""
        return {"tokenizer": "huggingface", "model": self.model, "revision": self.revision}

    def count(self, texts: Sequence[str]) -> np.ndarray:
        """Return the number of tokens of each text, int32."""
        if not texts:
            return np.zeros(0, dtype=np.int32)
        encoded = self._tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False)
        return np.fromiter((len(ids) for ids in encoded["input_ids"]), dtype=np.int32, count=len(texts))

    @cached_property
    def _tokenizer(self) -> Any:  # noqa: ANN401 - transformers has no types
        from transformers import AutoTokenizer

        try:
            return AutoTokenizer.from_pretrained(self.model, revision=self.revision)
        except (OSError, ValueError) as error:
            raise DataError(
                f"the tokenizer {self.model} could not be loaded ({error})",
                "check tokens.tokenizer.model, or use tokens=tekken (no download)",
            ) from error


def _shipped(vocabulary: str) -> Path:
    package = importlib.util.find_spec("mistral_common")
    folders = list(package.submodule_search_locations or ()) if package else []
    if not folders:
        raise ConfigError("the Tekken vocabulary needs the package mistral-common", "pip install mistral-common")
    folder = Path(folders[0]) / "data"
    path = folder / vocabulary
    if not path.is_file():
        names = [file.name for file in folder.glob("tekken*.json")]
        raise ConfigError(f"tokens.tokenizer.vocabulary={vocabulary}: no such file", did_you_mean(vocabulary, names))
    return path
