"""Share one host between the jobs of a sweep: job k gets GPU k mod n, and the cores are divided. Needs no torch."""

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

NVIDIA = Path("/proc/driver/nvidia/gpus")
VISIBLE = "CUDA_VISIBLE_DEVICES"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


def visible_gpus(environment: MutableMapping[str, str] = os.environ, proc: Path = NVIDIA) -> list[str]:
    """Return the names of the GPUs that this process may use: those it was given, else all that the driver lists.

    >>> visible_gpus({"CUDA_VISIBLE_DEVICES": "2,3"})
    ['2', '3']
    """
    given = environment.get(VISIBLE)
    if given is not None:
        return [name for name in given.split(",") if name.strip()]
    return [str(k) for k in range(len(list(proc.iterdir())))] if proc.is_dir() else []


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def default_jobs() -> int:
    """Return how many jobs run at once: one per GPU; without GPUs one per two cores, but two if there are two cores."""
    return len(visible_gpus()) or min(cores(), max(2, cores() // 2))


def claim_share(
    job: int,
    jobs_at_once: int,
    environment: MutableMapping[str, str] = os.environ,
    proc: Path = NVIDIA,
    devices: int = 1,
) -> None:
    """Give this process its GPU and its share of the cores, before torch is imported (afterwards it is too late).

    Args:
        job: Number of the job within its sweep.
        jobs_at_once: How many jobs run side by side.
        environment: Where to set the variables.
        proc: The driver's list of GPUs.
        devices: GPUs of one job: job k gets the k-th block of so many, from the first again after the last.
    """
    if "torch" in sys.modules and environment is os.environ:
        return  # a process that runs a second job keeps the share of its first
    gpus = visible_gpus(environment, proc)
    if gpus:
        first = job % max(1, len(gpus) // devices) * devices
        environment[VISIBLE] = ",".join(gpus[first : first + devices])
    for name in THREADS:
        environment.setdefault(name, str(max(1, cores() // max(jobs_at_once, 1))))
