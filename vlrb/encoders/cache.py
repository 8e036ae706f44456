"""Features on disk: one folder per encoder and settings, made once and then only opened."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vlrb import schema
from vlrb.encoders.base import Encoder
from vlrb.utils.console import warn
from vlrb.utils.errors import StateError
from vlrb.utils.files import open_array, read_json, write_array, write_json
from vlrb.utils.fingerprint import fingerprint
from vlrb.utils.locks import folder_lock

FEATURES_FILE = "features.npy"


@dataclass
class Extracted:
    """Rows of one encoder over all samples.

    Attributes:
        rows: (N, D) float32; zeros for a sample without a picture, NaN for one with an unreadable picture.
        without_picture: How many samples have no picture.
        unreadable: Why a sample's pictures cannot be read, by sample number.
    """

    rows: np.ndarray
    without_picture: int = 0
    unreadable: dict[int, str] = field(default_factory=dict)


def feature_path(benchmark_root: Path, encoder: Encoder, pooling: str | None = None) -> Path:
    """Return the folder of an encoder's features: its name and a hash of all that determines the output.

    Args:
        benchmark_root: Folder of the benchmark.
        encoder: The encoder.
        pooling: How several pictures become one row (None for text).
    """
    settings = {"settings": encoder.settings(), "revision": encoder.revision, "pooling": pooling}
    return Path(benchmark_root) / schema.FEATURES_FOLDER / f"{encoder.name}-{fingerprint(settings, 8)}"


def ensure_features(
    root: Path,
    encoder: Encoder,
    samples_fingerprint: str,
    load: Callable[[], Extracted],
    *,
    pooling: str | None = None,
    force: bool = False,
    allow: bool = True,
) -> np.ndarray:
    """Return an encoder's features (N, D) float32, memory-mapped; extract them only if they are missing or stale.

    Args:
        root: Folder of the benchmark.
        encoder: The encoder.
        samples_fingerprint: Identity of the samples' texts or pictures, in order.
        load: Extracts the rows; called only if needed.
        pooling: How several pictures become one row (None for text).
        force: Extract again.
        allow: Whether extracting is allowed.

    Raises:
        StateError: Features are missing or stale, and `allow` is false.
    """
    folder = feature_path(root, encoder, pooling)
    wanted = {
        "schema_version": schema.SCHEMA_VERSION,
        "encoder": encoder.name,
        "settings": encoder.settings(),
        "revision": encoder.revision,
        "pooling": pooling,
        "dim": encoder.dim,
        "samples_fingerprint": samples_fingerprint,
    }
    if not force and _is_current(folder, wanted):
        return open_array(folder / FEATURES_FILE)
    if not allow:
        raise StateError(f"{folder}: features are missing or stale", "run build_data.py stages=[features] first")
    with folder_lock(folder):
        if force or not _is_current(folder, wanted):
            _extract(folder, wanted, load())
    return open_array(folder / FEATURES_FILE)


def _is_current(folder: Path, wanted: dict[str, Any]) -> bool:
    manifest = folder / schema.MANIFEST_FILE
    if not (manifest.is_file() and (folder / FEATURES_FILE).is_file()):
        return False
    found = read_json(manifest)
    return fingerprint({key: found.get(key) for key in wanted}) == fingerprint(wanted)


def _extract(folder: Path, wanted: dict[str, Any], found: Extracted) -> None:
    (folder / schema.MANIFEST_FILE).unlink(missing_ok=True)  # written last: without it the array does not count
    write_array(folder / FEATURES_FILE, found.rows)
    unreadable = {str(i): reason for i, reason in sorted(found.unreadable.items())}
    counts = {"samples": len(found.rows), "samples_without_picture": found.without_picture, "unreadable": unreadable}
    write_json(folder / schema.MANIFEST_FILE, wanted | counts)
    if found.without_picture:
        warn(f"{found.without_picture:,} of {len(found.rows):,} samples have no picture; their picture features are 0")
    if unreadable:
        warn(f"{len(unreadable):,} samples have unreadable pictures, listed in {folder / schema.MANIFEST_FILE}")
