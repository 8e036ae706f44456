"""Re-pricing a finished run: right to the last figure, and nothing of the run is rewritten."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vlrb.evaluation.runs import check_comparable, find_runs, load_run
from vlrb.utils.cli import run_script
from vlrb.utils.errors import StateError

Call = Callable[..., tuple[int, str, str]]
MINE = ["pricing=flat", "pricing.name=mine", "pricing.date=2026-01"]
MINE += ["pricing.default={input:1.0,output:3.0}", "+pricing.default.picture=0.001"]


def contents(folder: Path) -> dict[str, bytes]:
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return {name: data for name, data in found.items() if not name.startswith("repriced/") and ".lock" not in name}


def metrics_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two trained runs of a small demo, λ = 0 and 1."""
    folder = tmp_path_factory.mktemp("reprice")
    words = ["-m", "router=knn", "lambda=0,1", "dataset.samples_per_dataset=16", "resamples=50", "trainer=cpu"]
    assert run_script("train", [*words, f"paths.data_dir={folder / 'data'}", f"paths.runs_dir={folder / 'runs'}"]) == 0
    return folder


@pytest.fixture(scope="module")
def trained(place: Path) -> Path:
    return next((place / "runs" / "demo" / "knn").glob("0-s0-*"))


def test_figures_by_plain_numpy(call: Call, place: Path, trained: Path) -> None:
    before, data = contents(trained), place / "data" / "demo"
    code, out, err = call("evaluate", f"run={trained}", *MINE)
    assert code == 0, err
    folder = trained / "repriced" / "mine"
    assert out.strip().splitlines()[-1] == f"report: {folder}"
    assert "prices mine (2026-01) · re-priced, decided under vl_routerbench_2025" in out
    assert "decisions stay as they were made" in out
    assert contents(trained) == before
    tokens = [np.load(data / f"tokens_{side}.npy").astype(np.float64) for side in ("in", "out")]
    pictures = pd.read_parquet(data / "sample_tokens.parquet")["pictures"].to_numpy()
    C = (tokens[0] * 1.0 + tokens[1] * 3.0) / 1e6 + 0.001 * pictures[:, None]
    Y = np.load(data / "Y.npy")
    means = C[~np.isnan(C).any(axis=1)].mean(axis=0)
    models = {card["id"]: k for k, card in enumerate(json.loads((data / "models.json").read_text()))}
    rows = {sample: k for k, sample in enumerate(pd.read_parquet(data / "samples.parquet")["sample_id"])}
    decisions, metrics = pd.read_parquet(trained / "decisions.parquet"), metrics_of(folder)
    for split in ("dev", "test"):
        part = decisions[decisions["split"] == split]
        i, j = part["sample_id"].map(rows).to_numpy(), part["model_id"].map(models).to_numpy()
        accuracy, cost = (Y[i, j] >= 0.5).mean(), C[i, j].mean()
        K = np.log(means.max() / cost) / np.log(means.max() / means.min())
        assert metrics[f"{split}/accuracy"] == pytest.approx(accuracy, rel=1e-12)
        assert metrics[f"{split}/cost"] == pytest.approx(cost, rel=1e-12)
        assert metrics[f"{split}/rank_score"] == pytest.approx(1.1 * accuracy * K / (0.1 * accuracy + K), rel=1e-9)
        cheapest_right = np.where(Y[i] >= 0.5, C[i], np.inf)
        oracle = np.where(np.isfinite(cheapest_right.min(axis=1)), cheapest_right.min(axis=1), C[i].min(axis=1))
        assert metrics[f"{split}/oracle_cost"] == pytest.approx(oracle.mean(), rel=1e-12)
    references = pd.read_parquet(folder / "references.parquet").query("router == 'cheapest_global' and split == 'test'")
    train = pd.read_parquet(data / "splits" / "grouped-0.parquet")["split"].to_numpy() == "train"
    assert set(references["model_id"].map(models)) == {int(C[train].mean(axis=0).argmin())}
    assert metrics["test/expected_accuracy"] == metrics_of(trained)["test/expected_accuracy"]  # p knows no prices
    assert metrics["test/expected_cost"] != metrics_of(trained)["test/expected_cost"]


def test_the_same_book_gives_the_same_figures(call: Call, trained: Path, tmp_path: Path) -> None:
    code, _, err = call("evaluate", f"run={trained}", "pricing=vl_routerbench_2025", f"out={tmp_path / 'same'}")
    assert code == 0, err
    assert metrics_of(tmp_path / "same") == metrics_of(trained)
    for name in ("decisions", "references"):
        pd.testing.assert_frame_equal(*(pd.read_parquet(p / f"{name}.parquet") for p in (tmp_path / "same", trained)))
    assert (tmp_path / "same" / "landscape.json").read_text() == (trained / "landscape.json").read_text()


def test_a_sweep_under_other_prices(call: Call, place: Path, trained: Path) -> None:
    sweep = next((place / "runs" / "demo" / "sweeps").iterdir())
    board = (sweep / "leaderboard.csv").read_bytes()
    code, out, err = call("evaluate", f"runs={sweep}", "pricing=flat")
    assert code == 0, err
    assert out.strip().splitlines()[-1] == f"report: {sweep / 'repriced' / 'flat'}"
    rows = pd.read_csv(sweep / "repriced" / "flat" / "leaderboard.csv").query("kind == 'router'")
    assert rows["points"].tolist() == [2]  # both λ are points of one row
    assert (sweep / "leaderboard.csv").read_bytes() == board
    # re-priced folders are runs that can be named, but a folder of runs still means the trained ones
    assert len(find_runs(place / "runs").runs) == 2
    assert len(find_runs(f"{place}/runs/demo/knn/*/repriced/flat").runs) == 2
    with pytest.raises(StateError, match=r"not comparable.*pricing \(vl_routerbench_2025 / flat\)"):
        check_comparable([load_run(trained), load_run(trained / "repriced" / "flat")])
    code, _, err = call("evaluate", f"runs={place}/runs/demo/knn/**", f"out={place / 'mixed'}")
    assert code == 1
    assert "not comparable" in err


def test_repriced_beside_trained_under_those_prices_is_marked(call: Call, place: Path, trained: Path) -> None:
    places = [f"paths.data_dir={place / 'data'}", f"paths.runs_dir={place / 'runs2'}"]
    words = ["router=strongest_global", "dataset.samples_per_dataset=16", "resamples=20", "trainer=cpu"]
    code, _, err = call("train", *words, "pricing=flat", *places, "build=false")  # the costs are there, reports may lag
    if code:  # this test may run first, before another one has priced the benchmark
        assert "missing or stale" in err
        code, _, err = call("train", *words, "pricing=flat", *places)
    assert code == 0, err
    assert call("evaluate", f"run={trained}", "pricing=flat")[0] == 0
    flat = next((place / "runs2" / "demo" / "strongest_global").iterdir())
    check_comparable([load_run(flat), load_run(trained / "repriced" / "flat")])
    from vlrb.report.names import run_names

    assert run_names([load_run(flat), load_run(trained / "repriced" / "flat")])[1] == "knn λ=0 re-priced"


def test_what_cannot_be_repriced_is_one_line(call: Call, trained: Path, tmp_path: Path) -> None:
    before = contents(trained)
    for words, part in (
        (["pricing=flatt"], "did you mean 'flat'"),
        (["pricing=math_v_2024"], "GPT4o: {input: ?, output: ?}"),
        (["pricing=flat", f"out={trained}"], "holds a trained run"),
        (["pricing=flat", "pricing.date=soon"], "is not a date"),
        (["pricing=flat", "pricing.budget_usd=1"], "unknown key 'pricing.budget_usd'"),
    ):
        code, _, err = call("evaluate", f"run={trained}", *words)
        assert code == 1
        assert part in err
        assert "Traceback" not in err
    assert contents(trained) == before
    assert not (trained / "repriced" / "math_v_2024").exists()
    assert call("evaluate", f"run={trained}", "pricing=flat", f"out={tmp_path / 'x'}")[0] == 0
    for words in ([], ["pricing=flat"]):  # neither decide again nor price twice from what is priced again
        code, _, err = call("evaluate", f"run={tmp_path / 'x'}", *words)
        assert code == 1
        assert str(trained) in err


def test_a_benchmark_that_has_changed_is_refused(call: Call, place: Path, trained: Path, tmp_path: Path) -> None:
    moved = tmp_path / "run"
    moved.mkdir()
    for name in ("config.yaml", "data.json", "metrics.json", "decisions.parquet", "references.parquet", "DONE"):
        (moved / name).write_bytes((trained / name).read_bytes())
    data = json.loads((moved / "data.json").read_text())
    data["parts"]["quality"] = "other"
    (moved / "data.json").write_text(json.dumps(data))
    code, _, err = call("evaluate", f"run={moved}", "pricing=flat")
    assert code == 1
    assert "changed: quality" in err
    assert not (moved / "repriced").exists()
