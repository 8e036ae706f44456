"""Run frozen encoders over the samples of a benchmark."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import numpy as np

from vlrb import schema
from vlrb.encoders.base import Encoder, TextEncoder, VisionEncoder
from vlrb.encoders.batches import MOST_WORKERS, SHARD_ROWS, Options, load_batch, pool_rows, raise_or_report
from vlrb.encoders.cache import Contents, ensure_features, feature_path, is_current
from vlrb.encoders.items import Items, Pictures, PictureSource, Prompts, picture_keys, text_keys
from vlrb.encoders.precomputed import PrecomputedFeatures
from vlrb.encoders.shards import Shards
from vlrb.utils.console import track
from vlrb.utils.devices import cores
from vlrb.utils.fingerprint import fingerprint

if TYPE_CHECKING:
    from vlrb.benchmark.store import Benchmark
    from vlrb.encoders.predict import MakeTrainer
    from vlrb.encoders.torch_encoder import TorchEncoder

__all__ = ["Options", "PictureSource", "benchmark_features", "encode_items", "ensure_features", "feature_path"]

TEXTS_PER_BATCH = 1024
ROWS_AT_ONCE = 4096


class Encoded(NamedTuple):
    """Rows of some samples."""

    keys: list[bytes]
    rows: np.ndarray
    unreadable: dict[bytes, str]


def benchmark_features(
    benchmark: "Benchmark",
    text: Encoder | None,
    vision: Encoder | None,
    options: Mapping[str, Any],
    force: bool = False,
    allow: bool = True,
    make_trainer: "MakeTrainer | None" = None,
) -> tuple[np.ndarray | None, np.ndarray | None, str]:
    """Return text and vision features of all samples (None without that encoder) and their common fingerprint.

    Args:
        benchmark: The benchmark.
        text: Encoder of prompts, or a file of features.
        vision: Encoder of pictures, or a file of features.
        options: The `encoder` config: pooling, batch_size, workers, unreadable.
        force: Encode everything again.
        allow: Whether encoding is allowed.
        make_trainer: Makes the Trainer that runs encoders which are torch networks; None = one device.

    Raises:
        StateError: Features are missing and `allow` is false.
        DataError: A picture cannot be read.
    """
    chosen, root = Options.from_config(options), benchmark.root
    jobs: dict[int, tuple[Encoder, Contents, str | None]] = {}
    if text is not None:
        jobs[0] = text, _prompts(benchmark, text, chosen, make_trainer), None
    if vision is not None:
        jobs[1] = vision, _pictures(benchmark, vision, chosen, make_trainer), chosen.pooling
    for encoder, contents, pooling in jobs.values() if allow else ():
        if force or not is_current(root, encoder, contents, pooling):
            encoder.check()  # of both, before one of them takes an hour
    rows: list[np.ndarray | None] = [None, None]
    for place, (encoder, contents, pooling) in jobs.items():
        rows[place] = ensure_features(root, encoder, contents, pooling=pooling, force=force, allow=allow)
    identity = [
        [feature_path(root, encoder, pooling).name, seen.fingerprint] for encoder, seen, pooling in jobs.values()
    ]
    return rows[0], rows[1], fingerprint(identity)


def _prompts(
    benchmark: "Benchmark", encoder: Encoder, options: Options, make_trainer: "MakeTrainer | None"
) -> Contents:
    ids = benchmark.samples[schema.SAMPLE_ID].tolist()
    prompts = benchmark.samples[schema.PROMPT].tolist()
    seen = fingerprint([ids, prompts])
    if isinstance(encoder, PrecomputedFeatures):
        return _by_id(encoder, ids, seen)
    keys, strict = text_keys(prompts), options._replace(unreadable="error")

    def encode(todo: list[int], shards: Shards) -> None:
        encode_items(encoder, Prompts(ids, keys, prompts), todo, shards, strict, make_trainer)

    return Contents(seen, keys, set(), encode)


def _pictures(
    benchmark: "Benchmark", encoder: Encoder, options: Options, make_trainer: "MakeTrainer | None"
) -> Contents:
    ids = benchmark.samples[schema.SAMPLE_ID].tolist()
    references = benchmark.picture_references
    seen = fingerprint([ids, [tuple(str(ref["content_hash"]) for ref in refs) for refs in references]])
    if isinstance(encoder, PrecomputedFeatures):
        return _by_id(encoder, ids, seen)
    keys, counts = picture_keys(references), [len(listed) for listed in references]

    def pictures() -> Pictures:
        return Pictures(ids, keys, counts, benchmark.pictures())

    def encode(todo: list[int], shards: Shards) -> None:
        encode_items(encoder, pictures(), todo, shards, options, make_trainer)

    def unreadable(samples: list[int]) -> dict[int, str]:
        return _reasons(pictures(), samples, options)

    empty = {i for i, count in enumerate(counts) if not count}
    return Contents(seen, keys, empty, encode, unreadable)


def _by_id(encoder: PrecomputedFeatures, ids: list[str], seen: str) -> Contents:
    """Return rows that are looked up by sample id."""
    keys = text_keys(ids)

    def encode(todo: list[int], shards: Shards) -> None:
        for start in range(0, len(todo), ROWS_AT_ONCE):
            part = todo[start : start + ROWS_AT_ONCE]
            shards.write([keys[i] for i in part], encoder.rows([ids[i] for i in part]))

    return Contents(seen, keys, set(), encode)


def encode_items(
    encoder: Encoder,
    items: Items,
    todo: list[int],
    shards: Shards,
    options: Options,
    make_trainer: "MakeTrainer | None" = None,
) -> None:
    """Encode samples into shards, with a progress bar.

    Args:
        encoder: Turns each text or picture into one row.
        items: What the samples hold.
        todo: Numbers of the samples to encode.
        shards: Where rows go.
        options: Pooling, sizes, and what to do about unreadable pictures.
        make_trainer: Makes the Trainer for a torch network; None = one device.

    Raises:
        DataError: A picture cannot be read, unless `options.unreadable` is "report"; or a row is not finite.
    """
    if _is_torch(encoder):
        from vlrb.encoders.predict import encode_with_trainer

        encode_with_trainer(encoder, items, todo, shards, options, make_trainer)
    else:
        _encode_in_threads(encoder, items, todo, shards, options)


def _is_torch(encoder: Encoder) -> "TypeGuard[TorchEncoder]":
    module = sys.modules.get("vlrb.encoders.torch_encoder")  # whoever built one imported it; others need no torch
    return module is not None and isinstance(encoder, module.TorchEncoder)


def _encode_in_threads(encoder: Encoder, items: Items, todo: list[int], shards: Shards, options: Options) -> None:
    assert isinstance(encoder, TextEncoder | VisionEncoder)
    pictures = isinstance(encoder, VisionEncoder)
    size = options.batch_size if pictures else TEXTS_PER_BATCH
    workers = (options.workers or min(cores(), MOST_WORKERS)) if pictures else 1

    def work(batch: list[int]) -> Encoded:
        return _encode_batch(encoder, items, batch, options)

    batches = [todo[start : start + size] for start in range(0, len(todo), size)]
    pool = ThreadPoolExecutor(workers)
    try:
        parts = track(pool.map(work, batches), f"reading {items.what} ({encoder.name})", len(batches))
        for group in _grouped(parts, max(1, SHARD_ROWS // size)):
            unreadable = {key: reason for part in group for key, reason in part.unreadable.items()}
            shards.write(
                [key for part in group for key in part.keys], np.concatenate([p.rows for p in group]), unreadable
            )
    finally:
        pool.shutdown(cancel_futures=True)


def _encode_batch(
    encoder: TextEncoder | VisionEncoder, items: Items, batch: Sequence[int], options: Options
) -> Encoded:
    loaded = load_batch(items, batch)
    raise_or_report(loaded.failed, options)
    rows = encoder.encode(loaded.items) if loaded.items else np.empty((0, encoder.dim), np.float32)
    keys = [items.keys[i] for i in loaded.samples]
    unreadable = {items.keys[i]: error.message for i, error in loaded.failed.items()}
    return Encoded(keys, pool_rows(rows, loaded.counts, options.pooling), unreadable)


def _grouped(parts: Iterable[Encoded], size: int) -> Iterator[list[Encoded]]:
    iterator = iter(parts)
    while group := list(islice(iterator, size)):
        yield group


def _reasons(items: Items, samples: Sequence[int], options: Options) -> dict[int, str]:
    """Return which samples cannot be read and why; one picture is in memory at a time."""
    found: dict[int, str] = {}
    for i in samples:
        failed = load_batch(items, [i]).failed
        raise_or_report(failed, options)
        found |= {number: error.message for number, error in failed.items()}
    return found
