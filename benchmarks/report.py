"""The report over many runs at full size: seconds and bytes of the page.

    python benchmarks/report.py [--runs 100] [--samples 6108] [--datasets 14] [--keep FOLDER] [--profile]

Writes that many run folders (17 models, 20 routers × 5 λ, a dev split of half the size beside the test split) with
random outcomes of a plausible kind, then measures `make_leaderboard` and `write_leaderboard`, with every model's grades
and 60 single samples whose pictures are noise (the worst case for their size).
"""

import argparse
import cProfile
import json
import pstats
import tempfile
import time
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf
from PIL import Image

from vlrb.evaluation.decisions import decision_rows, reference_rows, write_decisions, write_references
from vlrb.evaluation.headline import headline_metrics
from vlrb.evaluation.landscape import single_models, write_landscape
from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.outcomes import Outcomes
from vlrb.report.grades import Grades
from vlrb.report.leaderboard import make_leaderboard
from vlrb.report.write import write_leaderboard
from vlrb.utils.files import write_json, write_text

GOAL_SECONDS, GOAL_BYTES = 20.0, 10_000_000
MODELS = 17
ROUTERS, LAMBDAS = 20, (0.0, 0.1, 0.25, 0.5, 1.0)
RESAMPLES = 2000
REFERENCES = ("oracle", "strongest_global", "cheapest_global", "strongest_per_dataset", "random")


def make_outcomes(n: int, datasets: int, seed: int) -> Outcomes:
    rng = np.random.default_rng(seed)
    ability, hardness = np.linspace(-1, 1.5, MODELS), rng.normal(0, 1.3, n)
    Y = (rng.random((n, MODELS)) < 1 / (1 + np.exp(hardness[:, None] - ability))).astype(np.float32)
    C = np.geomspace(1.6e-5, 1.6e-3, MODELS) * rng.lognormal(0, 0.3, (n, MODELS))
    means = C.mean(axis=0)
    names = tuple(f"dataset_{k:02d}" for k in range(datasets))
    return Outcomes(
        Y=Y,
        C=C,
        split_group=np.sort(rng.integers(0, max(n * 3 // 5, 1), n)),
        dataset=np.sort(rng.integers(0, datasets, n)),
        dataset_names=names,
        dataset_groups=tuple(("General", "STEM", "Charts & OCR")[k % 3] for k in range(datasets)),
        model_ids=tuple(f"model_{k:02d}" for k in range(MODELS)),
        bounds=CostBounds(float(means.min()), float(means.max()), "bounds"),
    )


def write_run(folder: Path, splits: dict[str, Outcomes], router: str, lam: float, noise: int) -> None:
    rng = np.random.default_rng([noise, 1])
    metrics: dict[str, object] = {}
    tables, references, landscape = [], [], {}
    for split, outcomes in splits.items():
        n = len(outcomes)
        scores = outcomes.Y * 0.4 + rng.random((n, MODELS)) - lam * outcomes.C / outcomes.C.mean() * 0.3
        decision = scores.argmax(axis=1)
        ids = np.array([f"{split}/{i}" for i in range(n)], dtype=object)
        found = headline_metrics(outcomes, decision, MODELS - 1, 0, 50)
        metrics |= {f"{split}/{key}": value for key, value in found.items()}
        tables.append(decision_rows(outcomes, ids, split, decision, scores, np.full((n, MODELS), 300.0), MODELS - 1))
        chosen = {name: rng.integers(0, MODELS, n) for name in REFERENCES}
        references += [reference_rows(outcomes, ids, split, name, rows) for name, rows in chosen.items()]
        landscape[split] = {"models": single_models(outcomes)}
    first = next(iter(splits.values()))
    data = {
        "dataset_name": "synthetic",
        "synthetic": False,
        "benchmark": "nowhere",
        "pricing": "made_up",
        "data_fingerprint": "data",
        "parts": {},
        "bounds": first.bounds.to_plain(),
        "model_ids": list(first.model_ids),
        "display_names": {model: model for model in first.model_ids},
        "dataset_groups": dict(zip(first.dataset_names, first.dataset_groups, strict=True)),
    }
    config = {"router_name": router, "lambda": {"value": lam}, "seed": 0, "resamples": RESAMPLES}
    folder.mkdir(parents=True)
    write_text(folder / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(config)))
    write_json(folder / "data.json", data)
    write_json(folder / "metrics.json", metrics)
    write_decisions(folder, tables)
    write_references(folder, references)
    write_landscape(folder, landscape)
    write_json(folder / "DONE", {})


def noise_picture(i: int) -> list[Image.Image]:
    pixels = np.random.default_rng(i).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    return [Image.fromarray(pixels)]


def make_runs(root: Path, runs: int, splits: dict[str, Outcomes]) -> list[Path]:
    folders = []
    for k in range(runs):
        router, lam = f"router_{k // len(LAMBDAS):02d}", LAMBDAS[k % len(LAMBDAS)]
        folders.append(root / router / f"{lam:g}-s0-{k:08d}")
        if not folders[-1].is_dir():
            write_run(folders[-1], splits, router, lam, k)
    return folders


def measure(folders: list[Path], out: Path, grades: Grades) -> dict[str, float]:
    started, cpu = time.perf_counter(), time.process_time()
    board = make_leaderboard(folders)
    made = time.perf_counter()
    write_leaderboard(board, out, grades=grades, samples=60)
    done = time.perf_counter()
    spent = time.process_time() - cpu
    size = (out / "leaderboard.html").stat().st_size
    return {
        "leaderboard_s": made - started,
        "write_s": done - made,
        "seconds": done - started,
        "cpu_s": spent,
        "page_bytes": size,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=ROUTERS * len(LAMBDAS))
    parser.add_argument("--samples", type=int, default=6108)
    parser.add_argument("--datasets", type=int, default=14)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    test, dev = (make_outcomes(n, given.datasets, seed) for n, seed in ((given.samples, 0), (given.samples // 2, 1)))
    with tempfile.TemporaryDirectory() as name:
        root = given.keep or Path(name)
        folders = make_runs(root / "runs", given.runs, {"dev": dev, "test": test})
        grades = Grades(
            test.Y, test.C, lambda i: f"Which of the models is right about sample {i}?\n" * 12, noise_picture
        )
        profiler = cProfile.Profile(time.process_time)
        found = profiler.runcall(measure, folders, root / "report", grades) if given.profile else None
        found = found or measure(folders, root / "report", grades)
        if given.profile:
            pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
    found |= {"goal_seconds": GOAL_SECONDS, "goal_bytes": GOAL_BYTES}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
