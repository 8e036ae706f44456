"""How a sweep goes on: one line per finished job, read off its record, wherever the jobs run."""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from omegaconf import DictConfig

from vlrb.schema import SWEEP_FILE
from vlrb.utils import sweeps
from vlrb.utils.config import to_plain
from vlrb.utils.console import say
from vlrb.utils.errors import VlrbError
from vlrb.utils.outcome import Plan

POLL_S: Final = 0.5
NAMED: Final = ("router", "lambda", "lambda.value", "seed")  # a run's name says these already


class SweepProgress:
    """Print ``[3/24] mlp λ=0.5 s1: done in 31 s · …`` as jobs end; in the process that started the sweep.

    Args:
        folder: The sweep's folder.
        watch: Whether jobs run in other processes, so that the record must be looked at from time to time.
    """

    def __init__(self, folder: Path, *, watch: bool) -> None:
        self.folder = folder
        self.plan = Plan(0)
        self._told: set[tuple[Path, int]] = set()
        self._worked = 0  # jobs that took their time
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True) if watch else None

    def begin(self, plan: Plan, first: DictConfig) -> None:
        """Take note of what is about to run; where jobs run side by side, build what they share before they start."""
        self.plan = plan
        sweeps.note_plan(self.folder, plan.jobs)
        if self._thread is not None and not self._thread.is_alive():
            _build_ahead(first)
            self._thread.start()
        self._began = time.monotonic()

    def tell(self) -> None:
        """Print a line for each job that has ended since the last call."""
        with self._lock:
            for place, job in self._new_jobs():
                self._told.add((place, job["job"]))
                self._worked += job["status"] == sweeps.DONE
                say(job_line(job, self.plan, len(self._told), self._left()))

    def close(self) -> None:
        """Tell the rest; nothing is printed afterwards."""
        self._ended.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join()
        self.tell()

    def broken_off(self) -> None:
        """Say what was finished when the sweep ended early."""
        self.close()
        total = f" of {self.plan.jobs}" if self.plan.jobs else ""
        say(f"{len(self._told)}{total} jobs were finished, listed in {self.folder / SWEEP_FILE}")

    def _watch(self) -> None:
        while not self._ended.wait(POLL_S):
            self.tell()

    def _new_jobs(self) -> list[tuple[Path, dict[str, Any]]]:
        found = [
            (place, job)
            for place in sweeps.record_folders(self.folder)
            if (place / SWEEP_FILE).exists()
            for job in sweeps.read_record(place)["jobs"]
        ]
        return [(place, job) for place, job in found if (place, job["job"]) not in self._told]

    def _left(self) -> float | None:
        """Return the seconds that the remaining jobs will take if they are like those before; None if unknown."""
        remaining = self.plan.jobs - len(self._told)
        if not self._worked or remaining <= 0:
            return None
        return (time.monotonic() - self._began) / self._worked * remaining


def _build_ahead(first: DictConfig) -> None:
    """Bring the benchmark of the first job up to date: its lines and bars are shown here, and no job waits for another.

    A mistake is not told here: the jobs that it concerns will fail, the others may not.
    """
    from vlrb.tasks.build import open_benchmark

    with suppress(VlrbError, OSError):
        open_benchmark(to_plain(first, "train"))


def job_line(job: Mapping[str, Any], plan: Plan, ended: int, left_s: float | None) -> str:
    """Return the line about one finished job.

    Args:
        job: Its entry in the record.
        plan: What the sweep consists of.
        ended: How many jobs have ended, this one included.
        left_s: Seconds that the others will take, if known.

    >>> job = {"line": "mlp λ=0 s0: done in 9 s", "overrides": ["router=mlp", "router.dropout=0.1"], "status": "done"}
    >>> job_line(job, Plan(24, ("router", "router.dropout")), 3, 200.0)
    '[3/24 dropout=0.1] mlp λ=0 s0: done in 9 s · 3 min left'
    """
    counted = f"{ended}/{plan.jobs}" if plan.jobs else str(ended)
    settings = differing(job["overrides"], plan.varying)
    if job["status"] == sweeps.FAILED:
        settings = [*differing(job["overrides"], plan.varying, besides=()), *(() if plan.varying else job["overrides"])]
        text = f"failed: {str(job['reason']).splitlines()[0]}"
    else:
        text = str(job["line"])
    left = f" · {duration(left_s)} left" if left_s is not None else ""
    return f"[{' '.join([counted, *settings])}] {text}{left}"


def differing(words: Sequence[str], varying: Sequence[str], besides: Sequence[str] = NAMED) -> list[str]:
    """Return the settings in which a job differs from the others, short; those in `besides` are known otherwise."""
    found = []
    for word in words:
        key, _, value = word.partition("=")
        if key in varying and key not in besides:
            found.append(f"{key.replace('lambda.value', 'λ').rpartition('.')[2].rpartition('/')[2]}={value}")
    return found


def duration(seconds: float) -> str:
    """Return a duration as people say it.

    >>> duration(12.4), duration(200), duration(7300)
    ('12 s', '3 min', '2.0 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
