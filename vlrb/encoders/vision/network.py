"""What pretrained vision encoders share: pixels in, colours scaled on the device, one row per picture out."""

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from torch import Tensor, nn

from vlrb.encoders.base import VisionEncoder
from vlrb.encoders.torch_encoder import Inputs, Precision, TorchEncoder, unit_length
from vlrb.encoders.vision.pixels import KEY, PicturePreprocessor, Preprocessing, Resize, normalized
from vlrb.utils.errors import ConfigError


class NetworkVision(TorchEncoder, VisionEncoder):
    """A pretrained network that describes a picture in one row.

    Args:
        dim: Width of a row; None = as the network says.
        preprocessing: Values in place of the checkpoint's own: size, shortest_edge, resample, mean, std.
        resize: How a picture is brought to the network's square input.
        normalize: Whether rows are scaled to length 1.
        precision: Arithmetic of the forward pass.

    Raises:
        ConfigError: A value is impossible.
    """

    def __init__(
        self,
        dim: int | None,
        preprocessing: Mapping[str, Any] | None,
        resize: Resize,
        *,
        normalize: bool,
        precision: Precision,
    ) -> None:
        super().__init__()
        if dim is not None and dim < 1:
            raise ConfigError(f"{KEY}.dim must be at least 1, got {dim}")
        self.given = dict(preprocessing or {})
        self.resize, self.normalize, self.precision = resize, normalize, precision
        self.network: nn.Module | None = None
        self._dim = dim

    @cached_property
    def dim(self) -> int:  # type: ignore[override]
        """Width of a row."""
        return self._dim if self._dim is not None else self.network_dim()

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """How the network wants its pictures: the checkpoint's own values, with those given in their place."""
        return self.own_preprocessing().changed(self.given)

    @abstractmethod
    def network_dim(self) -> int:
        """Return the width of a row, as the network's configuration says."""

    @abstractmethod
    def own_preprocessing(self) -> Preprocessing:
        """Return how the checkpoint wants its pictures."""

    @abstractmethod
    def describe(self, colours: Tensor) -> Tensor:
        """Return (B, D) of (B, 3, S, S), with the weights loaded."""

    def settings(self) -> dict[str, Any]:
        """Return the options that determine the rows."""
        return {
            "preprocessing": self.given,
            "resize": self.resize,
            "normalize": self.normalize,
            "precision": self.precision,
        }

    def details(self) -> dict[str, Any]:
        """Return the preprocessing that is used."""
        found = self.preprocessing
        return {
            **super().details(),
            "preprocessing": {
                "size": found.size,
                "shortest_edge": found.shortest_edge,
                "resample": found.resample,
                "mean": list(found.mean),
                "std": list(found.std),
            },
        }

    def preprocessor(self) -> PicturePreprocessor:
        """Return the function from pictures to pixels."""
        return PicturePreprocessor(self.preprocessing, self.resize)

    def forward(self, inputs: Inputs) -> Tensor:
        """Return (B, D) float32."""
        assert self.network is not None, "load() comes first"
        pixels = inputs["pixels"]
        colours = normalized(pixels, self.preprocessing.mean, self.preprocessing.std)
        with self.arithmetic(pixels.device):
            rows = self.describe(colours)
        rows = rows.float()
        return unit_length(rows) if self.normalize else rows
