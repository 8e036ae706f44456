"""Memory stays flat over epochs, with and without processes beside this one, with and without pictures in memory."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import gc, importlib.util, os, sys
from pathlib import Path

spec = importlib.util.spec_from_file_location("raw_world", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["raw_world"] = module
spec.loader.exec_module(module)

def tree():
    me, found = os.getpid(), [os.getpid()]
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rsplit(")", 1)[1].split()[1]) == me:
                found.append(int(path.parent.name))
        except (OSError, IndexError):
            pass
    return found

def memory():
    gc.collect()
    total = 0
    for process in tree():
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024

world = module.RawWorld(Path(sys.argv[2]), 240, 900)
inputs = world.inputs(int(sys.argv[4]))
data = world.data(inputs, workers=int(sys.argv[3]), batch_size=16)
loader, leak = data.train_dataloader(), []
for epoch in range(6):
    loader.sampler.set_epoch(epoch)
    for batch in loader:
        if sys.argv[5] == "leak":
            leak.append(bytearray(os.urandom(400_000)))
    print(memory(), flush=True)
"""
BOUND_MB = 12


def epochs(folder: Path, workers: int, keep_mb: int, leak: str = "no") -> list[float]:
    """Memory of a process and its children after each of six epochs, MiB, shared pages counted once."""
    world = Path(__file__).with_name("raw_world.py")
    command = [sys.executable, "-c", PROGRAM, str(world), str(folder), str(workers), str(keep_mb), leak]
    found = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    gc.collect()
    return [float(line) for line in found.stdout.split()]


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux")
@pytest.mark.parametrize(("workers", "keep_mb"), [(0, 0), (0, 8), (2, 0), (2, 8)])
def test_memory_is_flat_after_the_first_epoch(tmp_path: Path, workers: int, keep_mb: int) -> None:
    """An epoch decodes 200 pictures of 2.4 MB each: one in forty that stayed would be seen."""
    found = epochs(tmp_path, workers, keep_mb)
    assert max(found[1:]) - found[0] < BOUND_MB, found


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux")
def test_the_measure_sees_a_leak(tmp_path: Path) -> None:
    """400 KB of each of nine batches: 18 MB in five epochs."""
    found = epochs(tmp_path, 0, 0, "leak")
    assert max(found[1:]) - found[0] > BOUND_MB, found
