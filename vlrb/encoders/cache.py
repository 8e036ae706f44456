"""Features made once, then only opened. Rows are known by their content: what is encoded is not encoded again."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vlrb import schema
from vlrb.encoders.base import Encoder
from vlrb.encoders.shards import Shards
from vlrb.encoders.store import SAMPLES, FeatureStore, Outcome
from vlrb.utils.console import say, warn
from vlrb.utils.errors import StateError
from vlrb.utils.fingerprint import fingerprint
from vlrb.utils.locks import folder_lock


def _all_readable(samples: list[int]) -> dict[int, str]:
    return {}


class Contents(NamedTuple):
    """What the samples hold for one encoder, and how to encode it.

    Attributes:
        fingerprint: Identity of all samples' contents, in order.
        keys: A key of each sample's content; equal keys, equal rows.
        empty: Samples that have nothing to encode; their rows are zeros.
        encode: Encodes samples (given by number, each content once) into shards, whole or with reasons why not.
        unreadable: Says which samples still cannot be read and why, without encoding them.
    """

    fingerprint: str
    keys: list[bytes]
    empty: set[int]
    encode: Callable[[list[int], Shards], None]
    unreadable: Callable[[list[int]], dict[int, str]] = _all_readable


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
    contents: Contents,
    *,
    pooling: str | None = None,
    force: bool = False,
    allow: bool = True,
) -> np.ndarray:
    """Return an encoder's features (N, D) float32, memory-mapped; only contents without a row are encoded.

    Rows of unreadable pictures are tried again each time.

    Args:
        root: Folder of the benchmark.
        encoder: The encoder.
        contents: What the samples hold.
        pooling: How several pictures become one row (None for text).
        force: Encode everything again.
        allow: Whether encoding is allowed.

    Raises:
        StateError: Features are missing or stale, and `allow` is false.
    """
    store = _store(root, encoder, contents, pooling)
    found = None if force else store.open()
    if found is not None and not (allow and (store.unreadable() or store.work.is_dir())):
        return found
    if not allow:
        raise StateError(f"{store.folder}: features are missing or stale", "run build_data.py stages=[features] first")
    with folder_lock(store.folder):
        _bring_up_to_date(store, encoder, contents, force=force)
    found = store.open()
    if found is None:
        raise StateError(f"{store.folder}: features changed while they were made", "run it again")
    return found


def is_current(root: Path, encoder: Encoder, contents: Contents, pooling: str | None = None) -> bool:
    """Return whether an encoder's features of these contents are there."""
    return _store(root, encoder, contents, pooling).open() is not None


def _store(root: Path, encoder: Encoder, contents: Contents, pooling: str | None) -> FeatureStore:
    wanted = {
        "schema_version": schema.SCHEMA_VERSION,
        "encoder": encoder.name,
        "settings": encoder.settings(),
        "revision": encoder.revision,
        "pooling": pooling,
        "dim": encoder.dim,
        SAMPLES: contents.fingerprint,
    }
    return FeatureStore(feature_path(root, encoder, pooling), wanted)


def _bring_up_to_date(store: FeatureStore, encoder: Encoder, contents: Contents, *, force: bool) -> None:
    if force:
        store.clear()
    store.finish()
    before = store.unreadable() if not force and store.open() is not None else None
    if before == {}:  # another process made them meanwhile
        store.clear()
        return
    shards = store.shards()
    done = shards.begin() | (set() if force else store.known().keys())
    todo = _without_a_row(contents, done)
    failed = _still_unreadable(contents, {i: before[i] for i in todo if i in before}) if before else {}
    todo = [i for i in todo if i not in failed]
    if todo:
        if done:
            say(f"{encoder.name}: {len(todo):,} to encode, {len(done):,} known already")
        contents.encode(todo, shards)
    reasons = {contents.keys[i]: reason for i, reason in failed.items()} | shards.unreadable()
    unreadable = {i: reasons[key] for i, key in enumerate(contents.keys) if key in reasons}
    if before == unreadable:
        store.clear()
    else:
        details = encoder.details() if todo else None
        store.publish(contents.keys, Outcome(contents.empty, unreadable, details))
    _warn(store, contents, unreadable)


def _without_a_row(contents: Contents, done: set[bytes]) -> list[int]:
    """Return the first sample of each content that has to be encoded."""
    seen, found = set(done), []
    for i, key in enumerate(contents.keys):
        if key not in seen and i not in contents.empty:
            seen.add(key)
            found.append(i)
    return found


def _still_unreadable(contents: Contents, before: dict[int, str]) -> dict[int, str]:
    try:
        return contents.unreadable(list(before))
    except StateError:  # the raw data have gone elsewhere: nothing can be tried again, and all else is there
        return before


def _warn(store: FeatureStore, contents: Contents, unreadable: dict[int, str]) -> None:
    if contents.empty:
        n = f"{len(contents.empty):,} of {len(contents.keys):,}"
        warn(f"{n} samples have no picture; their picture features are 0")
    if unreadable:
        place = store.folder / schema.MANIFEST_FILE
        warn(f"{len(unreadable):,} samples have unreadable pictures, listed in {place}")
