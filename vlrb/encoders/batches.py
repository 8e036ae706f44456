"""Reading a batch of samples for an encoder, and making one row of each sample's rows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from vlrb.encoders.items import Items
from vlrb.utils.errors import ConfigError, DataError
from vlrb.utils.suggest import did_you_mean

POOLINGS = ("mean", "max", "first")
UNREADABLE = ("error", "report")
SHARD_ROWS = 512
MOST_WORKERS = 8


class Options(NamedTuple):
    """How samples are encoded.

    Attributes:
        pooling: How the rows of a sample's pictures become one: mean, max or first.
        batch_size: Texts or pictures per call of a network, samples per call of another encoder of pictures.
        workers: Threads or processes that prepare samples; None = by the number of cores.
        unreadable: "error" stops at a picture that cannot be decoded; "report" keeps a row of NaN for it.
    """

    pooling: str = "mean"
    batch_size: int = 32
    workers: int | None = None
    unreadable: str = "error"

    @classmethod
    def from_config(cls, node: Mapping[str, Any]) -> "Options":
        """Return the options of an `encoder` config.

        Raises:
            ConfigError: An option is unknown or out of range.
        """
        options = cls(**{name: node[name] for name in cls._fields})
        for name, known in (("pooling", POOLINGS), ("unreadable", UNREADABLE)):
            value = getattr(options, name)
            if value not in known:
                raise ConfigError(f"encoder.{name}: no option {value!r}", did_you_mean(str(value), known))
        for name, least in (("batch_size", 1), ("workers", 0)):
            value = getattr(options, name)
            if value is not None and value < least:
                raise ConfigError(f"encoder.{name} must be at least {least}, got {value}")
        return options


class Loaded(NamedTuple):
    """What was read of some samples.

    Attributes:
        samples: Those that could be read.
        counts: How many items each of them has.
        items: The items of all of them, one after the other.
        failed: Why the others could not be read.
    """

    samples: list[int]
    counts: list[int]
    items: list[Any]
    failed: dict[int, DataError]


def load_batch(items: Items, samples: Sequence[int]) -> Loaded:
    """Read the texts or pictures of some samples."""
    loaded = Loaded([], [], [], {})
    for i in samples:
        try:
            found = items.load(i)
        except DataError as error:  # reported or raised by whoever asked
            loaded.failed[i] = error
            continue
        loaded.samples.append(i)
        loaded.counts.append(len(found))
        loaded.items.extend(found)
    return loaded


def pool_rows(rows: np.ndarray, counts: Sequence[int], pooling: str) -> np.ndarray:
    """Return one row per sample (n, D), given the rows of all their items (sum of counts, D); zeros where it has none.

    >>> pool_rows(np.array([[1.0, 2.0], [3.0, 0.0], [5.0, 5.0]]), [2, 1], "mean").tolist()
    [[2.0, 1.0], [5.0, 5.0]]
    """
    if all(count == 1 for count in counts):
        return rows
    pooled = np.zeros((len(counts), rows.shape[1]), rows.dtype)
    start = 0
    for row, count in zip(pooled, counts, strict=True):
        if count:
            row[:] = _pool(rows[start : start + count], pooling)
        start += count
    return pooled


def _pool(rows: np.ndarray, pooling: str) -> np.ndarray:
    if pooling == "first":
        return np.asarray(rows[0])
    return np.asarray(rows.mean(axis=0) if pooling == "mean" else rows.max(axis=0))


def plan_shards(items: Items, todo: Sequence[int], batch_size: int, rows: int = SHARD_ROWS) -> list[list[list[int]]]:
    """Return shards of batches of samples: in a shard the longest first, in a batch at most `batch_size` items.

    Only a sample that has more items than that by itself makes a larger batch.
    """
    shards = []
    for start in range(0, len(todo), rows):
        ordered = sorted(todo[start : start + rows], key=items.length, reverse=True)
        shards.append(list(_packed(items, ordered, batch_size)))
    return shards


def _packed(items: Items, samples: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    batch: list[int] = []
    filled = 0
    for i in samples:
        if batch and filled + items.count(i) > batch_size:
            yield batch
            batch, filled = [], 0
        batch.append(i)
        filled += items.count(i)
    if batch:
        yield batch


def raise_or_report(failed: Mapping[int, DataError], options: Options) -> None:
    """Raise the first of some failures unless they are to be reported."""
    if failed and options.unreadable == "error":
        raise next(iter(failed.values()))
