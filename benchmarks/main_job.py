"""How long does the README's main job take, the first time and the second time, once everything is installed?

Run: python benchmarks/main_job.py
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run_once(environment: dict[str, str]) -> float:
    """Return the wall-clock seconds of one `python train.py`."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "train.py"], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Print both times and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"VLRB_DATA_DIR": f"{folder}/data", "VLRB_RUNS_DIR": f"{folder}/runs"}
        first, second = run_once(environment), run_once(environment)
    print(f"cores {os.cpu_count()}")
    print(f"first (builds the demo, trains, reports)  {first:6.1f} s")
    print(f"second (finished already)                 {second:6.1f} s   {second / first:.2f} of the first")


if __name__ == "__main__":
    main()
