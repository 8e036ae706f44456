"""The frozen encoders that a configuration names."""

from collections.abc import Mapping
from typing import Any

from vlrb.utils.instantiate import build

PARTS = ("text", "vision")


def configured_encoders(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the encoders of both parts, "text" and "vision": None where there is none or the fusion does not read it.

    Args:
        node: The `encoder` config.

    Raises:
        ConfigError: The fusion cannot take features of these widths.
    """
    fusion = build(node["fusion"], "encoder.fusion")
    read = {kind: node.get(kind) if kind in fusion.reads else None for kind in PARTS}
    parts = {kind: build(part, f"encoder.{kind}") if part else None for kind, part in read.items()}
    fusion.dim(*(0 if part is None else part.dim for part in parts.values()))
    return parts
