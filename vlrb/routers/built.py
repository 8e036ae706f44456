"""Which backbone a router was built with, in plain values: enough to tell that stored weights are of another one."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from vlrb.encoders.backbones.base import Backbone
from vlrb.encoders.backbones.source import NetworkSource
from vlrb.utils.errors import StateError


def describe(backbone: Backbone) -> dict[str, Any]:
    """Return class, picture size and asked-for sizes of a backbone that is not loaded yet, as JSON knows them."""
    found = {"class": type(backbone).__name__, "text": type(backbone.text).__name__}
    found["pictures.size"] = plain(backbone.pictures.size)
    for place, source in _sources(backbone):
        found |= {f"{place}sizes.{key}": plain(value) for key, value in source.sizes.items()}
    return found


def _sources(backbone: nn.Module) -> Iterator[tuple[str, NetworkSource]]:
    for name, module in backbone.named_modules():
        for key, value in vars(module).items():
            if isinstance(value, NetworkSource):
                place = ".".join(filter(None, (name, "" if key == "source" else key)))
                yield f"{place}." if place else "", value


def plain(value: Any) -> Any:  # noqa: ANN401 - a value of a configuration
    """Return a value as it comes back from JSON."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def check_same(folder: Path, stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Compare two descriptions.

    Raises:
        StateError: They differ; it names in what.
    """
    changed = [
        f"{key} is {stored.get(key)}, not {wanted.get(key)}"
        for key in [*wanted, *(key for key in stored if key not in wanted)]
        if stored.get(key) != wanted.get(key)
    ]
    if changed:
        raise StateError(
            f"{folder} holds a router with another backbone: {'; '.join(changed[:3])}",
            "give the encoder that it was trained with, or train it again",
        )
