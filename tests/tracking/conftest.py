"""A finished run whose every figure can be checked by hand: 6 samples, 3 models, 2 datasets; dev is test."""

from pathlib import Path

import numpy as np
import pytest
from by_hand import MODELS, make_outcomes
from omegaconf import OmegaConf

from vlrb.evaluation.decisions import decision_rows, reference_rows, write_decisions, write_references
from vlrb.evaluation.headline import headline_metrics
from vlrb.evaluation.landscape import single_models, write_landscape
from vlrb.evaluation.runs import load_run
from vlrb.metrics.baselines import oracle_decision
from vlrb.report.leaderboard import make_leaderboard
from vlrb.schema import CONFIG_FILE, DATA_FILE, DONE_FILE, METRICS_FILE, SPEC_FILE, WEIGHTS_FILE
from vlrb.tracking.tracker import Results
from vlrb.utils.files import read_json, write_json, write_text

DECISION = [0, 1, 2, 1, 1, 0]  # right on all but the fifth; 1 + 2 + 8 + 2 + 2 + 1 = 16 dollars per 1,000, by 6
CONFIG = {
    "router_name": "mlp",
    "lambda": {"value": 0.5},
    "seed": 1,
    "resamples": 20,
    "dataset": {"name": "hand", "root": "/secret/place", "truth": None},
    "paths": {"data_dir": "/secret/data", "runs_dir": "/secret/runs"},
    "logger": {"project": "p"},
    "encoder": {"name": "offline"},
    "router": {"hidden": [8, 4], "dropout": 0.1},
    "trainer": {"accelerator": "cpu"},
}


def write_hand_run(folder: Path, benchmark: Path, lam: float = 0.5) -> Path:
    outcomes, decision = make_outcomes(), np.array(DECISION)
    ids = np.array([f"{'alpha' if i < 3 else 'beta'}/{i}" for i in range(6)], dtype=object)
    references = {"oracle": oracle_decision(outcomes.Y, outcomes.C), "strongest_global": np.full(6, 2)}
    decisions, reference_tables, metrics = [], [], {}
    for split in ("dev", "test"):
        metrics |= {f"{split}/{k}": v for k, v in headline_metrics(outcomes, decision, 2, 0, 20).items()}
        decisions.append(decision_rows(outcomes, ids, split, decision, np.eye(3)[decision], np.ones((6, 3)), 2))
        reference_tables += [reference_rows(outcomes, ids, split, name, d) for name, d in references.items()]
    write_text(folder / CONFIG_FILE, OmegaConf.to_yaml(OmegaConf.create({**CONFIG, "lambda": {"value": lam}})))
    data = {
        "dataset_name": "hand",
        "synthetic": False,
        "benchmark": str(benchmark),
        "pricing": "flat",
        "pricing_date": "2025-01-01",
        "data_fingerprint": "feedc0de12345678",
        "parts": {"samples": "aa", "costs": "bb"},
        "bounds": outcomes.bounds.to_plain(),
        "model_ids": list(MODELS),
        "display_names": {"small": "Small", "middle": "Middle", "large": "Large"},
        "dataset_groups": {"alpha": "General", "beta": "STEM"},
        "samples": 6,
        "dropped": {"samples": 0, "masked_cells": 0},
    }
    write_json(folder / DATA_FILE, data)
    write_decisions(folder, decisions)
    write_references(folder, reference_tables)
    write_landscape(folder, {split: {"models": single_models(outcomes)} for split in ("dev", "test")})
    write_json(folder / METRICS_FILE, metrics)
    write_json(folder / DONE_FILE, {"config": "0" * 8, "data": {}, "objective": None, "seconds": 1.0})
    return folder


def write_benchmark(root: Path) -> Path:
    for name in ("manifest.json", "models.json", "costs/flat/cost_bounds.json", "reports/integrity.json"):
        write_json(root / name, {"file": name})
    (root / "Y.npy").write_bytes(b"gigabytes of data")
    return root


def results_of(folder: Path) -> Results:
    board = make_leaderboard([load_run(folder)])
    return Results(folder, read_json(folder / METRICS_FILE), board)


@pytest.fixture(scope="session")
def hand_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from PIL import Image
    from safetensors.numpy import save_file

    base = tmp_path_factory.mktemp("hand")
    folder = write_hand_run(base / "run", write_benchmark(base / "benchmark"))
    save_file({"w": np.ones(3, np.float32)}, folder / WEIGHTS_FILE, metadata={"shared": "bank=abc"})
    write_json(folder / SPEC_FILE, {"models": 3})
    Image.new("RGB", (8, 8)).save(folder / "pareto.png")
    return folder


@pytest.fixture(scope="session")
def hand_results(hand_run: Path) -> Results:
    return results_of(hand_run)
