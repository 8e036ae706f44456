"""What backbones share whose heart is one network of transformers."""

from collections.abc import Mapping
from typing import Any, Final

from vlrb.encoders.backbones.base import Backbone
from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.encoders.backbones.source import NetworkSource, plain_config
from vlrb.encoders.backbones.text import TextInputs

KEY: Final = "encoder.backbone"


class NetworkBackbone(Backbone):
    """A backbone with a network that comes from a checkpoint, or has random weights.

    Args:
        name: Short name.
        text: How prompts become token ids.
        pictures: How pictures become pixels.
        model: Name on the hub, or a folder; None = random weights.
        revision: Commit on the hub.
        sizes: Values of the network's configuration in place of its own.
    """

    def __init__(
        self,
        name: str,
        text: TextInputs,
        pictures: PictureInputs,
        model: str | None = None,
        revision: str | None = None,
        sizes: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(name, text, pictures)
        self.source = NetworkSource(model, revision, sizes, KEY)

    def check(self) -> None:
        """Find out cheaply whether what is pretrained can be had."""
        super().check()
        self.source.check()

    def configs(self) -> dict[str, dict[str, Any]]:
        """Return the network's configuration."""
        return {"network": plain_config(self.network)}
