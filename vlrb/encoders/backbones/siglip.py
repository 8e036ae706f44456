"""SigLIP: two towers trained with a sigmoid loss on captions (Zhai et al., ICCV 2023)."""

import re
import string
from functools import cached_property
from typing import Any, ClassVar, Final

import torch
from torch import Tensor
from torch.nn import functional

from vlrb.encoders.backbones.text import KEY, PretrainedTokens
from vlrb.encoders.backbones.two_towers import TwoTowers
from vlrb.encoders.weights import Checkpoint
from vlrb.utils.errors import DataError

TOKENIZER_JSON: Final = ("tokenizer.json",)
END, UNKNOWN = "</s>", "<unk>"


class SiglipTokens(PretrainedTokens):
    """The tokenizer of a SigLIP checkpoint, with the clean-up of text that it was trained with.

    It is read from the checkpoint's tokenizer.json, so that neither sentencepiece nor protobuf is needed. Text is
    lower-cased, loses its ASCII punctuation, and its runs of white space become one space, as in the captions that
    SigLIP saw. Formulas lose their signs by it; `clean=false` leaves text as it is.

    Args:
        model: Name on the hub, or a folder.
        revision: Commit on the hub; a folder needs none.
        max_length: Most tokens of a prompt, the end included.
        fixed: Pad to `max_length` already where batches are prepared; rows are the same either way.
        clean: Whether text is cleaned up so.
    """

    def __init__(
        self, model: str, revision: str | None = None, max_length: int = 64, fixed: bool = False, clean: bool = True
    ) -> None:
        super().__init__(model, revision, max_length, fixed)
        self.clean = clean
        self._model, self._revision = model, revision

    @cached_property
    def files(self) -> Checkpoint:
        """The checkpoint, of which tokenizer.json is needed; a stored tokenizer does not need it."""
        return Checkpoint(self._model, self._revision, KEY, (TOKENIZER_JSON,))

    def check(self) -> None:
        """Find out cheaply whether the tokenizer can be had."""
        if self._tokenizer is None:
            self.files.check()

    @property
    def tokenizer(self) -> Any:  # noqa: ANN401 - a tokenizers.Tokenizer
        """The tokenizer, read when first asked for."""
        if self._tokenizer is None:
            self._tokenizer = self._read()
        return self._tokenizer

    @property
    def pad_id(self) -> int:
        """Id of the padding: the end of text, again and again."""
        return int(self.tokenizer.token_to_id(END))

    def _read(self) -> Any:  # noqa: ANN401
        from tokenizers import Tokenizer, processors

        path = self.files.folder() / TOKENIZER_JSON[0]
        try:
            found = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises Exception itself
            raise DataError(f"{path}: no readable tokenizer ({error})", "is it a SigLIP checkpoint?") from error
        end = found.token_to_id(END)
        if end is None:
            raise DataError(f"{path}: no token {END}", "is it a SigLIP checkpoint?")
        if self.clean:
            found.normalizer = _cleaning(found.normalizer)
        found.post_processor = processors.TemplateProcessing(single=f"$A {END}", special_tokens=[(END, end)])
        return found


def _cleaning(own: Any) -> Any:  # noqa: ANN401 - normalizers of tokenizers
    """Return SigLIP's clean-up of text, then the tokenizer's own; done twice it changes no more."""
    from tokenizers import Regex, normalizers

    steps = [
        normalizers.Lowercase(),
        normalizers.Replace(Regex(f"[{re.escape(string.punctuation)}]"), ""),
        normalizers.Replace(Regex(r"\s+"), " "),
        normalizers.Strip(),
    ]
    return normalizers.Sequence(steps if own is None else [*steps, own])


class SiglipBackbone(TwoTowers):
    """SigLIP over the prompt and the pictures: both towers' rows, joined for routing (see `TwoTowers`).

    The text tower was trained on exactly 64 tokens, padding among them, without a mask, and its row is that of the last
    place; so prompts are padded to all its places here, whatever the batch, and padding never changes a row. Published
    checkpoints squash pictures to a square; here they keep their shape unless `pictures.resize=squash`.
    """

    kind: ClassVar[str] = "SiglipModel"
    comparison: ClassVar[tuple[str, ...]] = ("logit_scale", "logit_bias")

    def compared(self, settings: Any) -> int:  # noqa: ANN401 - transformers has no types
        """Return the width of both towers' rows."""
        return int(settings.vision_config.hidden_size)

    def text_rows(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return (B, P): the row of the last place."""
        network: Any = self.network
        settings = network.config.text_config
        padding = int(settings.pad_token_id)
        whole = functional.pad(
            ids.masked_fill(~mask, padding), (0, settings.max_position_embeddings - ids.shape[1]), value=padding
        )
        return torch.as_tensor(network.text_model(input_ids=whole).pooler_output)

    def picture_rows(self, colours: Tensor, *, stretch: bool) -> Tensor:
        """Return (K, P): what a learnt query finds among the patches."""
        network: Any = self.network
        found = network.vision_model(pixel_values=colours, interpolate_pos_encoding=stretch)
        return torch.as_tensor(found.pooler_output)
