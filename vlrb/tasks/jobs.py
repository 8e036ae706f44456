"""How one job begins and ends: errors become a record and NaN, never an exit that would take other jobs along."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from vlrb.schema import DONE_FILE, FAILED_FILE
from vlrb.utils import outcome, sweeps
from vlrb.utils.config import Plain, run_folder, to_plain
from vlrb.utils.console import say
from vlrb.utils.devices import claim_share
from vlrb.utils.errors import VlrbError, refused_by_system
from vlrb.utils.files import write_json

NAN = float("nan")


@dataclass(frozen=True)
class JobResult:
    """What a job gives back.

    Attributes:
        status: "done" or "skipped" (a finished run with the same config and data was found).
        folder: The run folder.
        objective: The value for a sweeper, NaN if undefined.
    """

    status: str
    folder: Path | None = None
    objective: float = NAN


def run_job(cfg: DictConfig, script: str, work: Callable[[Plain], JobResult]) -> float:
    """Run one job and return its objective; on failure record the reason and return NaN.

    Args:
        cfg: The composed config.
        script: train, evaluate or build_data.
        work: The job itself, on plain containers.
    """
    started = time.monotonic()
    sweep, number = _sweep_place()
    _claim_share(number)
    config: Plain | None = None
    folder: Path | None = None
    entry: dict[str, Any]
    try:
        config = to_plain(cfg, script)
        result = work(config)
    except Exception as error:  # a failing job must not take the other jobs of its sweep along
        reason = _reason(error)
        folder = run_folder(config) if script == "train" and config is not None else None
        _record_failure(error, reason, folder)
        entry = {"run": folder and str(folder), "status": sweeps.FAILED, "reason": reason, "objective": None}
        objective = NAN
    else:
        objective = result.objective
        value = None if objective != objective else objective
        entry = {"run": str(result.folder), "status": result.status, "reason": None, "objective": value}
    if sweep is not None:
        entry |= {"overrides": list(HydraConfig.get().overrides.task), "seconds": round(time.monotonic() - started, 2)}
        sweeps.record_job(sweep, number, entry)
    return objective


def _claim_share(number: int) -> None:
    """Under the joblib launcher, take this job's GPU and its share of the cores."""
    if in_sweep() and "joblib" in str(HydraConfig.get().launcher.get("_target_", "")).lower():
        claim_share(number, int(HydraConfig.get().launcher.n_jobs))


def in_sweep() -> bool:
    """Return whether this job is one of a sweep."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def _sweep_place() -> tuple[Path | None, int]:
    if not in_sweep() or "sweep" not in HydraConfig.get().callbacks:
        return None, 0
    return Path(HydraConfig.get().sweep.dir), int(HydraConfig.get().job.num)


def _reason(error: Exception) -> str:
    if isinstance(error, VlrbError):
        return str(error)
    return refused_by_system(error) or f"{type(error).__name__}: {error}"


def _record_failure(error: Exception, reason: str, folder: Path | None) -> None:
    """Say the reason on stderr, keep it (and the traceback) in the run folder, and set the exit code."""
    from vlrb.utils.cli import report_error

    trace = "".join(traceback.format_exception(error))
    if folder is not None and folder.is_dir() and not (folder / DONE_FILE).is_file():  # a finished run stays untouched
        write_json(folder / FAILED_FILE, {"reason": reason, "traceback": trace})
        say(f"failed: {folder}")
    # An error that is not about the user's input is a defect of ours: its traceback is needed.
    expected = isinstance(error, VlrbError) or refused_by_system(error) is not None
    report_error(reason, trace, expected=expected)
    if not in_sweep():
        outcome.current().failures.append(reason)


def plain_value(value: Any) -> float:  # noqa: ANN401 - a JSON number or null
    """Return a JSON number as float, NaN for null."""
    return NAN if value is None else float(value)
