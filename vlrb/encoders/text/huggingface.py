"""Pretrained text encoders of the Hugging Face hub, or of a local folder."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

from torch import Tensor, nn

from vlrb.encoders.base import TextEncoder
from vlrb.encoders.torch_encoder import Inputs, Precision, TorchEncoder, unit_length
from vlrb.encoders.transformers_network import read_config, read_network, read_tokenizer
from vlrb.encoders.weights import CONFIG, TOKENIZER, TOKENIZER_EXTRAS, WEIGHTS, Checkpoint
from vlrb.utils.errors import ConfigError

_KEY = "encoder.text"


class TextPreprocessor:
    """Prompts → token ids, on the host: prefix added, cut at `max_tokens`, padded to the longest of the batch.

    Args:
        tokenizer: A tokenizer of transformers.
        prefix: Put before every text.
        max_tokens: Longest sequence, with the special tokens.

    Attributes:
        counted: How many texts were last looked at by `truncated`, and how many of them are cut.
    """

    def __init__(self, tokenizer: Any, prefix: str, max_tokens: int) -> None:  # noqa: ANN401
        self.tokenizer, self.prefix, self.max_tokens = tokenizer, prefix, max_tokens
        self.counted: tuple[int, int] | None = None

    def __call__(self, texts: Sequence[str]) -> Inputs:
        """Return token ids and mask (B, T), and what else the network's tokenizer gives."""
        found = self.tokenizer(
            [self.prefix + text for text in texts],
            padding=True,
            truncation=True,
            max_length=self.max_tokens,
            return_tensors="pt",
        )
        return dict(found)

    def truncated(self, texts: Sequence[str]) -> int:
        """Return how many texts are longer than `max_tokens` and lose their end.

        A token of plain ASCII is at least one character, so short texts need not be tokenized.
        """
        room = self.max_tokens - self.tokenizer.num_special_tokens_to_add() - 1
        whole = [self.prefix + text for text in texts]
        doubtful = [text for text in whole if len(text) > room or not text.isascii()]
        ids = self.tokenizer(doubtful, padding=False, truncation=False, verbose=False)["input_ids"] if doubtful else []
        cut = sum(len(row) > self.max_tokens for row in ids)
        self.counted = len(whole), cut
        return cut


class HuggingFaceText(TorchEncoder, TextEncoder):
    """A bidirectional transformer, its last hidden states pooled into one row.

    Args:
        model: Name on the hub, or a folder that holds network and tokenizer.
        revision: Commit on the hub; a folder is known by the content of its files instead.
        dim: Width of a row; None = as the checkpoint's configuration says.
        pooling: How tokens become one row: cls = the first token, mean = the mean over all but padding.
        prefix: Put before every text, for models that were trained with one.
        max_tokens: Longer texts are cut; counted with the special tokens.
        normalize: Whether rows are scaled to length 1.
        precision: Arithmetic of the forward pass.

    Raises:
        ConfigError: A value is impossible.
        DataError: `model` is a path, and there is no such folder.
    """

    def __init__(
        self,
        model: str,
        revision: str | None = None,
        dim: int | None = None,
        pooling: Literal["cls", "mean"] = "mean",
        prefix: str = "",
        max_tokens: int = 512,
        normalize: bool = True,
        precision: Precision = "auto",
    ) -> None:
        super().__init__()
        if dim is not None and dim < 1:
            raise ConfigError(f"{_KEY}.dim must be at least 1, got {dim}")
        if max_tokens < 3:
            raise ConfigError(f"{_KEY}.max_tokens must be at least 3, got {max_tokens}")
        needed = (CONFIG, TOKENIZER, WEIGHTS)
        self.checkpoint = Checkpoint(model, revision, _KEY, needed, TOKENIZER_EXTRAS)
        self.name = self.checkpoint.name
        self.pooling, self.prefix, self.max_tokens = pooling, prefix, max_tokens
        self.normalize, self.precision = normalize, precision
        self.network: nn.Module | None = None
        self._dim = dim

    @property
    def revision(self) -> str:  # type: ignore[override]
        """Commit on the hub, or fingerprint of the folder's files."""
        return self.checkpoint.revision

    @property
    def dim(self) -> int:  # type: ignore[override]
        """Width of a row."""
        return self._dim if self._dim is not None else int(self._config.hidden_size)

    def settings(self) -> dict[str, Any]:
        """Return everything but the revision that determines the rows; a folder counts by content, wherever it lies."""
        return {
            "model": None if self.checkpoint.local else self.checkpoint.model,
            "pooling": self.pooling,
            "prefix": self.prefix,
            "max_tokens": self.max_tokens,
            "normalize": self.normalize,
            "precision": self.precision,
        }

    def check(self) -> None:
        """Find out cheaply whether `load()` can work."""
        self.checkpoint.check()
        if self.checkpoint.cached() is not None:
            self._fits()

    def details(self) -> dict[str, Any]:
        """Return the kind of network, and how many texts were cut if that was counted."""
        counted = self._preprocessor.counted
        cut = {} if counted is None else {"texts_counted": counted[0], "texts_cut": counted[1]}
        return {**super().details(), "model_type": str(self._config.model_type), **cut}

    def preprocessor(self) -> TextPreprocessor:
        """Return the function from prompts to token ids."""
        return self._preprocessor

    def load(self) -> None:
        """Read the weights unless they are there already."""
        if self.network is None:
            from transformers import AutoModel

            self._fits()
            folder = self.checkpoint.folder()
            self.network = read_network(AutoModel, folder, self._config, unused=("pooler.",))

    def forward(self, inputs: Inputs) -> Tensor:
        """Return (B, D) float32."""
        assert self.network is not None, "load() comes first"
        mask = inputs["attention_mask"]
        with self.arithmetic(mask.device):
            states = self.network(**inputs).last_hidden_state
        rows = pooled(states.float(), mask, self.pooling)
        return unit_length(rows) if self.normalize else rows

    @cached_property
    def _config(self) -> Any:  # noqa: ANN401 - transformers has no types
        return read_config(self.checkpoint.folder())

    @cached_property
    def _preprocessor(self) -> TextPreprocessor:
        tokenizer = read_tokenizer(self.checkpoint.folder())
        tokenizer.padding_side = "right"  # the first token is the text's first, whatever the batch
        return TextPreprocessor(tokenizer, self.prefix, self.max_tokens)

    def _fits(self) -> None:
        """Raise ConfigError if the options do not fit the checkpoint's configuration."""
        config = self._config
        if getattr(config, "is_encoder_decoder", False):
            raise ConfigError(f"{_KEY}.model={self.checkpoint.model}: {config.model_type} has a decoder too")
        self.checkpoint.same_width(self._dim, int(config.hidden_size))
        longest = longest_sequence(config)
        if longest is not None and self.max_tokens > longest:
            raise ConfigError(
                f"{_KEY}.max_tokens={self.max_tokens}, but {self.checkpoint.model} takes at most {longest}",
                f"{_KEY}.max_tokens={longest}",
            )


def pooled(states: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """Return one row per text (B, D) from hidden states (B, T, D) and mask (B, T).

    >>> states, mask = Tensor([[[1], [3], [9]]]), Tensor([[1, 1, 0]])
    >>> pooled(states, mask, "mean").item(), pooled(states, mask, "cls").item()
    (2.0, 1.0)
    """
    if pooling == "cls":
        return states[:, 0]
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(dim=1) / weights.sum(dim=1)


def longest_sequence(config: Any) -> int | None:  # noqa: ANN401 - transformers has no types
    """Return the longest sequence that a network has positions for (None: it has no such limit).

    RoBERTa and its kin number positions from the padding id on, so that the first ones are never used.
    """
    positions = getattr(config, "max_position_embeddings", None)
    if not positions:
        return None
    shifted = any(word in config.model_type for word in ("roberta", "camembert", "mpnet"))
    return int(positions) - (int(config.pad_token_id) + 1 if shifted else 0)
