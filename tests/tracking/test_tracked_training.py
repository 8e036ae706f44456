"""Training with W&B, in-process: what a sweep records, and that no failure of W&B changes a result."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import wandb

from vlrb.tracking import wandb_run
from vlrb.utils.cli import run_script

from .wandb_file import read

pytestmark = pytest.mark.slow
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "data"
    assert run_script("build_data", ["dataset.samples_per_dataset=16", f"paths.data_dir={folder}"]) == 0
    return folder


@pytest.fixture
def small(data_dir: Path, tmp_path: Path) -> list[str]:
    places = [f"paths.data_dir={data_dir}", f"paths.runs_dir={tmp_path / 'runs'}"]
    return ["dataset.samples_per_dataset=16", *places, "resamples=50", "trainer=cpu", "trainer.max_epochs=3"]


def run_of(out: str) -> Path:
    return Path(out.strip().splitlines()[-1].removeprefix("run: "))


def test_a_sweep_is_one_group_with_names_that_tell_its_runs_apart(call: Call, small: list[str], tmp_path: Path) -> None:
    words = ["-m", "router=mlp", "lambda=0,0.5", "router.dropout=0,0.1", "logger=wandb", "logger.mode=offline"]
    code, out, err = call("train", *words, *small)
    assert code == 0, err
    assert out.count("wandb sync") <= 2  # the report's, and one for all runs
    folders = sorted(p.parent for p in (tmp_path / "runs" / "demo" / "mlp").glob("*/DONE"))
    found = [read(folder)[0] for folder in folders]
    sweep = Path(out.strip().splitlines()[-1].removeprefix("sweep: ")).name
    assert {run.run.run_group for run in found} == {sweep}
    names = {f"mlp λ={lam} s0 dropout={dropout}" for lam in ("0", "0.5") for dropout in ("0", "0.1")}
    assert {run.run.display_name for run in found} == names
    for run in found:
        curves = [row for row in run.history if "curves/train/loss" in row]
        assert [row["epoch"] for row in curves] == [0, 1, 2]
        assert all({"curves/dev/loss", "curves/dev/rank_score", "curves/lr"} <= set(row) for row in curves)
        assert run.exit_code == 0
    (report,) = read(tmp_path / "runs" / "demo" / "sweeps" / sweep)
    assert (report.run.job_type, report.run.run_group) == ("report", sweep)


@pytest.mark.parametrize("failing", ["init", "log", "finish"])
def test_a_failure_of_wandb_changes_no_result(
    call: Call, small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    code, out, err = call("train", "router=mlp", *small)
    assert code == 0, err
    plain = pd.read_parquet(run_of(out) / "decisions.parquet")

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(wandb if failing == "init" else wandb.Run, failing, fail)
    words = ["logger=wandb", "logger.mode=offline", "overwrite=true"]
    code, out, err = call("train", "router=mlp", *words, *small)
    assert code == 0, err
    assert out.replace("\n", " ").count("warning: W&B") == 1
    pd.testing.assert_frame_equal(pd.read_parquet(run_of(out) / "decisions.parquet"), plain)
    monkeypatch.undo()
    wandb.teardown()


def test_a_server_that_does_not_answer_costs_its_timeout_and_the_run_is_kept_offline(
    call: Call, small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(wandb_run, "_unreachable", [])
    wandb.teardown()
    code, out, err = call("train", "router=knn", "logger=wandb", "logger.mode=online", "logger.timeout=2.0", *small)
    assert code == 0, err
    assert "going online failed" in out
    assert "wandb sync" in out
    (found,) = read(run_of(out))
    assert "test/accuracy" in found.summary
    wandb.teardown()


def test_two_processes_write_one_run(call: Call, small: list[str]) -> None:
    words = ["router=mlp", "trainer=ddp", "trainer.accelerator=cpu", "logger=wandb", "logger.mode=offline"]
    code, out, err = call("train", *[w for w in small if w != "trainer=cpu"], *words)
    assert code == 0, err
    (found,) = read(run_of(out))
    assert [row["epoch"] for row in found.history if "curves/train/loss" in row] == [0, 1, 2]
    assert "test/accuracy" in found.summary
    assert "points" in found.summary
    assert "LOCAL_RANK" not in os.environ


def test_a_job_that_fails_is_a_failed_run(call: Call, small: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from vlrb.routers.mlp import MLPRouter

    def fail(*_: Any) -> None:
        raise RuntimeError("the training broke")

    monkeypatch.setattr(MLPRouter, "calibrate", fail)
    code, out, _ = call("train", "router=mlp", "logger=wandb", "logger.mode=offline", *small)
    assert code == 1
    failed = next(line for line in out.splitlines() if line.startswith("failed: "))
    (found,) = read(Path(failed.removeprefix("failed: ")))
    assert found.exit_code == 1
    assert "test/accuracy" not in found.summary
