"""A leaderboard over many runs in W&B: at the end of a sweep, or by `evaluate.py runs=… logger=wandb`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from vlrb.utils.console import say, warn
from vlrb.utils.errors import ConfigError, VlrbError
from vlrb.utils.instantiate import TARGET, build

if TYPE_CHECKING:
    from vlrb.evaluation.runs import Run
    from vlrb.report.leaderboard import Leaderboard

WANDB = "vlrb.tracking.wandb_logger.WandbTracker"


def is_wandb(node: Mapping[str, Any] | None) -> bool:
    """Return whether a `logger` config is that of W&B."""
    return node is not None and node.get(TARGET) == WANDB


def check_report_logger(node: Mapping[str, Any]) -> None:
    """Refuse a logger that has no place for a leaderboard.

    Raises:
        ConfigError: It is another than none and wandb.
    """
    if node.get(TARGET) and not is_wandb(node):
        raise ConfigError("evaluate.py reports to W&B alone", "logger=wandb; the files of the report are there anyway")


def track_report(node: Mapping[str, Any], board: "Leaderboard", out: Path, group: str) -> None:
    """Record a leaderboard in W&B if the `logger` config says so.

    Args:
        node: The `logger` config, plain.
        board: The leaderboard.
        out: Where its report was written.
        group: Group of the W&B run.
    """
    if not is_wandb(node):
        return
    from vlrb.tracking.report_run import log_report

    log_report(build(node, "logger", folder=out, in_sweep=False), board, out, group)


def track_sweep(config: DictConfig, folder: Path) -> None:
    """Record a sweep's leaderboard in W&B if its jobs were recorded there, and say how to upload what is offline.

    Args:
        config: The sweep's composed config.
        folder: The sweep's folder, its report written.
    """
    node: Any = OmegaConf.to_container(config.logger, resolve=False) if "logger" in config else None
    if not is_wandb(node):
        return
    from vlrb.evaluation.runs import find_runs
    from vlrb.report.leaderboard import make_leaderboard

    try:
        runs = find_runs(folder).runs
        track_report(node, make_leaderboard(runs), folder, folder.name)
    except VlrbError as error:  # nothing finished, or several tables
        warn(f"W&B: no report of this sweep ({error.message})")
        return
    _say_how_to_sync(runs)


def _say_how_to_sync(runs: Sequence["Run"]) -> None:
    """Say once for all runs of a sweep which command uploads those that are offline."""
    offline = [run.folder for run in runs if any((run.folder / "wandb").glob("offline-run-*"))]
    if offline:
        base = offline[0].parents[1]
        say(f"W&B: {len(offline)} runs are offline; upload them with: wandb sync {base}/*/*/wandb/offline-run-*")
