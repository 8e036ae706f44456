"""Training epoch of `mlp`: through Trainer and DataModule against a bare torch loop over the same tensors.

    python benchmarks/train_epoch.py [--samples 21378] [--dim 1792] [--repeats 7]

Both do the same arithmetic in the same order of batches: forward, soft-target cross-entropy, backward, AdamW. They run
alternately, so that other load on the machine meets both; the ratio of the medians is the figure to look at.
"""

import argparse
import logging
import statistics
import time
from types import SimpleNamespace

import lightning as L
import numpy as np
import torch

from vlrb.data.batch import Batch
from vlrb.data.datamodule import BatchSettings, BenchmarkDataModule
from vlrb.data.sampling import epoch_order
from vlrb.data.sources import FusedFeatures
from vlrb.data.tradeoff import TradeOff
from vlrb.metrics.bounds import CostBounds
from vlrb.routers.base import soft_cross_entropy
from vlrb.routers.mlp import MLPRouter
from vlrb.routers.progress import TrainingProgress

GOAL = 1.25
MODELS = 17
SEED = 0


def make_view(n: int) -> SimpleNamespace:
    rng = np.random.default_rng(SEED)
    return SimpleNamespace(
        rows=np.arange(n),
        sample_ids=np.array([f"random/{i}" for i in range(n)]),
        model_ids=tuple(f"model-{m}" for m in range(MODELS)),
        Y=(rng.random((n, MODELS)) < 0.6).astype(np.float32),
        C=rng.uniform(1e-5, 1e-3, (n, MODELS)),
        split=np.full(n, "train"),
        dataset=np.zeros(n, dtype=np.int64),
        split_group=np.arange(n),
        dataset_names=("random",),
        bounds=CostBounds(1e-5, 1e-3, "random"),
        fingerprint="random",
    )


def make_data(n: int, dim: int, batch_size: int) -> BenchmarkDataModule:
    rng = np.random.default_rng(SEED)
    text, vision = (rng.standard_normal((n, width), dtype=np.float32) for width in (dim // 2, dim - dim // 2))
    features = FusedFeatures(text, vision, lambda t, v: torch.cat([t, v], dim=1))
    settings = BatchSettings(frozenset({"features"}), batch_size=batch_size, seed=SEED)
    return BenchmarkDataModule(make_view(n), {"features": features}, TradeOff(0.5), settings)


class EpochTimes(L.Callback):
    """Wall-clock seconds of every epoch."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_train_epoch_start(self, *_: object) -> None:  # noqa: D102
        self.started = time.perf_counter()

    def on_train_epoch_end(self, *_: object) -> None:  # noqa: D102
        self.seconds.append(time.perf_counter() - self.started)


def through_trainer(data: BenchmarkDataModule, batch_size: int) -> float:
    """Return seconds of one epoch (the second, after one to warm up) through the Trainer."""
    router = MLPRouter(batch_size=batch_size, max_epochs=2).bind(data.spec)
    times = EpochTimes()
    trainer = L.Trainer(
        accelerator="cpu",
        max_epochs=2,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        callbacks=[times, TrainingProgress()],
    )
    trainer.fit(router, datamodule=data)
    return times.seconds[1]


def bare_loop(whole: Batch, data: BenchmarkDataModule, batch_size: int) -> float:
    """Return seconds of one epoch (the second) of a plain torch loop."""
    router = MLPRouter(batch_size=batch_size, max_epochs=2).bind(data.spec)
    optimizer = router.configure_optimizers()
    seconds = 0.0
    for epoch in range(2):
        started = time.perf_counter()
        for index in epoch_order(len(whole["index"]), SEED, epoch).split(batch_size):
            features = {"features": whole["features"][index]}
            loss = soft_cross_entropy(router(features), whole["targets"][index], whole["weight"][index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds = time.perf_counter() - started
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="mlp epoch: Trainer + DataModule against a bare torch loop")
    parser.add_argument("--samples", type=int, default=21_378)
    parser.add_argument("--dim", type=int, default=1_792)
    parser.add_argument("--batch-size", type=int, default=1_024)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    data = make_data(options.samples, options.dim, options.batch_size)
    whole = merged(data)
    ours, bare = [], []
    for _ in range(options.repeats):
        bare.append(bare_loop(whole, data, options.batch_size))
        ours.append(through_trainer(data, options.batch_size))
    ratio = statistics.median(ours) / statistics.median(bare)
    print(f"{options.samples} × {options.dim}, batch {options.batch_size}, {torch.get_num_threads()} threads")
    print(f"{'':24}{'median s':>10}{'min s':>10}{'max s':>10}")
    for label, seconds in (("bare torch loop", bare), ("Trainer + DataModule", ours)):
        print(f"{label:24}{statistics.median(seconds):>10.3f}{min(seconds):>10.3f}{max(seconds):>10.3f}")
    print(f"{'ratio':24}{ratio:>10.3f}   goal ≤ {GOAL}   {'met' if ratio <= GOAL else 'MISSED'}")


def merged(data: BenchmarkDataModule) -> Batch:
    """Return the whole training split as one batch in memory."""
    parts = list(data.fitting_batches())
    return Batch(**{key: torch.cat([part[key] for part in parts]) for key in parts[0]})  # type: ignore[typeddict-item]


if __name__ == "__main__":
    main()
