"""Prompts → token ids: with a tokenizer learnt from the training prompts, or that of a pretrained network."""

import copy
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from vlrb.encoders.transformers_network import read_tokenizer
from vlrb.encoders.weights import TOKENIZER, TOKENIZER_EXTRAS, Checkpoint
from vlrb.utils.errors import ConfigError, DataError, StateError
from vlrb.utils.files import atomic_path

TOKENIZER_FILE: Final = "tokenizer.json"
PAD, START, END = "[PAD]", "[CLS]", "[SEP]"
KEY: Final = "encoder.backbone.text"
CHUNK: Final = 1024  # prompts that are measured at a time
THREADS: Final = "TOKENIZERS_PARALLELISM"


class TextPreprocessor:
    """Prompts → {"text_ids" (B, T) int64, "text_mask" (B, T) bool}; picklable.

    A prompt longer than the limit loses its end; of an empty one, the tokenizer's own special tokens are left.

    Args:
        tokenizer: A `tokenizers.Tokenizer`, which adds its special tokens; it is copied.
        max_length: Most tokens, special ones included.
        pad_id: Id of the padding.
        fixed: Pad to `max_length` always; else to the longest of the batch.
    """

    def __init__(self, tokenizer: Any, max_length: int, pad_id: int, *, fixed: bool = False) -> None:  # noqa: ANN401
        self.tokenizer, self.max_length, self.pad_id, self.fixed = copy.deepcopy(tokenizer), max_length, pad_id, fixed
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(max_length)
        os.environ.setdefault(THREADS, "false")  # processes prepare batches side by side; forked threads would hang

    def __call__(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Return the inputs of a batch."""
        found = [encoding.ids for encoding in self.tokenizer.encode_batch_fast(list(prompts))]
        width = self.max_length if self.fixed else max(map(len, found), default=0)
        ids = torch.full((len(found), max(width, 1)), self.pad_id, dtype=torch.int64)
        mask = torch.zeros(ids.shape, dtype=torch.bool)
        for row, tokens in enumerate(found):
            ids[row, : len(tokens)] = torch.tensor(tokens, dtype=torch.int64)
            mask[row, : len(tokens)] = True
        return {"text_ids": ids, "text_mask": mask}

    def lengths(self, prompts: Sequence[str]) -> np.ndarray:
        """Return the number of tokens (n,) int64 of each prompt, special ones included, nothing cut off."""
        whole = copy.deepcopy(self.tokenizer)
        whole.no_truncation()
        found: list[int] = []
        for start in range(0, len(prompts), CHUNK):  # what is known of a token is larger than the token
            part = list(prompts[start : start + CHUNK])
            found += map(len, whole.encode_batch_fast(part))
        return np.array(found, dtype=np.int64)


class TextInputs(ABC):
    """How a backbone reads prompts.

    Args:
        max_length: Most tokens of a prompt, special ones included; the rest of a longer one is cut off.
        fixed: Pad every prompt to `max_length`.
    """

    def __init__(self, max_length: int, *, fixed: bool = False) -> None:
        if max_length < 3:
            raise ConfigError(f"{KEY}.max_length must be at least 3, not {max_length}")
        self.max_length, self.fixed = max_length, fixed
        self._tokenizer: Any = None

    def check(self) -> None:  # noqa: B027 - most need nothing
        """Find out cheaply whether the tokenizer can be had."""

    def learn(self, prompts: Sequence[str]) -> None:  # noqa: B027 - a pretrained one has nothing to learn
        """Learn a tokenizer from training prompts."""

    @property
    @abstractmethod
    def tokenizer(self) -> Any:  # noqa: ANN401 - a tokenizers.Tokenizer
        """The tokenizer."""

    @property
    @abstractmethod
    def pad_id(self) -> int:
        """Id of the padding."""

    def vocabulary(self) -> int:
        """Return the number of tokens that the tokenizer may give, the highest id + 1."""
        return max(self.tokenizer.get_vocab().values(), default=-1) + 1

    def preprocessor(self) -> TextPreprocessor:
        """Return the function from prompts to ids."""
        return TextPreprocessor(self.tokenizer, self.max_length, self.pad_id, fixed=self.fixed)

    def save(self, folder: Path) -> None:
        """Write the tokenizer into a folder."""
        with atomic_path(folder / TOKENIZER_FILE) as temporary:
            self.tokenizer.save(str(temporary))

    def restore(self, folder: Path) -> None:
        """Read the tokenizer that `save` wrote."""
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        except Exception as error:  # the library raises Exception itself
            raise DataError(f"{folder / TOKENIZER_FILE}: no readable tokenizer ({error})", "train it again") from error


class LearnedTokens(TextInputs):
    """Byte-level pairs (Sennrich et al., ACL 2016) learnt from the training prompts: no character is unknown.

    Args:
        vocab_size: Most tokens that are learnt.
        max_length: Most tokens of a prompt, special ones included.
        min_frequency: Pairs rarer than this are not joined.
        lowercase: Read upper case as lower case.
    """

    def __init__(
        self, vocab_size: int = 2048, max_length: int = 128, min_frequency: int = 2, lowercase: bool = True
    ) -> None:
        super().__init__(max_length)
        if vocab_size < 300:
            raise ConfigError(f"{KEY}.vocab_size must be at least 300 (256 bytes and some words), not {vocab_size}")
        self.vocab_size, self.min_frequency, self.lowercase = vocab_size, min_frequency, lowercase

    def learn(self, prompts: Sequence[str]) -> None:
        """Learn the pairs; equal prompts give equal tokenizers."""
        from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

        tokenizer = Tokenizer(models.BPE())
        steps = [normalizers.NFKC(), *([normalizers.Lowercase()] if self.lowercase else [])]
        tokenizer.normalizer = normalizers.Sequence(steps)
        digits = pre_tokenizers.Digits(individual_digits=True)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=True)])
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=self.vocab_size,
            min_frequency=self.min_frequency,
            special_tokens=[PAD, START, END],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator(prompts, trainer)
        ends = [(token, tokenizer.token_to_id(token)) for token in (START, END)]
        tokenizer.post_processor = processors.TemplateProcessing(single=f"{START} $A {END}", special_tokens=ends)
        self._tokenizer = tokenizer

    @property
    def tokenizer(self) -> Any:  # noqa: ANN401 - a tokenizers.Tokenizer
        """The tokenizer, once it is learnt."""
        if self._tokenizer is None:
            raise StateError("the tokenizer has not learnt from training prompts yet", "call learn(prompts) first")
        return self._tokenizer

    @property
    def pad_id(self) -> int:
        """Id of the padding."""
        return int(self.tokenizer.token_to_id(PAD))


class PretrainedTokens(TextInputs):
    """The tokenizer of a pretrained network.

    Args:
        model: Name on the hub, or a folder.
        revision: Commit on the hub; a folder needs none.
        max_length: Most tokens of a prompt, special ones included.
        fixed: Pad every prompt to `max_length` (networks that were trained so).
    """

    def __init__(self, model: str, revision: str | None = None, max_length: int = 128, fixed: bool = False) -> None:
        super().__init__(max_length, fixed=fixed)
        self.model, self.revision = model, revision
        self._pad_id = 0

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """The files; a stored tokenizer does not need them."""
        return Checkpoint(self.model, self.revision, KEY, (TOKENIZER,), TOKENIZER_EXTRAS)

    def check(self) -> None:
        """Find out cheaply whether the tokenizer can be had."""
        if self._tokenizer is None:
            self.checkpoint.check()

    @property
    def tokenizer(self) -> Any:  # noqa: ANN401 - a tokenizers.Tokenizer
        """The tokenizer, read when first asked for."""
        if self._tokenizer is None:
            found = read_tokenizer(self.checkpoint.folder())
            self._tokenizer = found.backend_tokenizer
            if found.pad_token is not None:  # whichever tokens pad, the stored tokenizer names them
                self._tokenizer.enable_padding(pad_id=found.pad_token_id, pad_token=found.pad_token)
            self._pad_id = int(found.pad_token_id or 0)
        return self._tokenizer

    @property
    def pad_id(self) -> int:
        """Id of the padding."""
        padding = self.tokenizer.padding
        return int(padding["pad_id"]) if padding else self._pad_id
