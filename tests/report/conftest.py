"""Run folders made from the demo's latent model, without pictures, encoders or training."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from omegaconf import OmegaConf

from vlrb.demo import constants as k
from vlrb.demo.latent import draw_dataset
from vlrb.demo.population import correct_probability, expected_output_tokens
from vlrb.evaluation.decisions import decision_rows, reference_rows, write_decisions, write_references
from vlrb.evaluation.headline import headline_metrics
from vlrb.evaluation.landscape import single_models, write_landscape
from vlrb.evaluation.runner_up import runner_up, with_runner_up
from vlrb.metrics.baselines import best_single, oracle_decision
from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.outcomes import Outcomes
from vlrb.report.truth import Truth, expected_metrics, truth_landscape
from vlrb.schema import CONFIG_FILE, DATA_FILE, DONE_FILE, METRICS_FILE
from vlrb.utils.files import write_json, write_text

RESAMPLES = 200
INPUT_TOKENS = 301.0


class World(NamedTuple):
    """Outcomes and truth of a small synthetic benchmark."""

    Y: np.ndarray
    C: np.ndarray
    truth: Truth
    dataset: np.ndarray
    group: np.ndarray
    split: np.ndarray
    bounds: CostBounds


def make_world(samples: int = 24, seed: int = 0) -> World:
    draws = [draw_dataset(number, samples, seed) for number in range(len(k.DATASETS))]
    codes = np.concatenate([draw.codes for draw in draws])
    price = np.array([model.price for model in k.MODELS]) / 1e6
    Y = np.concatenate([draw.correct for draw in draws]).astype(float)
    C = INPUT_TOKENS * price[:, 0] + np.concatenate([draw.output_tokens for draw in draws]) * price[:, 1]
    expected = INPUT_TOKENS * price[:, 0] + expected_output_tokens(codes[:, 1]) * price[:, 1]
    group = np.concatenate([number * 10_000 + draw.picture for number, draw in enumerate(draws)])
    dataset = np.repeat(np.arange(len(draws)), samples)
    u = np.random.default_rng(seed).random(group.max() + 1)[group]
    split = np.where(u < 0.3, "test", np.where(u < 0.4, "dev", "train"))
    means = C.mean(axis=0)
    bounds = CostBounds(float(means.min()), float(means.max()), "bounds")
    return World(Y, C, Truth(correct_probability(codes), expected), dataset, group, split, bounds)


def outcomes_of(world: World, rows: np.ndarray) -> Outcomes:
    return Outcomes(
        Y=world.Y[rows],
        C=world.C[rows],
        split_group=world.group[rows],
        dataset=world.dataset[rows],
        dataset_names=tuple(mix.name for mix in k.DATASETS),
        dataset_groups=tuple("General" if i < 6 else "STEM" if i < 10 else "Charts & OCR" for i in range(14)),
        model_ids=k.MODEL_IDS,
        bounds=world.bounds,
    )


def write_run(
    folder: Path, world: World, router: str = "mlp", lam: float = 0.5, seed: int = 0, resamples: int = RESAMPLES
) -> Path:
    """Write a finished run of a router that sees a noisy version of the truth."""
    rng = np.random.default_rng([seed, len(router)])
    noise = {"linear": 0.9, "knn": 0.6}.get(router, 0.35)
    scores = world.truth.p + noise * 0.25 * rng.standard_normal(world.Y.shape)
    scores -= lam * 0.2 * world.C / world.C.mean()
    decision = scores.argmax(axis=1)
    train = world.split == "train"
    best = best_single(world.Y[train], world.C[train])
    own = [train & (world.dataset == code) for code in range(len(k.DATASETS))]
    per_dataset = [best_single(world.Y[rows], world.C[rows]) if rows.any() else best for rows in own]
    references = {
        "oracle": oracle_decision(world.Y, world.C),
        "strongest_global": np.full(len(world.Y), best),
        "cheapest_global": np.full(len(world.Y), world.C[train].mean(axis=0).argmin()),
        "strongest_per_dataset": np.array(per_dataset)[world.dataset],
        "random": rng.integers(0, len(k.MODEL_IDS), len(world.Y)),
    }
    ids = np.array([f"{k.DATASETS[d].name}/{i}" for i, d in enumerate(world.dataset)], dtype=object)
    metrics: dict[str, object] = {}
    decisions, reference_tables = [], []
    landscape: dict[str, dict[str, object]] = {"train": {"models": single_models(outcomes_of(world, train))}}
    for split in ("dev", "test"):
        rows = np.flatnonzero(world.split == split)
        outcomes = outcomes_of(world, rows)
        truth = Truth(*(part[rows] for part in world.truth))
        found = headline_metrics(outcomes, decision[rows], best, seed, resamples)
        found |= expected_metrics(truth, decision[rows], best, world.bounds)
        metrics |= {f"{split}/{name}": value for name, value in found.items()}
        tokens = np.full(outcomes.Y.shape, INPUT_TOKENS)
        table = decision_rows(outcomes, ids[rows], split, decision[rows], scores[rows], tokens, best)
        second = runner_up(scores[rows], decision[rows], world.C[train].mean(axis=0))
        decisions.append(with_runner_up(table, outcomes, second))
        reference_tables += [reference_rows(outcomes, ids[rows], split, n, d[rows]) for n, d in references.items()]
        chosen = {name: d[rows] for name, d in references.items()}
        landscape[split] = {"models": single_models(outcomes), **truth_landscape(truth, chosen)}
    metrics |= {"test/throughput_router": 812_345.0, "test/throughput_total": 4_321.0}
    _write_files(folder, world, {"router_name": router, "lambda": {"value": lam}, "seed": seed, "resamples": resamples})
    write_decisions(folder, decisions)
    write_references(folder, reference_tables)
    write_landscape(folder, landscape)
    write_json(folder / METRICS_FILE, metrics)
    write_json(folder / DONE_FILE, {"config": "0" * 8, "data": {}, "objective": None, "seconds": 1.0})
    return folder


def _write_files(folder: Path, world: World, config: dict[str, object]) -> None:
    write_text(folder / CONFIG_FILE, OmegaConf.to_yaml(OmegaConf.create(config)))
    outcomes = outcomes_of(world, np.arange(1))
    data = {
        "dataset_name": "demo",
        "synthetic": True,
        "benchmark": "nowhere",
        "pricing": "vl_routerbench_2025",
        "data_fingerprint": "data",
        "parts": {"cells": "c", "bounds": "bounds"},
        "bounds": world.bounds.to_plain(),
        "mean_costs": dict(zip(k.MODEL_IDS, world.C.mean(axis=0).tolist(), strict=True)),
        "model_ids": list(k.MODEL_IDS),
        "display_names": {m: m.replace("_", "-").removesuffix("-Instruct").removesuffix("-2506") for m in k.MODEL_IDS},
        "dataset_groups": dict(zip(outcomes.dataset_names, outcomes.dataset_groups, strict=True)),
        "samples": len(world.Y),
        "dropped": {"samples": 0},
    }
    write_json(folder / DATA_FILE, data)


@pytest.fixture(scope="session")
def world() -> World:
    return make_world()


RunWriter = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path, world: World) -> RunWriter:
    """`make_run("mlp", 0.5, seed=0)` writes a finished run folder and returns it."""

    def make(router: str = "mlp", lam: float = 0.5, seed: int = 0) -> Path:
        return write_run(tmp_path / "runs" / "demo" / router / f"{lam:g}-s{seed}-00000000", world, router, lam, seed)

    return make


@pytest.fixture(scope="session")
def sweep_folders(tmp_path_factory: pytest.TempPathFactory, world: World) -> list[Path]:
    """Six finished runs (two routers × three λ), written once."""
    root = tmp_path_factory.mktemp("sweep") / "runs" / "demo"
    jobs = [(router, lam) for router in ("mlp", "linear") for lam in (0.0, 0.5, 1.0)]
    return [write_run(root / router / f"{lam:g}-s0-00000000", world, router, lam) for router, lam in jobs]


@pytest.fixture
def copied(sweep_folders: list[Path], tmp_path: Path) -> Callable[..., list[Path]]:
    """`copied("mlp", "linear")` returns copies of the sweep's runs of these routers, to be changed."""

    def copy(*routers: str) -> list[Path]:
        wanted = [folder for folder in sweep_folders if folder.parent.name in routers]
        return [Path(shutil.copytree(f, tmp_path / "copies" / f.parent.name / f.name)) for f in wanted]

    return copy
