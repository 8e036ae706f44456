"""How fast a run's router decides: alone (inputs ready), and with reading and encoding prompts and pictures."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from vlrb.benchmark.store import Benchmark
from vlrb.benchmark.view import BenchmarkView
from vlrb.encoders.precomputed import PrecomputedFeatures
from vlrb.encoders.torch_encoder import TorchEncoder
from vlrb.evaluation.throughput import Throughput, measure_throughput
from vlrb.schema import PROMPT, TEST
from vlrb.tasks.fit import Fitted
from vlrb.utils.config import Plain
from vlrb.utils.instantiate import TARGET, build, locate

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
    router = measure_throughput(_decider(fitted), tokens, BATCH, WARMUP, BATCHES, _wait(fitted))
    total: Throughput | None = router
    if "features" in fitted.router.inputs and _reads_files(config):
        total = None  # features that were made elsewhere: nothing to time
    elif "features" in fitted.router.inputs:
        encoders = _encoders(config, fitted)
        work = _with_encoders(encoders, benchmark, view.rows[rows], _decider(fitted))
        total = measure_throughput(work, tokens, BATCH, 1, BATCHES_WITH_ENCODER, _wait(fitted))
    return _flat("router", router) | _flat("total", total)


def _reads_files(config: Plain) -> bool:
    nodes = [config["encoder"].get(kind) for kind in ("text", "vision")]
    return any(locate(str(node[TARGET]), "encoder") is PrecomputedFeatures for node in nodes if node)


def _decider(fitted: Fitted) -> Callable[[np.ndarray], object]:
    data = fitted.data.decision_data(TEST)
    router = fitted.router.eval()

    @torch.inference_mode()
    def decide(positions: np.ndarray) -> object:
        return router.decide(router.predict_step(data.rows(torch.from_numpy(positions))))

    return decide


class _Encoders(NamedTuple):
    """Encoders of prompts and of pictures, as far as there are any."""

    text: Any
    vision: Any


def _encoders(config: Plain, fitted: Fitted) -> _Encoders:
    """Build the encoders; networks are loaded now, before the clock starts, and moved to the Trainer's device."""
    nodes = [config["encoder"].get(kind) for kind in _Encoders._fields]
    built = [
        build(node, f"encoder.{kind}") if node else None for kind, node in zip(_Encoders._fields, nodes, strict=True)
    ]
    for encoder in built:
        if isinstance(encoder, TorchEncoder):
            encoder.load()
            encoder.to(fitted.decider.strategy.root_device)
    return _Encoders(*built)


def _with_encoders(
    encoders: _Encoders, benchmark: Benchmark, rows: np.ndarray, decide: Callable[[np.ndarray], object]
) -> Callable[[np.ndarray], object]:
    """Return a function that reads and encodes prompts and pictures of a batch before deciding on it."""
    text, vision = encoders
    prompts = benchmark.samples[PROMPT].to_numpy(dtype=object)
    pictures = benchmark.pictures()

    def work(positions: np.ndarray) -> object:
        at = rows[positions]
        if text is not None:
            text.encode(prompts[at].tolist())
        if vision is not None:
            images = [image for i in at.tolist() for image in pictures.load(i)]
            if images:
                vision.encode(images)
        return decide(positions)

    return work


def _wait(fitted: Fitted) -> Callable[[], None] | None:
    return torch.cuda.synchronize if fitted.router.device.type == "cuda" else None


def _flat(name: str, found: Throughput | None) -> dict[str, Any]:
    if found is None:
        return {f"throughput_{name}": None, f"queries_per_second_{name}": None}
    tokens = found.tokens_per_second if math.isfinite(found.tokens_per_second) else None  # input tokens unknown
    return {f"throughput_{name}": tokens, f"queries_per_second_{name}": found.queries_per_second}
