"""One decision from ready features, for every parametric router: median and 95th percentile of batch 1 and batch 16.

    python benchmarks/decision.py [--samples 21378] [--dim 1792] [--models 17] [--decisions 2000] [--router ovr …]

Routers are found by listing conf/router; those that search their training samples (they have a benchmark of their own)
and those that read no features are left out. Each is fitted on random features and outcomes first, in a process of its
own, so that seconds and peak memory of fitting (features and outcomes included) belong to it alone; gradient routers
take one epoch. Two threads at most.
"""

import argparse
import json
import logging
import resource
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning as L
import numpy as np
import torch
from omegaconf import OmegaConf

from vlrb.data.datamodule import BenchmarkDataModule
from vlrb.data.sources import FusedFeatures
from vlrb.data.tradeoff import TradeOff
from vlrb.metrics.bounds import CostBounds
from vlrb.routers.base import RouterModule
from vlrb.utils.cli import ROOT
from vlrb.utils.instantiate import build, locate

GOAL_MS = 1.0
DEV = 256
SEED = 0
FOLDER = Path(ROOT) / "conf" / "router"


def node_of(name: str) -> dict[str, Any]:
    node = OmegaConf.load(FOLDER / f"{name}.yaml")
    bases = [node_of(base) for base in node.pop("defaults", []) if base != "_self_"]
    return OmegaConf.to_container(OmegaConf.merge(*bases, node), resolve=True)  # type: ignore[return-value]


def parametric_routers() -> list[str]:
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        router = locate(str(node_of(path.stem)["_target_"]), "router")
        if "features" in router.inputs and not router.shared_buffers:  # type: ignore[attr-defined]
            found.append(path.stem)
    return found


def make_data(router: RouterModule, n: int, dim: int, models: int) -> BenchmarkDataModule:
    """Features with a little signal, so that optimisers have something to do."""
    rng = np.random.default_rng(SEED)
    rows = n + DEV
    text, vision = (rng.standard_normal((rows, width), dtype=np.float32) for width in (dim // 2, dim - dim // 2))
    hidden = text[:, :8] @ rng.standard_normal((8, models), dtype=np.float32) / 4 + np.linspace(-1, 1.5, models)
    view = SimpleNamespace(
        rows=np.arange(rows),
        sample_ids=np.array([f"random/{i}" for i in range(rows)]),
        model_ids=tuple(f"model-{m}" for m in range(models)),
        Y=(rng.random((rows, models)) < 1 / (1 + np.exp(-hidden))).astype(np.float32),
        C=rng.uniform(1e-5, 1e-3, (rows, models)),
        split=np.array(["train"] * n + ["dev"] * DEV),
        dataset=np.zeros(rows, dtype=np.int64),
        split_group=np.arange(rows),
        dataset_names=("random",),
        bounds=CostBounds(1e-5, 1e-3, "random"),
        fingerprint="random",
    )
    sources = {"features": FusedFeatures(text, vision, lambda t, v: torch.cat([t, v], dim=1))}
    return BenchmarkDataModule(view, sources, TradeOff(0.5), router.batch_settings(SEED))


def fit(router: RouterModule, data: BenchmarkDataModule) -> float:
    router.bind(data.spec)
    trainer = L.Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
    )
    started = time.perf_counter()
    trainer.fit(router, datamodule=data)
    return time.perf_counter() - started


def decision_times(router: RouterModule, data: BenchmarkDataModule, batch_size: int, decisions: int) -> list[float]:
    """Milliseconds of scores and choice of each batch, after some to warm up."""
    asked = data.decision_data("dev")
    batches = [asked.rows(torch.arange(i, i + batch_size)) for i in range(0, DEV - batch_size + 1, batch_size)]
    found = []
    with torch.inference_mode():
        for k in range(50 + decisions):
            batch = batches[k % len(batches)]
            started = time.perf_counter()
            router.decide(router(batch))
            found.append(1e3 * (time.perf_counter() - started))
    return found[50:]


def measure(name: str, options: argparse.Namespace) -> dict[str, float]:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    torch.set_num_threads(min(2, torch.get_num_threads()))
    router = build(node_of(name), "router")
    data = make_data(router, options.samples, options.dim, options.models)
    seconds = fit(router, data)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform != "darwin" else 2**30)
    row = {"fit_s": seconds, "peak_gib": peak}
    router.eval()
    for size in (1, 16):
        times = decision_times(router, data, size, options.decisions)
        row |= {f"median_{size}": statistics.median(times), f"p95_{size}": float(np.percentile(times, 95))}
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description="milliseconds of one decision of each parametric router")
    parser.add_argument("--samples", type=int, default=21_378)
    parser.add_argument("--dim", type=int, default=1_792)
    parser.add_argument("--models", type=int, default=17)
    parser.add_argument("--decisions", type=int, default=2_000)
    parser.add_argument("--router", nargs="*", help="only these")
    parser.add_argument("--measure", help=argparse.SUPPRESS)  # one router, in this process
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options)))
        return
    print(f"{options.samples} × {options.dim} × {options.models}; ms of a batch; goal: median of 1 ≤ {GOAL_MS}")
    print(f"{'router':22}{'fit s':>8}{'GiB':>6}{'1: median':>11}{'p95':>8}{'16: median':>12}{'p95':>8}")
    sizes = [f"--{key}={getattr(options, key)}" for key in ("samples", "dim", "models", "decisions")]
    for name in options.router or parametric_routers():
        command = [sys.executable, __file__, *sizes, f"--measure={name}"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        row = json.loads(done.stdout.splitlines()[-1])
        verdict = "met" if row["median_1"] <= GOAL_MS else "MISSED"
        times = f"{row['median_1']:>11.3f}{row['p95_1']:>8.3f}{row['median_16']:>12.3f}{row['p95_16']:>8.3f}"
        print(f"{name:22}{row['fit_s']:>8.1f}{row['peak_gib']:>6.2f}{times}   {verdict}", flush=True)


if __name__ == "__main__":
    main()
