"""From prompts and pictures to what a router reads, by the same code that made what it was trained on."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from vlrb.encoders.backbones.base import Backbone
from vlrb.encoders.backbones.pictures import Pixels
from vlrb.encoders.base import TextEncoder, VisionEncoder
from vlrb.encoders.batches import pool_rows
from vlrb.encoders.configured import configured_encoders
from vlrb.encoders.fusion import Fusion
from vlrb.encoders.precomputed import PrecomputedFeatures
from vlrb.encoders.torch_encoder import ITEMS_PER_PASS, TorchEncoder
from vlrb.utils.errors import DataError, StateError
from vlrb.utils.instantiate import build

if TYPE_CHECKING:
    from PIL.Image import Image


class Reader(ABC):
    """Makes the inputs of a router; `picture` may run in several threads at once, `batch` in one."""

    reads_pictures: bool = True

    @abstractmethod
    def picture(self, image: "Image") -> Any:  # noqa: ANN401 - the reader's own affair
        """Return what is kept of one RGB picture: little, whatever its size."""

    @abstractmethod
    def batch(self, prompts: Sequence[str], pictures: Sequence[Sequence[Any]]) -> dict[str, Tensor]:
        """Return the inputs of B questions, given what was kept of each one's pictures."""


class NothingReader(Reader):
    """Of a router that looks neither at prompts nor at pictures."""

    reads_pictures = False

    def picture(self, image: "Image") -> None:
        """Keep nothing."""

    def batch(self, prompts: Sequence[str], pictures: Sequence[Sequence[Any]]) -> dict[str, Tensor]:
        """Return no inputs."""
        return {}


class RawReader(Reader):
    """Prompts and pictures for a backbone.

    Args:
        backbone: With its tokenizer.
    """

    def __init__(self, backbone: Backbone) -> None:
        self.preprocess = backbone.preprocessor()

    def picture(self, image: "Image") -> Pixels:
        """Return the picture at the backbone's size."""
        return self.preprocess.picture(image)

    def batch(self, prompts: Sequence[str], pictures: Sequence[Sequence[Any]]) -> dict[str, Tensor]:
        """Return token ids and pixels."""
        return self.preprocess(prompts, pictures)


class FeatureReader(Reader):
    """Frozen features, made as for a benchmark: text and pictures encoded, the rows of pictures pooled, both fused.

    Args:
        text: Encoder of prompts, None if there is none.
        vision: Encoder of pictures, None if there is none.
        fusion: Maps text (B, Dt) and vision (B, Dv) to (B, D).
        pooling: How the rows of a question's pictures become one.
    """

    def __init__(
        self, text: TextEncoder | None, vision: VisionEncoder | None, fusion: Fusion, pooling: str = "mean"
    ) -> None:
        self.text, self.vision, self.fusion, self.pooling = text, vision, fusion, pooling
        self.reads_pictures = vision is not None
        self.network = vision if isinstance(vision, TorchEncoder) else None
        self.prepare = None if self.network is None else self.network.preprocessor()

    @classmethod
    def from_config(cls, node: Mapping[str, Any], device: torch.device) -> "FeatureReader":
        """Return the reader of an `encoder` config, its networks loaded.

        Raises:
            StateError: The features were made elsewhere, so that a new prompt has none.
            DataError: Weights are not on this machine and cannot be had.
        """
        encoders = configured_encoders(node)
        for kind, encoder in encoders.items():
            if isinstance(encoder, PrecomputedFeatures):
                raise StateError(
                    f"this router reads {kind} features that were made elsewhere ({encoder.path.name}): "
                    "there is no encoder for a new question",
                    "train one whose encoder computes its features, e.g. encoder=offline",
                )
            if isinstance(encoder, TorchEncoder):
                encoder.load()
                encoder.eval().to(device)
        return cls(encoders["text"], encoders["vision"], build(node["fusion"], "encoder.fusion"), node["pooling"])

    def picture(self, image: "Image") -> Any:  # noqa: ANN401 - rows of numbers, or inputs of the network
        """Return the row of a picture, or the inputs of the network that will make it."""
        if self.vision is None:
            return None
        return self.vision.encode([image])[0] if self.prepare is None else self.prepare([image])

    @torch.inference_mode()
    def batch(self, prompts: Sequence[str], pictures: Sequence[Sequence[Any]]) -> dict[str, Tensor]:
        """Return fused features (B, D).

        Raises:
            DataError: A feature is infinite or NaN.
        """
        n = len(prompts)
        text = np.zeros((n, 0), np.float32) if self.text is None else self.text.encode(list(prompts))
        vision = np.zeros((n, 0), np.float32)
        if self.vision is not None:
            rows = self._rows([one for listed in pictures for one in listed])
            vision = pool_rows(rows, [len(listed) for listed in pictures], self.pooling)
        parts = (torch.from_numpy(np.ascontiguousarray(part, dtype=np.float32)) for part in (text, vision))
        features = self.fusion(*parts)
        if not torch.isfinite(features).all():
            raise DataError("the features of a question hold numbers that are infinite or NaN")
        return {"features": features}

    def _rows(self, kept: list[Any]) -> np.ndarray:
        """Return the rows (K, Dv) of K pictures."""
        if not kept:
            return np.empty((0, cast("VisionEncoder", self.vision).dim), np.float32)
        if self.network is None:
            return np.stack(kept)
        device = next(self.network.parameters()).device
        found = []
        for start in range(0, len(kept), ITEMS_PER_PASS):
            part = kept[start : start + ITEMS_PER_PASS]
            inputs = {name: torch.cat([one[name] for one in part]).to(device) for name in part[0]}
            found.append(self.network(inputs).float().cpu().numpy())
        return np.concatenate(found)
