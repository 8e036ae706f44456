"""Backbones of two towers, one for text and one for pictures, whose rows are joined for routing."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from vlrb.encoders.backbones.limits import check_text
from vlrb.encoders.backbones.network import KEY, NetworkBackbone
from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.encoders.backbones.text import TextInputs
from vlrb.utils.errors import ConfigError


class Join(nn.Module):
    """A text row t and a picture row v → one row: a hidden layer over [t; v; t·v], so that they can interact.

    Alone, t and v only ever add up in a linear head: no choice of weights lets a word turn round what a colour means.

    Args:
        inputs: Width P of t and of v.
        width: Width D of the row.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.nothing = nn.Parameter(torch.randn(inputs) * inputs**-0.5)  # v of a sample without any picture
        self.hidden = nn.Sequential(nn.Linear(3 * inputs, width), nn.GELU(), nn.LayerNorm(width))

    def forward(self, text: Tensor, pictures: Tensor, present: Tensor) -> Tensor:
        """Return (B, D).

        Args:
            text: (B, P), of length 1 each.
            pictures: (K, P) of the K pictures of the batch, of length 1 each, in the order of `present`.
            present: (B, places) bool: which places hold a picture.
        """
        count = present.sum(dim=1, keepdim=True)
        total = pictures.new_zeros(len(text), pictures.shape[1]).index_add(0, present.nonzero()[:, 0], pictures)
        seen = torch.where(count > 0, total / count.clamp_min(1), unit(self.nothing))
        scale = text.shape[1] ** 0.5  # numbers about 1, and their products too
        text, seen = scale * text, scale * seen
        found: Tensor = self.hidden(torch.cat([text, seen, text * seen], dim=1))
        return found


def unit(rows: Tensor) -> Tensor:
    """Return rows (…, P) at length 1, float32."""
    return functional.normalize(rows.float(), dim=-1)


class TwoTowers(NetworkBackbone):
    """Both towers of a contrastive network and a `Join`, trained together.

    t and v are the rows that the network was trained to compare, at length 1; with several pictures, v is the mean of
    theirs, so that their order does not count. Neither tower knows which pixels are filling (`pictures.resize=pad`);
    they have the mean colour, which is 0 after normalisation.

    Args:
        name: Short name.
        text: How prompts become token ids.
        pictures: How pictures become pixels.
        width: Width of a row; None = that of the compared rows.
        model: Name on the hub, or a folder; None = random weights.
        revision: Commit on the hub.
        sizes: Values of the network's configuration in place of its own.

    Raises:
        ConfigError: `width` is impossible.
    """

    kind: ClassVar[str]  # class of transformers with both towers
    comparison: ClassVar[tuple[str, ...]]  # its parameters that only turn rows into a loss

    def __init__(
        self,
        name: str,
        text: TextInputs,
        pictures: PictureInputs,
        width: int | None = None,
        model: str | None = None,
        revision: str | None = None,
        sizes: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(name, text, pictures, model, revision, sizes)
        if width is not None and width < 1:
            raise ConfigError(f"{KEY}.width must be at least 1, or null, not {width}")
        self.width = width

    def load(self) -> None:
        """Create the network."""
        import transformers

        if hasattr(self, "network"):
            return
        network: Any = self.source.network(getattr(transformers, self.kind), (self.stored or {}).get("network"))
        for name in self.comparison:
            delattr(network, name)  # without a part in any row they would wait for gradients for ever
        settings = network.config
        check_text(self.text, settings.text_config.max_position_embeddings, settings.text_config.vocab_size)
        settings.text_config.pad_token_id = self.text.pad_id
        self.network = network
        self.dim = self.width or self.compared(settings)
        self.join = Join(self.compared(settings), self.dim)

    def new_parts(self) -> list[nn.Module]:
        """Return what joins the towers."""
        return [self.join]

    @abstractmethod
    def compared(self, settings: Any) -> int:  # noqa: ANN401 - transformers has no types
        """Return the width of the rows that the network compares."""

    @abstractmethod
    def text_rows(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return (B, P) of token ids (B, T) and what is no padding (B, T)."""

    @abstractmethod
    def picture_rows(self, colours: Tensor, *, stretch: bool) -> Tensor:
        """Return (K, P) of colours (K, 3, S, S); `stretch` = S is not the size that the network was made for."""

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return (B, D)."""
        text = unit(self.text_rows(inputs["text_ids"], inputs["text_mask"]))
        present = inputs["picture_mask"]
        pictures = text.new_zeros(0, text.shape[1])
        if present.any():
            settings: Any = self.network.config
            stretch = int(settings.vision_config.image_size) != self.pictures.size
            colours = self.pictures.normalized(inputs["pixels"][present])
            pictures = unit(self.picture_rows(colours, stretch=stretch))
        found: Tensor = self.join(text, pictures, present)
        return found

    def blocks(self) -> list[list[nn.Module]]:
        """Return the embeddings, the layers of both towers side by side, what stands on them, and the join."""
        network: Any = self.network
        towers = [network.text_model, network.vision_model]
        layers = [list(tower.encoder.layers) for tower in towers]
        depth = max(map(len, layers))
        side_by_side = [[stream[i] for stream in layers if i < len(stream)] for i in range(depth)]
        first = [*(tower.embeddings for tower in towers), *_parts(towers, "pre_layrnorm")]
        last = [*_parts(towers, "final_layer_norm", "post_layernorm", "head")]
        last += _parts([network], "text_projection", "visual_projection")
        return [first, *side_by_side, last, [self.join]]


def _parts(owners: list[Any], *names: str) -> list[nn.Module]:
    """Return the parts of those names that the owners have."""
    return [getattr(owner, name) for owner in owners for name in names if hasattr(owner, name)]
