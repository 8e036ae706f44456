"""Vision towers: pictures → tokens of patches, each with the box that it covers."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from vlrb.encoders.backbones.limits import check_pictures
from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.encoders.backbones.source import NetworkSource, plain_config
from vlrb.encoders.vision.huggingface import picture_settings
from vlrb.encoders.weights import PICTURES
from vlrb.utils.errors import ConfigError

KEY = "encoder.backbone.tower"
EDGE = 1e-5  # shares of the square below this are rounding: a pixel is more


class Patches(NamedTuple):
    """Tokens of K pictures.

    Attributes:
        tokens: (K, n, W).
        boxes: (K, n, 4) left, top, right, bottom of each patch in the picture's own coordinates, 0 to 1.
        mask: (K, n) bool: whether any of the patch lies in the picture (else it is filling).
    """

    tokens: Tensor
    boxes: Tensor
    mask: Tensor


class Tower(nn.Module):
    """A network from pictures to a grid of tokens.

    Attributes:
        width: Width W of a token; known after `load()`.
    """

    width: int

    @abstractmethod
    def load(self, pictures: PictureInputs, stored: Mapping[str, Any] | None = None) -> None:
        """Create the network for pictures that are read so; of a stored configuration without reading weights.

        Raises:
            ConfigError: It cannot read pictures of that size, or was made for other colours.
        """

    @abstractmethod
    def grid(self, colours: Tensor) -> Tensor:
        """Return (K, rows, columns, W) for normalised colours (K, 3, S, S)."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return what `load(stored=…)` needs."""

    def check(self, pictures: PictureInputs) -> None:
        """Find out cheaply whether `load()` can work."""

    def blocks(self) -> list[list[nn.Module]]:
        """Return the parts by depth."""
        return [[self]]

    def new_parts(self) -> list[nn.Module]:
        """Return the modules that no checkpoint has weights for."""
        return []

    def forward(self, colours: Tensor, extent: Tensor) -> Patches:
        """Return the tokens of pictures that lie at `extent` (K, 4) within their squares."""
        grid = self.grid(colours)
        boxes, mask = patch_boxes(extent, grid.shape[1], grid.shape[2])
        return Patches(grid.flatten(1, 2), boxes, mask)


def patch_boxes(extent: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """Return the box (K, n, 4) of each patch of a grid in its picture's coordinates, and whether it shows any of it.

    Args:
        extent: (K, 4) left, top, right, bottom of the pictures within their squares, as shares.
        rows: Patches from top to bottom.
        columns: Patches from left to right.

    >>> boxes, mask = patch_boxes(torch.tensor([[0.0, 0.25, 1.0, 0.75]]), 2, 2)  # the middle half of the height
    >>> boxes[0].tolist()[0], mask[0].tolist()
    ([0.0, 0.0, 0.5, 0.5], [True, True, True, True])
    """
    edges = [torch.arange(count + 1, device=extent.device) / count for count in (columns, rows)]
    low = torch.stack(torch.meshgrid(edges[0][:-1], edges[1][:-1], indexing="xy"), dim=-1).flatten(0, 1)
    high = torch.stack(torch.meshgrid(edges[0][1:], edges[1][1:], indexing="xy"), dim=-1).flatten(0, 1)
    start, end = extent[:, None, :2], extent[:, None, 2:]
    low, high = torch.maximum(low, start), torch.minimum(high, end)  # the part of each patch that is picture
    seen = (high - low > EDGE).all(dim=-1)
    span = (end - start).clamp_min(EDGE)
    return torch.cat([(low - start) / span, (high - start) / span], dim=-1).clamp(0, 1), seen


class ConvTower(Tower):
    """A few convolutions with random weights, for backbones that learn from scratch.

    Args:
        channels: Channels of each convolution; each halves the side, so k of them make patches of 2ᵏ pixels.

    Raises:
        ConfigError: There are no convolutions.
    """

    def __init__(self, channels: Sequence[int] = (32, 64, 96)) -> None:
        super().__init__()
        if not channels or min(channels) < 1:
            raise ConfigError(f"{KEY}.channels must be widths of at least 1, not {list(channels)}")
        self.channels = tuple(channels)
        self.width = self.channels[-1]

    def check(self, pictures: PictureInputs) -> None:
        """Find out whether pictures divide into patches."""
        check_pictures(pictures.size, 2 ** len(self.channels))

    def load(self, pictures: PictureInputs, stored: Mapping[str, Any] | None = None) -> None:
        """Create the layers."""
        if hasattr(self, "layers"):
            return
        self.check(pictures)
        before, layers = 3, []
        for width in self.channels:
            layers += [nn.Conv2d(before, width, 3, stride=2, padding=1), nn.GroupNorm(1, width), nn.GELU()]
            before = width
        self.layers = nn.Sequential(*layers)

    def grid(self, colours: Tensor) -> Tensor:
        """Return (K, rows, columns, W)."""
        found: Tensor = self.layers(colours)
        return found.permute(0, 2, 3, 1)

    def new_parts(self) -> list[nn.Module]:
        """Return itself: its weights are always random at first."""
        return [self]

    def config(self) -> dict[str, Any]:
        """Return nothing: the options say all."""
        return {}


class ViTTower(Tower):
    """A vision transformer of transformers (ViT): its patch tokens after the last layer norm.

    Pictures of another size than the network's own stretch its position embeddings. How pixels are scaled to colours
    stands once, in `encoder.backbone.pictures` (mean, std); a checkpoint that says otherwise is refused.

    Args:
        model: Name on the hub, or a folder; None = random weights.
        revision: Commit on the hub.
        sizes: Values of the network's configuration in place of its own.
    """

    def __init__(
        self, model: str | None = None, revision: str | None = None, sizes: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.source = NetworkSource(model, revision, sizes, KEY, PICTURES)

    def check(self, pictures: PictureInputs) -> None:
        """Find out cheaply whether the checkpoint can be had and reads such pictures."""
        from transformers import ViTModel

        self.source.check()
        settings = self.source.at_hand(ViTModel)
        if settings is not None:
            check_pictures(pictures.size, int(settings.patch_size))
            self._check_colours(pictures)

    def _check_colours(self, pictures: PictureInputs) -> None:
        if self.source.checkpoint is None:
            return
        own = picture_settings(self.source.checkpoint.folder())
        for name in ("mean", "std"):
            given, wanted = getattr(pictures, name), getattr(own, name, None)
            if wanted is not None and not np.allclose(given, wanted, atol=1e-3):
                raise ConfigError(
                    f"encoder.backbone.pictures.{name}={list(given)}, but {self.source.checkpoint.model} was trained"
                    f" with {list(wanted)}",
                    f"encoder.backbone.pictures.{name}={list(wanted)}",
                )

    def load(self, pictures: PictureInputs, stored: Mapping[str, Any] | None = None) -> None:
        """Create the network."""
        from transformers import ViTModel

        if hasattr(self, "network"):
            return
        if stored is None:
            self._check_colours(pictures)
        # The pooler is never used; as a parameter it would wait for gradients for ever.
        self.network = self.source.network(ViTModel, stored, unused=("pooler.",), add_pooling_layer=False)
        settings: Any = self.network.config
        self._side = int(settings.patch_size)
        check_pictures(pictures.size, self._side)
        self.width, self._stretches = int(settings.hidden_size), int(settings.image_size) != pictures.size

    def grid(self, colours: Tensor) -> Tensor:
        """Return (K, rows, columns, W)."""
        found = self.network(colours, interpolate_pos_encoding=self._stretches).last_hidden_state[:, 1:]
        rows, columns = (side // self._side for side in colours.shape[-2:])
        return torch.as_tensor(found).reshape(len(found), rows, columns, -1)

    def config(self) -> dict[str, Any]:
        """Return the network's configuration."""
        return plain_config(self.network)

    def blocks(self) -> list[list[nn.Module]]:
        """Return embeddings, layers and the last layer norm."""
        network: Any = self.network
        layers = network.encoder.layer if hasattr(network, "encoder") else network.layers
        return [[network.embeddings], *([layer] for layer in layers), [network.layernorm]]
