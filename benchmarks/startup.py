"""How light is start-up? CPU seconds of `--help` and `--cfg job`, beside Python's own start and importing torch.

Run: python benchmarks/startup.py
"""

import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import hydra": ["-c", "import hydra"],
    "train.py --help": ["train.py", "--help"],
    "train.py --cfg job": ["train.py", "--cfg", "job"],
    "import torch": ["-c", "import torch"],
}
REPEATS = 5


def cpu_seconds(words: list[str]) -> float:
    """Return user + system seconds of one child process."""
    before = os.times()
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return (after.children_user + after.children_system) - (before.children_user + before.children_system)


def main() -> None:
    """Print the medians and their ratio to a bare interpreter."""
    samples: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(REPEATS):
        for name, words in COMMANDS.items():
            samples[name].append(cpu_seconds(words))
    base = statistics.median(samples["python -c pass"])
    print(f"{'command':<22}{'CPU s':>8}{'× bare python':>16}")
    for name, values in samples.items():
        median = statistics.median(values)
        print(f"{name:<22}{median:>8.2f}{median / base:>16.1f}")


if __name__ == "__main__":
    main()
