"""Begin and end of a sweep: the record, the list of failed jobs, the leaderboard over all finished runs."""

from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from vlrb.tasks.tracking_report import track_sweep
from vlrb.utils import outcome, sweeps
from vlrb.utils.console import say, warn


class SweepCallback(Callback):
    """Hydra callback that keeps the sweep's record and prints its summary (in the launching process).

    Args:
        sweep_id: Name of the sweep's folder, set by the command line layer.
    """

    def __init__(self, sweep_id: str | None = None) -> None:
        self.sweep_id = sweep_id

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:  # noqa: ANN401 - Hydra's signature
        """Begin the record."""
        sweeps.start_record(sweep_folder(config), list(config.hydra.overrides.task))

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:  # noqa: ANN401 - Hydra's signature
        """Print failed jobs and the leaderboard; note failures for the exit code."""
        folder = sweep_folder(config)
        name, runs_dir = folder.name, folder.parents[2]
        for path in sorted({folder, *(p.parent for p in runs_dir.glob(f"*/sweeps/{name}/sweep.json"))}):
            summarise(path, config)


def sweep_folder(config: DictConfig) -> Path:
    """Return the folder of the sweep that a (job or base) config belongs to."""
    return Path(str(config.hydra.sweep.dir))


def summarise(folder: Path, config: DictConfig) -> None:
    """Print what became of a sweep's jobs and write its leaderboard (to W&B, too, if its config says so)."""
    jobs = sweeps.read_record(folder)["jobs"]
    if not jobs:
        return
    counts = {
        status: sum(job["status"] == status for job in jobs) for status in (sweeps.DONE, sweeps.SKIPPED, sweeps.FAILED)
    }
    say()
    runs = list(dict.fromkeys(job["run"] for job in jobs if job["status"] != sweeps.FAILED))
    if runs:
        _show([Path(run) for run in runs], folder)
    say(f"{len(jobs)} jobs: " + ", ".join(f"{n} {status}" for status, n in counts.items() if n))
    for job in jobs:
        if job["status"] == sweeps.FAILED:
            warn(f"job {job['job']} ({' '.join(job['overrides'])}) failed: {job['reason']}")
            outcome.current().failures.append(job["reason"])
    track_sweep(config, folder)
    say(f"sweep: {folder}")


def _show(folders: list[Path], out: Path) -> None:
    from vlrb.evaluation.runs import load_run
    from vlrb.report.across_splits import on_several_splits, show_across_splits
    from vlrb.tasks.leaderboard import show_and_write

    runs = [load_run(folder) for folder in folders]
    if on_several_splits(runs):
        show_across_splits(runs, out)
    else:
        show_and_write(runs, out)
