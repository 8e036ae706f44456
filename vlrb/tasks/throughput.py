"""How fast a run's router decides: alone (inputs ready), and with reading and encoding prompts and pictures."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from vlrb.benchmark.store import Benchmark
from vlrb.benchmark.view import BenchmarkView
from vlrb.data.batch import Batch
from vlrb.encoders.precomputed import PrecomputedFeatures
from vlrb.encoders.torch_encoder import TorchEncoder
from vlrb.evaluation.throughput import Throughput, measure_throughput
from vlrb.routers.end_to_end import is_end_to_end
from vlrb.schema import PROMPT, TEST
from vlrb.tasks.build import build_encoders
from vlrb.tasks.fit import Fitted
from vlrb.tasks.opened import OF_VIEW, shared
from vlrb.utils.config import Plain

BATCH = 16
WARMUP = 5
BATCHES = 50
BATCHES_WITH_ENCODER = 20
SPEED_KEYS = ("throughput_", "queries_per_second_")  # how the names of these figures begin


def throughput_metrics(config: Plain, benchmark: Benchmark, view: BenchmarkView, fitted: Fitted) -> dict[str, Any]:
    """Return `throughput_router` and `throughput_total` (input tokens per second) with queries per second beside them.

    Tokens are the mean over the pool of a sample's input tokens (prompt and pictures); model time never counts.
    """
    rows = view.members(TEST)
    tokens = view.tokens_in[rows].mean(axis=1)
    if is_end_to_end(fitted.router):
        with _on_its_device(fitted):
            router, total = _end_to_end(fitted, tokens)
    else:
        router, total = _on_features(config, benchmark, view, fitted, tokens)
    return _flat("router", router) | _flat("total", total)


def _end_to_end(fitted: Fitted, tokens: np.ndarray) -> tuple[Throughput | None, Throughput | None]:
    """Time deciding on batches in memory, and reading, decoding, tokenising and deciding one after the other.

    Pictures of the test split are never kept in memory (see `tasks.backbone.raw_inputs`), so all of it is work.
    """
    ready = _decider(fitted, prepared=_prepared(fitted, len(tokens)))
    router = measure_throughput(ready, tokens, BATCH, WARMUP, BATCHES_WITH_ENCODER, _wait(fitted))
    total = measure_throughput(_decider(fitted), tokens, BATCH, 1, BATCHES_WITH_ENCODER, _wait(fitted))
    return router, total


def _on_features(
    config: Plain, benchmark: Benchmark, view: BenchmarkView, fitted: Fitted, tokens: np.ndarray
) -> tuple[Throughput | None, Throughput | None]:
    """Time deciding on features, and reading and encoding before it; the latter is None if others made the features."""
    router = measure_throughput(_decider(fitted), tokens, BATCH, WARMUP, BATCHES, _wait(fitted))
    encoders = build_encoders(config) if "features" in fitted.router.inputs else {}
    if any(isinstance(encoder, PrecomputedFeatures) for encoder in encoders.values()):
        return router, None
    if not encoders:
        return router, router

    def encode() -> Throughput | None:
        _load(encoders, fitted)
        work = _encoder(encoders, benchmark, view.rows[view.members(TEST)])
        return measure_throughput(work, tokens, BATCH, 1, BATCHES_WITH_ENCODER, _wait(fitted))

    # Reading and encoding does not depend on the router: the jobs of a sweep in one process time it once.
    encoding = shared("time of encoding", config, (*OF_VIEW, "encoder", "trainer"), encode)
    return router, one_after_the_other(encoding, router)


@contextmanager
def _on_its_device(fitted: Fitted) -> Iterator[None]:
    """Move a router to the Trainer's device while it is timed: after each use the Trainer moves it back to the host."""
    before = fitted.router.device
    fitted.router.to(fitted.decider.strategy.root_device)
    try:
        with fitted.decider.precision_plugin.forward_context():
            yield
    finally:
        fitted.router.to(before)


def _decider(fitted: Fitted, prepared: Mapping[int, Batch] | None = None) -> Callable[[np.ndarray], object]:
    """Return a function that decides on test samples; batches in `prepared`, by first position, are not read again."""
    data = fitted.data.decision_data(TEST)
    router = fitted.router.eval()

    @torch.inference_mode()
    def decide(positions: np.ndarray) -> object:
        if prepared is not None:
            batch = prepared[int(positions[0])]
        else:
            batch = data.rows(torch.from_numpy(positions))
            if router.device.type != "cpu":
                batch = router.transfer_batch_to_device(batch, router.device, 0)
        return router.decide(router.predict_step(batch))

    return decide


def _prepared(fitted: Fitted, n: int) -> dict[int, Batch]:
    """Return the test batches that are timed, read and decoded, on the router's device, by first position."""
    data, router = fitted.data.decision_data(TEST), fitted.router
    firsts = range(0, min(n, BATCH * max(WARMUP, BATCHES_WITH_ENCODER)), BATCH)
    batches = {first: data.rows(torch.arange(first, min(first + BATCH, n))) for first in firsts}
    return {first: router.transfer_batch_to_device(batch, router.device, 0) for first, batch in batches.items()}


def _load(encoders: Mapping[str, Any], fitted: Fitted) -> None:
    """Load networks before the clock starts, and move them to the Trainer's device."""
    for encoder in encoders.values():
        if isinstance(encoder, TorchEncoder):
            encoder.load()
            encoder.to(fitted.decider.strategy.root_device)


def _encoder(encoders: Mapping[str, Any], benchmark: Benchmark, rows: np.ndarray) -> Callable[[np.ndarray], None]:
    """Return a function that reads and encodes prompts and pictures of a batch."""
    text, vision = encoders["text"], encoders["vision"]
    prompts = benchmark.samples[PROMPT].to_numpy(dtype=object)
    pictures = benchmark.pictures()

    def work(positions: np.ndarray) -> None:
        at = rows[positions]
        if text is not None:
            text.encode(prompts[at].tolist())
        if vision is not None:
            images = [image for i in at.tolist() for image in pictures.load(i)]
            if images:
                vision.encode(images)

    return work


def one_after_the_other(first: Throughput | None, second: Throughput | None) -> Throughput | None:
    """Return the throughput of two steps that follow one another: the times that a sample takes in each add up.

    >>> step = Throughput(tokens_per_second=600.0, queries_per_second=2.0, samples=20, seconds=10.0, batch_size=16)
    >>> one_after_the_other(step, step).queries_per_second
    1.0
    """
    if first is None or second is None:
        return None
    slower = 1 + first.queries_per_second / second.queries_per_second
    return first._replace(
        tokens_per_second=first.tokens_per_second / slower,
        queries_per_second=first.queries_per_second / slower,
        seconds=first.seconds * slower,
    )


def _wait(fitted: Fitted) -> Callable[[], None] | None:
    return torch.cuda.synchronize if fitted.router.device.type == "cuda" else None


def _flat(name: str, found: Throughput | None) -> dict[str, Any]:
    if found is None:
        return {f"throughput_{name}": None, f"queries_per_second_{name}": None}
    tokens = found.tokens_per_second if math.isfinite(found.tokens_per_second) else None  # input tokens unknown
    return {f"throughput_{name}": tokens, f"queries_per_second_{name}": found.queries_per_second}
