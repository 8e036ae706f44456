"""Where a network of transformers comes from: a checkpoint, sizes for random weights, or a stored configuration."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from torch import nn

from vlrb.encoders.transformers_network import read_config, read_network
from vlrb.encoders.weights import CONFIG, WEIGHTS, Checkpoint
from vlrb.utils.errors import ConfigError
from vlrb.utils.suggest import did_you_mean


class NetworkSource:
    """One network: of a checkpoint if `model` is given, else of random weights.

    Args:
        model: Name on the hub, or a folder; None = random weights.
        revision: Commit on the hub; a folder needs none.
        sizes: Values of the network's configuration, in place of the defaults of its class (random weights) or of the
            checkpoint's own.
        key: Where the options stand in the configuration.
        extras: Files of the checkpoint that are fetched too if they exist.

    A folder that is gone is no matter for a stored configuration: nothing is looked for before it is needed.
    """

    def __init__(
        self,
        model: str | None,
        revision: str | None,
        sizes: Mapping[str, Any] | None,
        key: str,
        extras: Sequence[str] = (),
    ) -> None:
        self.key = key
        self.sizes = dict(sizes or {})
        self.model, self.revision, self.extras = model, revision, tuple(extras)

    @cached_property
    def checkpoint(self) -> Checkpoint | None:
        """The files, if there is a model.

        Raises:
            ConfigError: The revision is not a commit.
            DataError: `model` is a path, and there is no such folder.
        """
        if self.model is None:
            return None
        return Checkpoint(self.model, self.revision, self.key, (CONFIG, WEIGHTS), self.extras)

    def check(self) -> None:
        """Find out cheaply whether the checkpoint can be had."""
        if self.checkpoint is not None:
            self.checkpoint.check()

    def config(self, kind: Any, stored: Mapping[str, Any] | None = None, part: str | None = None) -> Any:  # noqa: ANN401
        """Return the configuration.

        Args:
            kind: A class of transformers with `config_class`.
            stored: What `to_dict` of the configuration once gave; it wins.
            part: Field of the checkpoint's configuration that holds this network's, e.g. "vision_config".

        Raises:
            ConfigError: `sizes` names something that the configuration does not have, or another kind of network.
        """
        if stored is not None:
            return kind.config_class.from_dict(dict(stored))
        if self.checkpoint is None:
            found = kind.config_class()
        else:
            found = read_config(self.checkpoint.folder())
            found = getattr(found, part, found) if part else found
            if not isinstance(found, kind.config_class):
                raise ConfigError(
                    f"{self.key}.model={self.checkpoint.model} is a network of type {found.model_type!r}",
                    f"this backbone is made for {kind.config_class.model_type!r}",
                )
        _set_sizes(found, self.sizes, f"{self.key}.sizes")
        return found

    def network(
        self,
        kind: Any,  # noqa: ANN401 - a class of transformers
        stored: Mapping[str, Any] | None = None,
        part: str | None = None,
        unused: tuple[str, ...] = (),
        **options: Any,  # noqa: ANN401 - of the class's constructor
    ) -> nn.Module:
        """Return the network, trainable: weights of the checkpoint, else random ones.

        Args:
            kind: A class of transformers.
            stored: A stored configuration; then no weights are read.
            part: See `config`.
            unused: Beginnings of the names of weights that may be absent.
            options: Further arguments of the constructor.
        """
        config = self.config(kind, stored, part)
        if stored is None and self.checkpoint is not None:
            found: nn.Module = read_network(kind, self.checkpoint.folder(), config, unused, **options)
        else:
            found = self._random(kind, config, **options)
        return found.requires_grad_(requires_grad=True).float()

    def _random(self, kind: Any, config: Any, **options: Any) -> nn.Module:  # noqa: ANN401
        try:
            found: nn.Module = kind(config, **options)
        except ValueError as error:  # how transformers says that sizes do not go together
            raise ConfigError(f"{self.key}.sizes: {error}") from error
        return found

    def at_hand(self, kind: Any) -> Any | None:  # noqa: ANN401
        """Return the configuration if that needs no network, else None."""
        known = self.checkpoint is None or self.checkpoint.cached() is not None
        return self.config(kind) if known else None


def _set_sizes(config: Any, sizes: Mapping[str, Any], key: str) -> None:  # noqa: ANN401 - transformers has no types
    """Set values of a configuration; a mapping sets those of a configuration inside it."""
    for name, value in sizes.items():
        if not hasattr(config, name):
            raise ConfigError(f"unknown key '{key}.{name}'", did_you_mean(name, config.to_dict()))
        if isinstance(value, Mapping) and hasattr(getattr(config, name), "to_dict"):
            _set_sizes(getattr(config, name), value, f"{key}.{name}")
        else:
            setattr(config, name, value)


def plain_config(network: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return what `NetworkSource.config(stored=…)` needs to create a network of the same shapes, no path in it."""
    found = dict(network.config.to_dict())
    found.pop("_name_or_path", None)
    return found
