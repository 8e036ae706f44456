"""A small demo with trained routers of every kind of input, and what they decided on its test samples."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

import vlrb
from vlrb.benchmark.store import Benchmark
from vlrb.utils.cli import run_script

SMALL = {
    "utility": ["router.hidden=[16]", "router.members=2", "router.max_epochs=4", "router.lr=0.005"],
    "knn": [],
    "strongest_per_dataset": [],
    "vlc": ["encoder=clip_tiny", "encoder.training.max_epochs=1", "encoder.workers=0"],
}


class Runs(dict[str, Path]):
    """Run folders by router, on 14 × 12 samples; each is trained when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def __missing__(self, name: str) -> Path:
        shared = ["dataset.samples_per_dataset=12", "resamples=10", "trainer=cpu", "lambda=0.5", f"router={name}"]
        shared += [f"paths.data_dir={self.folder / 'data'}", f"paths.runs_dir={self.folder / 'runs'}"]
        with pytest.MonkeyPatch.context() as patch:  # tables, plots and timings are not what is looked at here
            patch.setattr("vlrb.report.write.write_leaderboard", lambda *_: None)
            patch.setattr("vlrb.tasks.results.throughput_metrics", lambda *_: {})
            patch.setattr("vlrb.tasks.results.write_reliability", lambda *_: None)
            patch.setattr("vlrb.tasks.train._show", lambda *_: None)
            assert run_script("train", [*shared, *SMALL[name]]) == 0
        self[name] = next((self.folder / "runs" / "demo" / name).iterdir())
        return self[name]


class Trained(NamedTuple):
    """Run folders by router, and where the benchmark lies."""

    runs: Runs
    benchmark: Path


class Asked(NamedTuple):
    """The test samples of the benchmark as questions, and what a run decided on them."""

    queries: list[vlrb.Query]
    decided: pd.DataFrame


def asked(trained: Trained, name: str) -> Asked:
    """Return the questions of the test split, pictures as Pillow pictures, and a run's stored decisions."""
    table = pd.read_parquet(trained.runs[name] / "decisions.parquet")
    table = table[table["split"] == "test"].reset_index(drop=True)
    benchmark = Benchmark.open(trained.benchmark)
    pictures = benchmark.pictures()
    row = {sample_id: i for i, sample_id in enumerate(benchmark.samples["sample_id"])}
    samples = benchmark.samples.loc[[row[s] for s in table["sample_id"]]]
    queries = [
        vlrb.Query(prompt, pictures.load(row[sample_id]), dataset, sample_id)
        for prompt, dataset, sample_id in zip(samples["prompt"], samples["dataset"], samples["sample_id"], strict=True)
    ]
    return Asked(queries, table)
