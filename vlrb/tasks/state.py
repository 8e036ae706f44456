"""When is a run finished, and is it still the same run? `DONE` holds what it was made of."""

import importlib.metadata
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from vlrb.schema import CONFIG_FILE, DATA_FILE, DONE_FILE, FAILED_FILE, VERSIONS_FILE
from vlrb.utils.config import Plain, identity
from vlrb.utils.errors import StateError
from vlrb.utils.files import read_json, write_json, write_text

NO_FEATURES = "none"
PACKAGES = ("vlrb", "torch", "lightning", "hydra-core", "numpy", "pandas", "scikit-learn", "mistral-common")


def finished(folder: Path, config: Plain, parts: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the `DONE` record of a finished run of the same config and data, or None if there is work to do.

    Args:
        folder: The run folder.
        config: The job's config.
        parts: Fingerprints of the data that the run would see now, by part.

    Raises:
        StateError: The run was finished on other data and `overwrite` is not set.
    """
    if config["overwrite"] or not (folder / DONE_FILE).is_file():
        return None
    record: dict[str, Any] = read_json(folder / DONE_FILE)
    changed = sorted(k for k in set(parts) | set(record["data"]) if parts.get(k) != record["data"].get(k))
    if record["config"] == identity(config) and not changed:
        return record
    what = ", ".join(changed) or "the configuration"
    raise StateError(
        f"{folder} holds a finished run on other data (changed: {what})",
        "overwrite=true replaces it; a new dataset.name keeps both",
    )


def reads_features(folder: Path, config: Plain) -> bool | None:
    """Return whether a finished run of this very config used features; None if there is no such run.

    It saves a repeated command from importing torch to find out that there is nothing to do.
    """
    if not (folder / DONE_FILE).is_file():
        return None
    record: dict[str, Any] = read_json(folder / DONE_FILE)
    return record["data"]["features"] != NO_FEATURES if record["config"] == identity(config) else None


def begin(folder: Path, config: Plain, data: Mapping[str, Any]) -> None:
    """Write what the run is made of; an earlier result is no longer finished from here on."""
    (folder / DONE_FILE).unlink(missing_ok=True)
    (folder / FAILED_FILE).unlink(missing_ok=True)
    write_text(folder / CONFIG_FILE, OmegaConf.to_yaml(OmegaConf.create(config)))
    write_json(folder / DATA_FILE, dict(data))
    write_json(folder / VERSIONS_FILE, versions())


def end(folder: Path, config: Plain, parts: Mapping[str, str], objective: float | None, seconds: float) -> None:
    """Mark the run as finished (written last)."""
    record = {"config": identity(config), "data": dict(parts), "objective": objective, "seconds": round(seconds, 2)}
    write_json(folder / DONE_FILE, record)


def versions() -> dict[str, str]:
    """Return versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found
