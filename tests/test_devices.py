"""Two devices (processes on the CPU) for each job of a sweep, through the real command line."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from vlrb.tasks.devices import SpawnedProcesses, strategy_of
from vlrb.utils.cli import ROOT, run_script
from vlrb.utils.console import say
from vlrb.utils.errors import ConfigError

SIZE = 16
JOBS = ["router=mlp_reference,linear", "lambda=0,0.5"]  # no dropout: its draws differ between one device and two
DISTRIBUTED = "Initializing distributed"


class Swept(NamedTuple):
    """What a sweep printed, and its run folders by (router, λ)."""

    out: str
    err: str
    record: dict[str, Any]
    runs: dict[tuple[str, str], Path]


def words(folder: Path, runs_dir: str) -> list[str]:
    data = [f"dataset.samples_per_dataset={SIZE}", f"paths.data_dir={folder / 'data'}", "resamples=50"]
    return ["-m", *JOBS, *data, f"paths.runs_dir={folder / runs_dir}", "trainer.max_epochs=20"]


def swept(folder: Path, out: str = "", err: str = "") -> Swept:
    (path,) = folder.rglob("sweep.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    runs = {}
    for job in record["jobs"]:
        given = dict(word.split("=", 1) for word in job["overrides"])
        runs[given["router"], given["lambda.value"]] = Path(job["run"])
    return Swept(out, err, record, runs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("devices")


@pytest.fixture(scope="module")
def one(folder: Path) -> Swept:
    """The sweep on one device, in this process (which also builds the demo)."""
    assert run_script("train", [*words(folder, "one"), "trainer=cpu"]) == 0
    return swept(folder / "one")


@pytest.fixture(scope="module")
def two(folder: Path, one: Swept) -> Swept:
    """The same sweep with two devices for each job, started as a user would."""
    devices = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2"]
    command = [sys.executable, "train.py", *words(folder, "two"), *devices]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return swept(folder / "two", done.stdout, done.stderr)


@pytest.mark.slow
@pytest.mark.process
def test_all_jobs_finish_and_one_process_alone_speaks(two: Swept) -> None:
    assert [job["status"] for job in two.record["jobs"]] == ["done"] * 4
    assert two.err == ""
    assert DISTRIBUTED not in two.out
    lines = [line for line in two.out.splitlines() if line.strip(" ─")]
    assert len(set(lines)) == len(lines), "a line was printed twice"
    assert sum(": done in" in line for line in lines) == 4
    assert "4 jobs: 4 done" in lines
    assert lines[-1].startswith("sweep: ")


@pytest.mark.slow
@pytest.mark.process
def test_closed_forms_are_fitted_on_one_device(two: Swept) -> None:
    """The run's log says how often processes met: once where a router learns by gradients, else never."""
    for (router, _), run in two.runs.items():
        log = (run / "run.log").read_text(encoding="utf-8")
        assert log.count(DISTRIBUTED) == (1 if router == "mlp_reference" else 0), router
        assert not list(run.rglob("*.tmp*"))


@pytest.mark.slow
@pytest.mark.process
def test_two_devices_decide_as_one(one: Swept, two: Swept) -> None:
    """Same batches, sums in another order: scores agree to rounding, which Adam's steps magnify."""
    assert set(one.runs) == set(two.runs)
    for key, run in one.runs.items():
        alone, shared = (pd.read_parquet(place / "decisions.parquet") for place in (run, two.runs[key]))
        assert run.name == two.runs[key].name  # devices are no part of what was asked
        assert shared["sample_id"].tolist() == alone["sample_id"].tolist()
        scores = [column for column in alone.columns if column.startswith("score/")]
        apart = float(np.abs(alone[scores].to_numpy() - shared[scores].to_numpy()).max())
        changed = int((alone["model_id"] != shared["model_id"]).sum())
        say(f"{key}: {changed} of {len(alone)} decisions differ, scores by up to {apart:.2g}")
        assert apart < 1e-4
        assert changed <= 0.01 * len(alone)  # none here; two equal scores could still change places


@pytest.mark.slow
@pytest.mark.process
def test_on_a_terminal_one_process_shows_progress_and_none_waits_for_it(folder: Path, one: Swept) -> None:
    """One process alone draws the line, so it must not show a figure that all processes have to compute together."""
    data = [f"dataset.samples_per_dataset={SIZE}", f"paths.data_dir={folder / 'data'}", "resamples=50"]
    job = ["router=mlp", "trainer.max_epochs=2", f"paths.runs_dir={folder / 'terminal'}", *data]
    devices = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2"]
    ours, theirs = os.openpty()
    command = [sys.executable, "train.py", *job, *devices]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TERM": "xterm", "COLUMNS": "120"}
    streams: dict[str, Any] = {"stdout": theirs, "stderr": theirs, "start_new_session": True}
    with subprocess.Popen(command, cwd=ROOT, env=environment, **streams) as process:
        os.close(theirs)
        killer = threading.Timer(120, os.killpg, (process.pid, signal.SIGKILL))  # its children too
        killer.start()
        shown = read_all(ours)
        killer.cancel()
    assert process.returncode == 0, shown
    assert "mlp  epoch 2/2" in shown
    assert DISTRIBUTED not in shown
    assert len(re.findall("training mlp", shown)) == 1
    assert shown.rstrip().splitlines()[-1].startswith("run: ")


def read_all(terminal: int) -> str:
    """Read a pseudo-terminal until its other side is closed (which Linux reports as an error)."""
    parts = []
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 65536):
            parts.append(part)
    os.close(terminal)
    return b"".join(parts).decode()


@pytest.mark.parametrize(("strategy", "devices"), [("ddp_spawn", 1), ("auto", 2), ("auto", "0,1"), ("auto", [0, 1])])
def test_several_devices_are_spawned(strategy: str, devices: Any) -> None:
    assert isinstance(strategy_of({"strategy": strategy, "devices": devices}), SpawnedProcesses)


def test_one_device_needs_no_process() -> None:
    assert strategy_of({"strategy": "auto", "devices": 1}) == "auto"
    assert strategy_of({"strategy": "ddp", "devices": 1}) == "ddp"


@pytest.mark.parametrize("strategy", ["ddp", "ddp_find_unused_parameters_true", "fsdp"])
def test_a_strategy_that_restarts_the_command_is_refused(strategy: str) -> None:
    with pytest.raises(ConfigError, match="start this command again"):
        strategy_of({"strategy": strategy, "devices": 2})
