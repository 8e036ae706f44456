"""Sweeps through the real command line: shared data, lines, half-written runs, kills and interrupts."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from vlrb.tasks import opened
from vlrb.tasks.sweep import summarise
from vlrb.tasks.sweep_progress import job_line
from vlrb.utils import outcome
from vlrb.utils.cli import ROOT, run_script
from vlrb.utils.outcome import Plan

Call = Callable[..., tuple[int, str, str]]
JobsOf = Callable[..., list[list[str]]]
SIZE = 16
PRESETS = sorted(path.stem for path in (ROOT / "multirun_presets" / "preset").glob("*.yaml"))
QUICK = ("smoke", "full_benchmark")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A small demo benchmark, and one place for all runs of this file: equal first jobs run once."""
    folder = tmp_path_factory.mktemp("sweeps")
    words = [f"dataset.samples_per_dataset={SIZE}", f"paths.data_dir={folder / 'data'}"]
    assert run_script("build_data", words) == 0
    return [*words, f"paths.runs_dir={folder / 'runs'}", "resamples=20", "trainer=cpu", "debug=quick"]


@pytest.mark.parametrize(
    "preset", [pytest.param(name, marks=[pytest.mark.slow] if name not in QUICK else []) for name in PRESETS]
)
def test_the_first_job_of_every_preset_runs(preset: str, jobs_of: JobsOf, call: Call, places: list[str]) -> None:
    job = [word for word in jobs_of(f"preset={preset}")[0] if not word.startswith("preset=")]
    code, out, err = call("train", *job, *places)
    assert code == 0, err
    assert (Path(out.strip().splitlines()[-1].removeprefix("run: ")) / "DONE").is_file()


def test_jobs_of_a_process_open_the_data_once_and_tell_one_line_each(
    call: Call, places: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = {"open_benchmark": 0, "ensure_features": 0}
    for name in calls:
        work = getattr(opened, name)

        def counted(*given: Any, name: str = name, work: Any = work, **named: Any) -> Any:
            calls[name] += 1
            return work(*given, **named)

        monkeypatch.setattr(opened, name, counted)
    code, out, err = call("train", "-m", "router=knn", "router.k=3,0,4", *places)
    assert code == 1
    assert calls == {"open_benchmark": 1, "ensure_features": 1}
    told = [line for line in out.splitlines() if line.startswith("[")]
    assert [line.partition("]")[0] for line in told] == ["[1/3 k=3", "[2/3 k=0", "[3/3 k=4"]
    assert "] knn λ=0.5 s0: done" in told[0]
    assert "] failed: router.k must be at least 1" in told[1]
    log = Path(next(line for line in err.splitlines() if line.strip().startswith("log: ")).split(": ")[1])
    assert "Traceback" in log.read_text(encoding="utf-8")
    assert "Traceback" not in err

    folder = Path(out.strip().splitlines()[-1].removeprefix("sweep: "))
    record = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    assert record["planned"] == 3
    first, second = (Path(record["jobs"][k]["run"]) for k in (0, 2))
    (first / "metrics.json").unlink()  # as a full disk or a careless hand leaves it
    outcome.start()
    summarise(folder, OmegaConf.create({"logger": {}}))
    assert len(outcome.current().failures) == 2  # the failed job, and the run that cannot be read
    assert "metrics.json is missing" in " ".join(outcome.current().failures)
    table = (folder / "leaderboard.csv").read_text(encoding="utf-8")
    assert second.name.split("-")[-1] in table or "k=4" in table or table.count("knn") == 1


@pytest.mark.slow
def test_a_sweep_over_prices_writes_a_table_for_each(call: Call, places: list[str]) -> None:
    code, out, err = call("train", "-m", "router=strongest_global", "pricing=vl_routerbench_2025,flat", *places)
    assert code == 0, err
    folder = Path(out.strip().splitlines()[-1].removeprefix("sweep: "))
    tables = sorted(path.parent.name for path in folder.glob("*/leaderboard.csv"))
    assert [name.rpartition("-")[0] for name in tables] == ["flat", "vl_routerbench_2025"]
    assert not (folder / "leaderboard.csv").exists()


def test_a_failed_job_is_told_with_what_sets_it_apart() -> None:
    job = {"status": "failed", "reason": "no weights\nmore", "overrides": ["router=vlc", "seed=1"], "line": None}
    assert job_line(job, Plan(2, ("router",)), 2, None) == "[2/2 router=vlc] failed: no weights"


@contextlib.contextmanager
def started(words: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start the program as a user would, in a process group of its own; nothing of it outlives the block."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "train.py", *words], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}, start_new_session=True,
            # a job in the background inherits Ctrl-C ignored
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(log: Path, text: str, timeout_s: float = 400) -> None:
    until = time.monotonic() + timeout_s
    while text not in log.read_text(encoding="utf-8"):
        assert time.monotonic() < until, log.read_text(encoding="utf-8")
        time.sleep(0.2)


JOBS = ["-m", "hydra/launcher=joblib", "router=strongest_global,cheapest_global,random", "lambda=0,0.5"]


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_sweep_that_was_stopped_goes_on_with_what_is_unfinished(places: list[str], tmp_path: Path, how: int) -> None:
    """Stopped after two of six jobs, under joblib: the finished runs are left as they are, the others are made."""
    words = [*JOBS, *(w for w in places if not w.startswith("paths.runs_dir")), f"paths.runs_dir={tmp_path / 'runs'}"]
    first, second = tmp_path / "first.log", tmp_path / "second.log"
    with started(words, first) as process:
        wait_for(first, "[2/6]")
        os.killpg(process.pid, how)
        code = process.wait(timeout=60)
    assert code == (-signal.SIGKILL if how == signal.SIGKILL else 130)
    text = first.read_text(encoding="utf-8")
    if how == signal.SIGINT:
        assert "of 6 jobs were finished" in text
        assert "run the same command to go on" in text
        assert "Traceback" not in text
    done = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("DONE")}
    assert 2 <= len(done) < 6
    with started(words, second) as process:
        assert process.wait(timeout=400) == 0
    assert {path: path.stat().st_mtime_ns for path in done} == done
    lines = second.read_text(encoding="utf-8").splitlines()
    told = [line for line in lines if line.startswith("[")]
    assert len(told) == 6
    assert all(re.fullmatch(r"\[\d/6\] \w+ λ=\S+ s0: (done|skipped).*", line) for line in told)
    assert f"6 jobs: {6 - len(done)} done, {len(done)} skipped" in lines
    assert len(list(tmp_path.rglob("DONE"))) == 6


@pytest.mark.slow
@pytest.mark.process
def test_submitit_runs_jobs_as_processes_of_their_own(places: list[str], tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason='pip install -e ".[submitit]"')
    words = ["-m", "hydra/launcher=submitit_local", "router=strongest_global,random", "lambda=0.5", *places]
    log = tmp_path / "log"
    with started([*words, "overwrite=true"], log) as process:
        assert process.wait(timeout=400) == 0, log.read_text(encoding="utf-8")
    assert "2 jobs: 2 done" in log.read_text(encoding="utf-8")


@pytest.mark.slow
def test_optuna_searches_for_the_best_dev_score(call: Call, places: list[str]) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper", reason='pip install -e ".[optuna]"')
    sweeper = ["hydra/sweeper=optuna", "hydra.sweeper.direction=maximize", "hydra.sweeper.n_trials=3"]
    words = ["router=knn", "router.k=choice(3,4)", "hydra.sweeper.n_jobs=1", "hydra.sweeper.sampler.seed=0"]
    code, out, err = call("train", "-m", *sweeper, *words, *places)
    assert code == 0, err
    folder = Path(out.strip().splitlines()[-1].removeprefix("sweep: "))
    jobs = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))["jobs"]
    assert len(jobs) == 3
    best = max(jobs, key=lambda job: job["objective"])
    found = (folder / "optimization_results.yaml").read_text(encoding="utf-8")
    assert f"{best['objective']:.6f}"[:7] in found
