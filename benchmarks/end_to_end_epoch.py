"""Training epoch of `vlc` with the shapes of lxmert_tiny: through Trainer and DataModule against a bare torch loop.

    python benchmarks/end_to_end_epoch.py [--samples 512] [--repeats 5] [--batch-size 32] [--accumulate 1]

Both do the same arithmetic on the same batches, which lie in memory: forward, soft-target cross-entropy, backward,
clipping, AdamW, schedule. They run alternately, so that other load on the machine meets both; the ratio of the medians
is the figure to look at. Reading and decoding pictures is measured elsewhere.
"""

import argparse
import logging
import statistics
import time
from collections.abc import Sequence
from types import SimpleNamespace

import lightning as L
import numpy as np
import torch
import yaml
from torch import Tensor

from vlrb.data.batch import Batch
from vlrb.data.datamodule import BenchmarkDataModule
from vlrb.data.sampling import epoch_order
from vlrb.data.tradeoff import TradeOff
from vlrb.metrics.bounds import CostBounds
from vlrb.routers.base import soft_cross_entropy
from vlrb.routers.optimizer import layered_adamw
from vlrb.routers.progress import TrainingProgress
from vlrb.routers.recipe import Recipe
from vlrb.routers.schedule import scheduled
from vlrb.routers.vlc import VLCRouter
from vlrb.utils.cli import ROOT
from vlrb.utils.instantiate import build

GOAL = 1.15
MODELS, TOKENS, SEED = 17, 64, 0
ENCODER = yaml.safe_load((ROOT / "conf" / "encoder" / "lxmert_tiny.yaml").read_text(encoding="utf-8"))


class InMemory:
    """Prepared inputs of all samples: one slice per batch."""

    dim = 0

    def __init__(self, n: int) -> None:
        draw, side = torch.Generator().manual_seed(SEED), ENCODER["backbone"]["pictures"]["size"]
        self.tensors = {
            "text_ids": torch.randint(5, 2048, (n, TOKENS), generator=draw),
            "text_mask": torch.ones(n, TOKENS, dtype=torch.bool),
            "pixels": torch.randint(0, 256, (n, 1, 3, side, side), generator=draw, dtype=torch.uint8),
            "extent": torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(n, 1, 4).contiguous(),
            "picture_mask": torch.ones(n, 1, dtype=torch.bool),
        }

    def at(self, rows: np.ndarray, sample_ids: Sequence[str]) -> "InMemory":
        """Return itself: rows are those of the view."""
        return self

    def fetch(self, index: Tensor) -> dict[str, Tensor]:
        """Return the inputs of some rows."""
        return {name: tensor[index] for name, tensor in self.tensors.items()}


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


def make_router(recipe: Recipe) -> VLCRouter:
    backbone = build(ENCODER["backbone"], "encoder.backbone")
    backbone.learn_text(["the ids are drawn, but the backbone wants a tokenizer"])
    return VLCRouter().attach(backbone, recipe)


class EpochTimes(L.Callback):
    """Wall-clock seconds of every epoch."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_train_epoch_start(self, *_: object) -> None:  # noqa: D102
        self.started = time.perf_counter()

    def on_train_epoch_end(self, *_: object) -> None:  # noqa: D102
        self.seconds.append(time.perf_counter() - self.started)


def through_trainer(data: BenchmarkDataModule, recipe: Recipe, accumulate: int) -> float:
    """Return seconds of one epoch (the second, after one to warm up) through the Trainer."""
    times = EpochTimes()
    trainer = L.Trainer(
        accelerator="cpu",
        max_epochs=2,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        accumulate_grad_batches=accumulate,
        callbacks=[times, TrainingProgress()],
    )
    trainer.fit(make_router(recipe).bind(data.spec), datamodule=data)
    return times.seconds[1]


def bare_loop(whole: Batch, data: BenchmarkDataModule, recipe: Recipe, accumulate: int) -> float:
    """Return seconds of one epoch (the second) of a plain torch loop."""
    router = make_router(recipe).bind(data.spec)
    optimizer = layered_adamw(router, router.backbone, recipe)
    n, seconds = len(whole["index"]), 0.0
    schedule = scheduled(optimizer, recipe, 2 * -(-n // recipe.batch_size))
    trainable = [p for p in router.parameters() if p.requires_grad]
    for epoch in range(2):
        started = time.perf_counter()
        for k, index in enumerate(epoch_order(n, SEED, epoch).split(recipe.batch_size)):
            batch = {name: column[index] for name, column in whole.items()}
            loss = soft_cross_entropy(router(batch), batch["targets"], batch["weight"])
            (loss / accumulate).backward()
            if (k + 1) % accumulate == 0:
                torch.nn.utils.clip_grad_norm_(trainable, recipe.gradient_clip)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
        seconds = time.perf_counter() - started
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="vlc epoch: Trainer + DataModule against a bare torch loop")
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--accumulate", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    recipe = Recipe(batch_size=options.batch_size, max_epochs=2)
    inputs = InMemory(options.samples)
    settings = make_router(recipe).batch_settings(SEED)
    data = BenchmarkDataModule(make_view(options.samples), {"raw": inputs}, TradeOff(0.5), settings)
    parts = list(data.split_batches("train"))
    whole = Batch(**{key: torch.cat([part[key] for part in parts]) for key in parts[0]})  # type: ignore[typeddict-item]
    ours, bare = [], []
    for _ in range(options.repeats):
        bare.append(bare_loop(whole, data, recipe, options.accumulate))
        ours.append(through_trainer(data, recipe, options.accumulate))
    ratio = statistics.median(ours) / statistics.median(bare)
    print(f"{options.samples} samples, batch {options.batch_size}, {torch.get_num_threads()} threads")
    print(f"{'':24}{'median s':>10}{'min s':>10}{'max s':>10}")
    for label, seconds in (("bare torch loop", bare), ("Trainer + DataModule", ours)):
        print(f"{label:24}{statistics.median(seconds):>10.3f}{min(seconds):>10.3f}{max(seconds):>10.3f}")
    print(f"{'ratio':24}{ratio:>10.3f}   goal ≤ {GOAL}   {'met' if ratio <= GOAL else 'MISSED'}")


if __name__ == "__main__":
    main()
