"""Throughput: what is timed, what is not."""

import time

import numpy as np
import pytest

from vlrb.evaluation.throughput import measure_throughput


def test_warm_up_is_not_counted_and_every_batch_is_small() -> None:
    seen: list[int] = []

    def decide(rows: np.ndarray) -> None:
        seen.append(len(rows))
        time.sleep(0.2 if len(seen) <= 2 else 0.01)  # slow until warm

    found = measure_throughput(decide, np.full(40, 100.0), batch_size=16, warmup=2)
    assert seen == [16, 16, 16, 16, 8]
    assert found is not None
    assert found.samples == 40
    assert 0.03 <= found.seconds < 0.2
    assert found.tokens_per_second == pytest.approx(4000 / found.seconds)
    assert found.queries_per_second == pytest.approx(40 / found.seconds)


def test_only_the_timed_samples_count() -> None:
    found = measure_throughput(lambda rows: None, np.arange(1000.0), batch_size=10, warmup=1, batches=3)
    assert found is not None
    assert found.samples == 30
    assert found.tokens_per_second * found.seconds == pytest.approx(np.arange(30).sum())


def test_a_device_is_waited_for_before_the_clock_is_read() -> None:
    waits: list[float] = []
    measure_throughput(lambda rows: None, np.ones(4), warmup=0, synchronize=lambda: waits.append(time.perf_counter()))
    assert len(waits) == 2


def test_no_samples() -> None:
    assert measure_throughput(lambda rows: None, np.zeros(0)) is None
