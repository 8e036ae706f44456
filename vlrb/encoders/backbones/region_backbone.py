"""What backbones share that read the prompt and the patches of a vision tower as regions of the pictures."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import transformers
from torch import nn

from vlrb.encoders.backbones.limits import check_text
from vlrb.encoders.backbones.network import NetworkBackbone
from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.encoders.backbones.regions import RegionSequence
from vlrb.encoders.backbones.text import TextInputs
from vlrb.encoders.backbones.towers import Tower


class RegionBackbone(NetworkBackbone):
    """A network of transformers over the prompt and regions; the regions are patches of a vision tower.

    Args:
        name: Short name.
        text: How prompts become token ids.
        pictures: How pictures become pixels.
        tower: From pixels to patches.
        model: Name on the hub, or a folder; None = random weights.
        revision: Commit on the hub.
        sizes: Values of the network's configuration in place of its own.
    """

    kind: ClassVar[str]  # class of transformers
    regions: RegionSequence

    def __init__(
        self,
        name: str,
        text: TextInputs,
        pictures: PictureInputs,
        tower: Tower,
        model: str | None = None,
        revision: str | None = None,
        sizes: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(name, text, pictures, model, revision, sizes)
        self.tower = tower

    @property
    def pretrained(self) -> bool:
        """Whether the network starts from a checkpoint."""
        return self.source.model is not None

    def check(self) -> None:
        """Find out cheaply whether everything that is pretrained can be had and fits."""
        super().check()
        self.tower.check(self.pictures)
        settings = self.source.at_hand(getattr(transformers, self.kind))
        if settings is not None and self.text.max_length > settings.max_position_embeddings:
            check_text(self.text, settings.max_position_embeddings, settings.vocab_size)

    def load(self) -> None:
        """Create the network."""
        if hasattr(self, "network"):
            return
        stored = self.stored or {}
        self.tower.load(self.pictures, stored.get("tower"))
        network: Any = self.source.network(getattr(transformers, self.kind), stored.get("network"))
        settings = network.config
        check_text(self.text, settings.max_position_embeddings, settings.vocab_size)
        self.dim = int(settings.hidden_size)
        tower = self.tower
        del self.tower  # from here on it belongs to the sequence of regions
        self.network = network
        self.assemble(tower, settings)

    @abstractmethod
    def assemble(self, tower: Tower, settings: Any) -> None:  # noqa: ANN401 - transformers has no types
        """Create `regions` and whatever the network lacks; `settings` are its configuration."""

    def layers(self) -> list[list[nn.Module]]:
        """Return embeddings, layers and pooler of the network by depth."""
        network: Any = self.network
        return [[network.embeddings], *([layer] for layer in network.encoder.layer), [network.pooler]]

    def blocks(self) -> list[list[nn.Module]]:
        """Return the tower's parts, then the network's; what no checkpoint knows learns as fast as the last."""
        *layers, last = self.layers()
        return [*self.regions.tower.blocks(), *layers, [*last, *self.regions.new_parts(), *self.added()]]

    def new_parts(self) -> list[nn.Module]:
        """Return what the regions and the backbone add to network and tower."""
        return [*self.regions.tower.new_parts(), *self.regions.new_parts(), *self.added()]

    def added(self) -> list[nn.Module]:
        """Return what this backbone adds beside its regions."""
        return []

    def configs(self) -> dict[str, dict[str, Any]]:
        """Return the configurations of network and tower."""
        return {**super().configs(), "tower": self.regions.tower.config()}
