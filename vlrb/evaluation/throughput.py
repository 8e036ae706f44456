"""Throughput of deciding: input tokens of the decided samples per wall-clock second. Never the models' own time."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Throughput(NamedTuple):
    """What one measurement gave.

    Attributes:
        tokens_per_second: Input tokens (prompt and pictures) of the timed samples ÷ seconds.
        queries_per_second: Timed samples ÷ seconds; comparable across ways of counting tokens.
        samples: Timed samples.
        seconds: Wall-clock seconds.
        batch_size: Samples decided at a time.
    """

    tokens_per_second: float
    queries_per_second: float
    samples: int
    seconds: float
    batch_size: int


def measure_throughput(
    decide: Callable[[np.ndarray], object],
    tokens: np.ndarray,
    batch_size: int = 16,
    warmup: int = 5,
    batches: int = 50,
    synchronize: Callable[[], None] | None = None,
) -> Throughput | None:
    """Time decisions in small batches, after a few that are not counted.

    Args:
        decide: Decides on samples, given their indices (b,); it does everything that is to be timed.
        tokens: (n,) input tokens of each sample.
        batch_size: Samples at a time.
        warmup: Batches before the clock starts.
        batches: Batches on the clock; with fewer samples the set is gone through once.
        synchronize: Waits for a device's queue (e.g. `torch.cuda.synchronize`); called before the clock is read.

    Returns:
        None if there are no samples.
    """
    n = len(tokens)
    if not n:
        return None
    pieces = [np.arange(first, min(first + batch_size, n)) for first in range(0, n, batch_size)]
    for k in range(warmup):
        decide(pieces[k % len(pieces)])
    timed = pieces[:batches]
    wait = synchronize or _nothing
    wait()
    started = time.perf_counter()
    for piece in timed:
        decide(piece)
    wait()
    seconds = max(time.perf_counter() - started, 1e-9)
    samples = int(sum(map(len, timed)))
    return Throughput(float(np.sum(tokens[:samples])) / seconds, samples / seconds, samples, seconds, batch_size)


def _nothing() -> None:
    """Do nothing: a CPU has no queue to wait for."""
