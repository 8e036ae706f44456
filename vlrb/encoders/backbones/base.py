"""What a backbone is: a trainable network that reads the prompt and the pictures of a sample together."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from torch import Tensor, nn

from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.encoders.backbones.samples import SamplePreprocessor
from vlrb.encoders.backbones.text import TextInputs
from vlrb.utils.files import read_json, write_json

STORED_CONFIG: Final = "backbone.json"


class Backbone(nn.Module):
    """A trainable network: prompts and pictures of B samples in, one row of numbers each out.

    Building one reads nothing. Then `check()`, `learn_text(training prompts)` and `preprocessor()` may be called, and
    `load()` creates the network, once: with pretrained weights, or random ones drawn from torch's global generator. A
    backbone of a stored router is given what it learnt and how large it is by `restore(folder)` instead, so that
    neither a hub nor the training data is needed; its weights come with the router's.

    Inputs of `forward` (see `samples.SamplePreprocessor`): `text_ids` (B, T) int64, `text_mask` (B, T) bool, `pixels`
    (B, P, 3, S, S) uint8, `extent` (B, P, 4) float32 and `picture_mask` (B, P) bool; padding (of either mask) never
    changes a row.

    Args:
        name: Short name.
        text: How prompts become token ids.
        pictures: How pictures become pixels.

    Attributes:
        dim: Width D of a row; known after `load()`.
    """

    dim: int

    def __init__(self, name: str, text: TextInputs, pictures: PictureInputs) -> None:
        super().__init__()
        self.name = name
        self.text = text
        self.pictures = pictures
        self.stored: dict[str, Any] | None = None

    def check(self) -> None:
        """Find out cheaply, before a long job starts, whether `load()` can work.

        Raises:
            VlrbError: Something that it needs is not there.
        """
        self.text.check()

    def learn_text(self, prompts: Sequence[str]) -> None:
        """Learn how to split text from training prompts; a pretrained tokenizer has nothing to learn."""
        self.text.learn(prompts)

    def preprocessor(self) -> SamplePreprocessor:
        """Return a light, picklable function from prompts and pictures to inputs of `forward`."""
        return SamplePreprocessor(self.text.preprocessor(), self.pictures)

    @abstractmethod
    def load(self) -> None:
        """Create the network unless it is there; of a restored backbone without reading weights.

        Raises:
            DataError: Weights are not on this machine and cannot be had, or do not fit.
        """

    @abstractmethod
    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return (B, D); a row depends on its own sample alone."""

    @abstractmethod
    def blocks(self) -> list[list[nn.Module]]:
        """Return the network's parts by depth, from the input to the output: for rates by layer and checkpointing."""

    def new_parts(self) -> list[nn.Module]:
        """Return modules that no checkpoint has weights for: they learn even where the rest is left as it is."""
        return []

    @abstractmethod
    def configs(self) -> dict[str, dict[str, Any]]:
        """Return plain values that, by `restore`, create a network of the same shapes (after `load()`)."""

    def save(self, folder: Path) -> None:
        """Write what `restore` needs into a folder: shapes and tokenizer, no weights."""
        write_json(folder / STORED_CONFIG, self.configs())
        self.text.save(folder)

    def restore(self, folder: Path) -> None:
        """Take shapes and tokenizer from a folder that `save` wrote.

        Raises:
            DataError: A file is missing or damaged.
        """
        self.stored = read_json(folder / STORED_CONFIG)
        self.text.restore(folder)
