"""Run frozen encoders over the samples of a benchmark."""

from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from vlrb import schema
from vlrb.encoders.base import TextEncoder, VisionEncoder
from vlrb.encoders.cache import Extracted, ensure_features, feature_path
from vlrb.encoders.precomputed import PrecomputedFeatures
from vlrb.utils.console import track
from vlrb.utils.devices import cores
from vlrb.utils.errors import ConfigError, DataError
from vlrb.utils.fingerprint import fingerprint
from vlrb.utils.suggest import did_you_mean

if TYPE_CHECKING:
    from PIL.Image import Image

    from vlrb.benchmark.store import Benchmark

__all__ = [
    "Extracted",
    "PictureSource",
    "benchmark_features",
    "ensure_features",
    "extract_pictures",
    "extract_text",
    "feature_path",
]

POOLINGS = ("mean", "max", "first")
UNREADABLE = ("error", "report")
TEXTS_PER_BATCH = 1024


class PictureSource(Protocol):
    """The pictures of the samples, in benchmark order."""

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def load(self, i: int) -> "list[Image]":
        """Return the pictures of sample `i` (RGB), an empty list if it has none; DataError if one is unreadable."""
        ...


def extract_text(encoder: TextEncoder, texts: Sequence[str], batch_size: int = TEXTS_PER_BATCH) -> Extracted:
    """Encode texts in batches, with a progress bar."""
    _at_least_one("batch_size", batch_size)
    rows = np.empty((len(texts), encoder.dim), np.float32)
    for start in track(range(0, len(texts), batch_size), f"reading prompts ({encoder.name})"):
        rows[start : start + batch_size] = encoder.encode(list(texts[start : start + batch_size]))
    return Extracted(rows)


def extract_pictures(
    encoder: VisionEncoder,
    pictures: PictureSource,
    pooling: str = "mean",
    batch_size: int = 32,
    workers: int | None = None,
    keys: Sequence[Hashable] | None = None,
    unreadable: str = "error",
) -> Extracted:
    """Encode the pictures of all samples, with a progress bar.

    Args:
        encoder: Turns each picture into one row.
        pictures: The pictures of each sample.
        pooling: How the rows of a sample's pictures become one: mean, max or first.
        batch_size: Samples per call of the encoder.
        workers: Threads that load and encode; None = one per core, at most 8.
        keys: One key per sample; samples with equal keys have the same pictures, which are then encoded once.
        unreadable: "error" stops at a picture that cannot be decoded; "report" keeps a row of NaN for it.

    Raises:
        ConfigError: An option is unknown or out of range.
        DataError: A picture cannot be read, unless `unreadable` is "report".
    """
    _one_of("pooling", pooling, POOLINGS)
    _one_of("unreadable", unreadable, UNREADABLE)
    _at_least_one("batch_size", batch_size)
    _at_least_one("workers", 1 if workers is None else workers)
    firsts, owner = _distinct(range(len(pictures)) if keys is None else keys)
    worker = _PictureWorker(encoder, pictures, pooling, stop=unreadable == "error")
    batches = [firsts[start : start + batch_size] for start in range(0, len(firsts), batch_size)]
    rows = np.zeros((len(firsts), encoder.dim), np.float32)
    with ThreadPoolExecutor(workers or min(cores(), 8)) as pool:
        parts = track(pool.map(worker, batches), f"reading pictures ({encoder.name})", len(batches))
        for number, part in enumerate(parts):
            rows[number * batch_size : number * batch_size + len(part)] = part
    empty = np.isin(np.array(firsts, np.int64), list(worker.empty))
    failed = {i: worker.failed[firsts[place]] for i, place in enumerate(owner) if firsts[place] in worker.failed}
    return Extracted(rows[owner], int(empty[owner].sum()), failed)


class _NamedPictures:
    """A picture source whose errors name the sample."""

    def __init__(self, pictures: PictureSource, sample_ids: Sequence[str]) -> None:
        self.pictures, self.sample_ids = pictures, sample_ids

    def __len__(self) -> int:
        return len(self.pictures)

    def load(self, i: int) -> "list[Image]":
        """Return the pictures of sample `i`."""
        try:
            return self.pictures.load(i)
        except DataError as error:
            raise DataError(f"sample {self.sample_ids[i]}: {error.message}", error.hint) from error


class _PictureWorker:
    """Loads, encodes and pools the pictures of a batch of samples; notes samples without any and unreadable ones."""

    def __init__(self, encoder: VisionEncoder, pictures: PictureSource, pooling: str, *, stop: bool) -> None:
        self.encoder, self.pictures, self.pooling, self.stop = encoder, pictures, pooling, stop
        self.empty: set[int] = set()
        self.failed: dict[int, str] = {}
        self._lock = Lock()  # readers share a file handle; decoding is cheap beside encoding

    def __call__(self, batch: list[int]) -> np.ndarray:
        loaded = [self._load(i) for i in batch]
        flat = [image for images in loaded for image in images]
        encoded = self.encoder.encode(flat) if flat else np.empty((0, self.encoder.dim), np.float32)
        rows = np.zeros((len(batch), self.encoder.dim), np.float32)
        start = 0
        for row, i, images in zip(rows, batch, loaded, strict=True):
            if i in self.failed:
                row[:] = np.nan
            elif images:
                row[:] = _pool(encoded[start : start + len(images)], self.pooling)
            start += len(images)
        return rows

    def _load(self, i: int) -> "list[Image]":
        try:
            with self._lock:
                images = self.pictures.load(i)
        except DataError as error:
            if self.stop:
                raise
            self.failed[i] = error.message
            return []
        if not images:
            self.empty.add(i)
        return images


def _pool(rows: np.ndarray, pooling: str) -> np.ndarray:
    if pooling == "first":
        return np.asarray(rows[0])
    return np.asarray(rows.mean(axis=0) if pooling == "mean" else rows.max(axis=0))


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ConfigError(f"encoder.{name}: no option {value!r}", did_you_mean(value, known))


def _at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise ConfigError(f"encoder.{name} must be at least 1, got {value}")


def _distinct(keys: Sequence[Hashable]) -> tuple[list[int], np.ndarray]:
    """Return the first sample of each distinct key, and for each sample the place of its key among them."""
    places: dict[Hashable, int] = {}
    firsts: list[int] = []
    for i, key in enumerate(keys):
        if key not in places:
            places[key] = len(firsts)
            firsts.append(i)
    return firsts, np.array([places[key] for key in keys], np.int64)


def benchmark_features(
    benchmark: "Benchmark",
    text: TextEncoder | PrecomputedFeatures | None,
    vision: VisionEncoder | PrecomputedFeatures | None,
    options: Mapping[str, Any],
    force: bool = False,
    allow: bool = True,
) -> tuple[np.ndarray | None, np.ndarray | None, str]:
    """Return text and vision features of all samples (None without that encoder) and their common fingerprint.

    Args:
        benchmark: The benchmark.
        text: Encoder of prompts, or a file of features.
        vision: Encoder of pictures, or a file of features.
        options: The `encoder` config: pooling, batch_size, workers, unreadable.
        force: Extract again.
        allow: Whether extracting is allowed.

    Raises:
        StateError: Features are missing and `allow` is false.
        DataError: A picture cannot be read.
    """
    ids = benchmark.samples[schema.SAMPLE_ID].tolist()
    rows: list[np.ndarray | None] = [None, None]
    identity: list[Any] = []
    if text is not None:
        prompts = benchmark.samples[schema.PROMPT].tolist()
        seen = fingerprint([ids, prompts])

        def read() -> Extracted:
            if isinstance(text, PrecomputedFeatures):
                return Extracted(text.rows(ids))
            return extract_text(text, prompts)

        rows[0] = ensure_features(benchmark.root, text, seen, read, force=force, allow=allow)
        identity.append([feature_path(benchmark.root, text).name, seen])
    if vision is not None:
        pooling = str(options["pooling"])
        keys = [tuple(str(ref["content_hash"]) for ref in refs) for refs in benchmark.samples[schema.IMAGES]]
        given = {name: options[name] for name in ("batch_size", "workers", "unreadable")}

        def extract() -> Extracted:
            if isinstance(vision, PrecomputedFeatures):
                return Extracted(vision.rows(ids))
            return extract_pictures(vision, _NamedPictures(benchmark.pictures(), ids), pooling, keys=keys, **given)

        seen = fingerprint([ids, keys])
        rows[1] = ensure_features(benchmark.root, vision, seen, extract, pooling=pooling, force=force, allow=allow)
        identity.append([feature_path(benchmark.root, vision, pooling).name, seen])
    return rows[0], rows[1], fingerprint(identity)
