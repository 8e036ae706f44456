"""What does a sweep cost besides its fits, and do jobs that run side by side keep the cores busy?

Run: python benchmarks/sweeps.py [--dataset demo_full] [--data-dir DIR] [--jobs 4]

Two figures:
- a six-point λ sweep of `linear` in one process, against the six closed-form fits in it alone (the time within
  `fit_arrays`, which the sweep's own runs take); everything else is reading, deciding, judging and reporting;
- busy cores of four jobs under joblib: processor seconds of all processes ÷ wall-clock seconds.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GRID = "0,0.1,0.25,0.5,1,2"


def sweep_against_fits(words: list[str]) -> tuple[float, float]:
    """Return wall-clock seconds of the six-point sweep after its first preparation, and those of its fits alone."""
    from vlrb.routers.linear import LinearRouter
    from vlrb.utils.cli import run_script

    assert run_script("train", ["router=linear", "lambda=3", *words]) == 0  # build, features, imports: not the sweep's
    spent = 0.0
    fit = LinearRouter.fit_arrays

    def timed(self: LinearRouter, train: object) -> None:
        nonlocal spent
        started = time.perf_counter()
        fit(self, train)  # type: ignore[arg-type]
        spent += time.perf_counter() - started

    LinearRouter.fit_arrays = timed  # type: ignore[method-assign]
    started = time.perf_counter()
    assert run_script("train", ["-m", "router=linear", f"lambda={GRID}", "hydra/launcher=basic", *words]) == 0
    return time.perf_counter() - started, spent


def busy_cores(words: list[str], jobs: int) -> tuple[float, float]:
    """Return wall-clock seconds of `jobs` jobs under joblib, and how many cores they kept busy on average."""
    grid = ",".join(str(k / 4) for k in range(jobs))
    command = [sys.executable, "train.py", "-m", "router=linear", f"lambda={grid}", "hydra/launcher=joblib", *words]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, used / wall


def main() -> None:
    """Print both figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="demo_full")
    parser.add_argument("--data-dir", default="data")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--only", choices=("fits", "cores"))
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    data = [f"dataset={options.dataset}", f"paths.data_dir={Path(options.data_dir).resolve()}"]
    with tempfile.TemporaryDirectory() as folder:
        if options.only != "cores":
            wall, fits = sweep_against_fits([*data, f"paths.runs_dir={folder}/sweep"])
            print(f"six-point sweep {wall:6.1f} s, its fits alone {fits:6.1f} s: {wall / fits:.2f} ×")
        if options.only != "fits":
            wall, busy = busy_cores([*data, f"paths.runs_dir={folder}/joblib"], options.jobs)
            print(f"{options.jobs} jobs under joblib {wall:6.1f} s, {busy:.2f} of {os.cpu_count()} cores busy")


if __name__ == "__main__":
    main()
