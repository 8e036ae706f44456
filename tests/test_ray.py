"""Jobs of a sweep on Ray, on logical GPUs: `pip install -e ".[test,ray]" && pytest tests/test_ray.py -m ray`.

The launcher needs an older cloudpickle than the newest joblib, so that it is an extra with a test command of its own.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vlrb.utils.cli import ROOT, run_script

pytestmark = [pytest.mark.ray, pytest.mark.process]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("ray", reason='pip install -e ".[ray]"')
    folder = tmp_path_factory.mktemp("ray") / "data"
    assert run_script("build_data", ["dataset.samples_per_dataset=16", f"paths.data_dir={folder}"]) == 0
    return folder


def test_every_job_sees_a_device_of_its_own(data_dir: Path, tmp_path: Path) -> None:
    """Two jobs at once, two logical GPUs: each job is given one, and they differ."""
    words = [
        "-m", "router=strongest_global,random", "lambda=0.5", "dataset.samples_per_dataset=16", "trainer=cpu",
        "hydra/launcher=ray", "hydra.launcher.ray.init.num_gpus=2", "hydra.launcher.ray.remote.num_gpus=1",
        f"paths.data_dir={data_dir}", f"paths.runs_dir={tmp_path / 'runs'}", "resamples=20",
    ]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "train.py", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 jobs: 2 done" in done.stdout
    (path,) = tmp_path.rglob("sweep.json")
    jobs = json.loads(path.read_text(encoding="utf-8"))["jobs"]
    assert sorted(job["gpus"] for job in jobs) == [["0"], ["1"]]
    assert len({job["process"] for job in jobs}) == 2
    told = [line for line in done.stdout.splitlines() if line.startswith("[")]
    assert [line[:6] for line in told] == ["[1/2] ", "[2/2] "]
