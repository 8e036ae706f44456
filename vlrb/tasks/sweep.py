"""Begin and end of a sweep: the record, the list of failed jobs, the leaderboard over all finished runs."""

import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from vlrb.schema import SWEEP_FILE
from vlrb.tasks.jobs import runs_elsewhere
from vlrb.tasks.sweep_progress import SweepProgress
from vlrb.tasks.tracking_report import track_sweep
from vlrb.utils import outcome, sweeps
from vlrb.utils.console import say, say_error, warn
from vlrb.utils.errors import VlrbError

if TYPE_CHECKING:
    from vlrb.evaluation.runs import Run


class SweepCallback(Callback):
    """Hydra callback that keeps the sweep's record and prints its summary (in the launching process).

    Args:
        sweep_id: Name of the sweep's folder, set by the command line layer.
        call: A name of this call, set by the command line layer; jobs share what they have opened within one call.
    """

    def __init__(self, sweep_id: str | None = None, call: str | None = None) -> None:
        self.sweep_id = sweep_id
        self.call = call

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:  # noqa: ANN401 - Hydra's signature
        """Begin the record."""
        # A worker of joblib's that has grown is replaced by a new one: nothing that a person has to know.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
        folder = sweep_folder(config)
        sweeps.start_record(folder, list(config.hydra.overrides.task))
        outcome.current().progress = SweepProgress(folder, watch=runs_elsewhere(config.hydra))

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:  # noqa: ANN401 - Hydra's signature
        """Tell of the job, if it ran in the launching process."""
        progress = outcome.current().progress
        if progress is not None:
            progress.tell()

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:  # noqa: ANN401 - Hydra's signature
        """Print failed jobs and the leaderboard; note failures for the exit code."""
        progress = outcome.current().progress
        if progress is not None:
            progress.close()
        for path in sweeps.record_folders(sweep_folder(config)):
            try:
                summarise(path, config)
            except Exception as error:  # Hydra would make a warning of it and call the sweep a success
                reason = str(error) if isinstance(error, VlrbError) else "".join(traceback.format_exception(error))
                say_error(f"error: {path}: no summary: {reason}")
                outcome.current().failures.append(reason)


def sweep_folder(config: DictConfig) -> Path:
    """Return the folder of the sweep that a (job or base) config belongs to."""
    return Path(str(config.hydra.sweep.dir))


def summarise(folder: Path, config: DictConfig) -> None:
    """Print what became of a sweep's jobs and write its leaderboard (to W&B, too, if its config says so)."""
    if not (folder / SWEEP_FILE).exists():
        return
    jobs = sweeps.read_record(folder)["jobs"]
    if not jobs:
        return
    say()
    _show(_finished(jobs), folder)
    counts = {s: sum(job["status"] == s for job in jobs) for s in (sweeps.DONE, sweeps.SKIPPED, sweeps.FAILED)}
    say(f"{len(jobs)} jobs: " + ", ".join(f"{n} {status}" for status, n in counts.items() if n))
    for job in jobs:
        if job["status"] == sweeps.FAILED:
            _tell_failure(job)
    track_sweep(config, folder)
    say(f"sweep: {folder}")


def _tell_failure(job: dict[str, Any]) -> None:
    say_error(f"error: job {job['job']} ({' '.join(job['overrides'])}) failed: {job['reason']}")
    if job.get("log"):
        say_error(f"  log: {job['log']}")
    outcome.current().failures.append(job["reason"])


def _finished(jobs: list[dict[str, Any]]) -> list["Run"]:
    """Return the runs of jobs that have a result; a run that cannot be read is named and left out."""
    from vlrb.evaluation.runs import load_run

    runs = []
    for folder in dict.fromkeys(job["run"] for job in jobs if job["status"] != sweeps.FAILED):
        try:
            runs.append(load_run(Path(folder)))
        except VlrbError as error:
            warn(f"not in the table: {error}")
            outcome.current().failures.append(str(error))
    return runs


def _show(runs: list["Run"], out: Path) -> None:
    """Print and write one leaderboard, or one for each choice of data, prices and bounds among the runs."""
    from vlrb.report.across_splits import on_several_splits, show_across_splits
    from vlrb.tasks.leaderboard import show_and_write

    if not runs:
        return
    if on_several_splits(runs):
        show_across_splits(runs, out)
        return
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.data["data_fingerprint"], run.data["bounds"]["hash"]), []).append(run)
    for (data, bounds), group in groups.items():
        pricing = str(group[0].data["pricing"])
        show_and_write(group, out if len(groups) == 1 else out / f"{pricing}-{data[:4]}{bounds[:4]}")
