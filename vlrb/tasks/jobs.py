"""How one job begins and ends: errors become a record and NaN, never an exit that would take other jobs along."""

import os
import platform
import time
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from vlrb.schema import DONE_FILE, FAILED_FILE, LOG_FILE
from vlrb.utils import outcome, sweeps
from vlrb.utils.config import Plain, run_folder, to_plain
from vlrb.utils.console import muted, say
from vlrb.utils.devices import claim_share, visible_gpus
from vlrb.utils.errors import VlrbError, refused_by_system
from vlrb.utils.files import write_json, write_text

NAN = float("nan")
BASIC = "basic_launcher"


@dataclass(frozen=True)
class JobResult:
    """What a job gives back.

    Attributes:
        status: "done" or "skipped" (a finished run with the same config and data was found).
        folder: The run folder.
        objective: The value for a sweeper, NaN if undefined.
        line: What a sweep tells of it.
    """

    status: str
    folder: Path | None = None
    objective: float = NAN
    line: str | None = None


def run_job(cfg: DictConfig, script: str, work: Callable[[Plain], JobResult]) -> float:
    """Run one job and return its objective; on failure record the reason and return NaN.

    Args:
        cfg: The composed config.
        script: train, evaluate or build_data.
        work: The job itself, on plain containers.
    """
    started = time.monotonic()
    sweep, number = _sweep_place()
    _claim_share(number, cfg.get("trainer"))
    config: Plain | None = None
    with muted() if in_sweep() and runs_elsewhere(HydraConfig.get()) else nullcontext():
        try:
            config = to_plain(cfg, script)
            result = work(config)
        except Exception as error:  # a failing job must not take the other jobs of its sweep along
            folder = run_folder(config) if script == "train" and config is not None else None
            entry, objective = _failed(error, folder, sweep and sweep / f"job-{number}.log"), NAN
        else:
            objective = result.objective
            value = None if objective != objective else objective
            entry = {"run": str(result.folder), "status": result.status, "line": result.line, "objective": value}
    if sweep is not None:
        words = list(HydraConfig.get().overrides.task)
        seconds = round(time.monotonic() - started, 2)
        sweeps.record_job(sweep, number, {**entry, "overrides": words, "seconds": seconds, **_place()})
    return objective


def _place() -> dict[str, Any]:
    """Return where this job ran: with several hosts and devices, the first question about a slow or failed job."""
    return {"host": platform.node(), "process": os.getpid(), "gpus": visible_gpus()}


def _claim_share(number: int, trainer: Any) -> None:  # noqa: ANN401 - the trainer's config
    """Under the joblib launcher, take this job's GPU (or GPUs) and its share of the cores."""
    if in_sweep() and "joblib" in str(HydraConfig.get().launcher.get("_target_", "")).lower():
        devices = (trainer or {}).get("devices", 1)
        several = devices if isinstance(devices, int) and devices > 1 else 1
        claim_share(number, int(HydraConfig.get().launcher.n_jobs), devices=several)


def in_sweep() -> bool:
    """Return whether this job is one of a sweep."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def runs_elsewhere(hydra: Any) -> bool:  # noqa: ANN401 - Hydra's own config
    """Return whether the launcher runs jobs in other processes than the one that started the sweep."""
    return BASIC not in str(hydra.launcher.get("_target_", BASIC))


def _sweep_place() -> tuple[Path | None, int]:
    if not in_sweep() or "sweep" not in HydraConfig.get().callbacks:
        return None, 0
    return Path(HydraConfig.get().sweep.dir), int(HydraConfig.get().job.num)


def _reason(error: Exception) -> str:
    if isinstance(error, VlrbError):
        return str(error)
    return refused_by_system(error) or f"{type(error).__name__}: {error}"


def _failed(error: Exception, folder: Path | None, log: Path | None) -> dict[str, Any]:
    """Keep the reason and the traceback of a failed job and return its entry for the sweep's record.

    Args:
        error: Why it failed.
        folder: Its run folder, if it has one.
        log: The file for the traceback, if the run folder has none.
    """
    reason, trace = _reason(error), "".join(traceback.format_exception(error))
    if folder is not None and folder.is_dir() and not (folder / DONE_FILE).is_file():  # a finished run stays untouched
        write_json(folder / FAILED_FILE, {"reason": reason, "traceback": trace})
        log = folder / LOG_FILE
        with log.open("a", encoding="utf-8") as file:
            file.write(trace)
        if not in_sweep():
            say(f"failed: {folder}")
    elif log is not None:
        write_text(log, trace)
    if not in_sweep():
        _report(error, reason, trace)
    # The sweep's summary tells of it: lines of jobs that run side by side would mix.
    return {
        "run": folder and str(folder),
        "status": sweeps.FAILED,
        "reason": reason,
        "log": log and str(log),
        "objective": None,
    }


def _report(error: Exception, reason: str, trace: str) -> None:
    """Say the reason on stderr and set the exit code."""
    from vlrb.utils.cli import report_error

    # An error that is not about the user's input is a defect of ours: its traceback is needed.
    expected = isinstance(error, VlrbError) or refused_by_system(error) is not None
    report_error(reason, trace, expected=expected)
    outcome.current().failures.append(reason)


def plain_value(value: Any) -> float:  # noqa: ANN401 - a JSON number or null
    """Return a JSON number as float, NaN for null."""
    return NAN if value is None else float(value)
