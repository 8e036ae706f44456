"""From the rows of a device to shards on disk, beside the computation of the next ones."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from torch import Tensor

from vlrb.encoders.batches import pool_rows
from vlrb.encoders.items import Items
from vlrb.encoders.shards import Shards
from vlrb.utils.errors import DataError


class Part(NamedTuple):
    """One batch of a shard.

    Attributes:
        samples: Its samples.
        counts: How many items each has.
        rows: Rows of all items (sum of counts, D), on the device.
        failed: Why further samples have none.
    """

    samples: list[int]
    counts: list[int]
    rows: Tensor
    failed: dict[int, DataError]


class ShardWriter:
    """Brings finished shards to the disk in a thread of its own, one behind the device.

    Args:
        items: What the samples hold.
        shards: Where rows go.
        pooling: How the rows of a sample's items become one.
    """

    def __init__(self, items: Items, shards: Shards, pooling: str) -> None:
        self.items, self.shards, self.pooling = items, shards, pooling
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None

    def put(self, parts: list[Part]) -> None:
        """Write a shard as soon as the one before is written."""
        self._wait()
        self._writing = self._thread.submit(self._write, parts)

    def close(self) -> None:
        """Wait for the last shard."""
        try:
            self._wait()
        finally:
            self.stop()

    def stop(self) -> None:
        """Take no more."""
        self._thread.shutdown()

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()

    def _write(self, parts: list[Part]) -> None:
        items = self.items
        rows = np.concatenate([pool_rows(part.rows.cpu().numpy(), part.counts, self.pooling) for part in parts])
        samples = [i for part in parts for i in part.samples]
        bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        if len(bad):
            name = items.ids[samples[int(bad[0])]]
            raise DataError(
                f"{len(bad)} of {len(rows)} rows have values that are not finite, the first is sample {name}",
                "precision=float32 for this encoder, if it is not",
            )
        unreadable = {items.keys[i]: error.message for part in parts for i, error in part.failed.items()}
        self.shards.write([items.keys[i] for i in samples], rows, unreadable)
