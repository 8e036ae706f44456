"""One W&B run for a leaderboard over many runs: its rows, the frontier, figures per dataset, and the plots."""

from pathlib import Path
from typing import Any, Final

from vlrb.report.leaderboard import Leaderboard
from vlrb.tracking import tables
from vlrb.tracking.card import RunCard
from vlrb.tracking.guard import Guard
from vlrb.tracking.wandb_logger import WandbTracker, as_table
from vlrb.utils.fingerprint import fingerprint

REPORT: Final = "report"


def report_card(board: Leaderboard, group: str) -> RunCard:
    """Return the card of a leaderboard's run: the same for the same runs."""
    data = board.runs[0].data
    folders = sorted(f"{run.folder.parent.name}/{run.folder.name}" for run in board.runs)
    mark = fingerprint([data["data_fingerprint"], data["bounds"]["hash"], board.split, group, folders], 8)
    settings = {"dataset/name": data["dataset_name"], "split": board.split, "runs": folders}
    facts = {"fingerprint": data["data_fingerprint"], "pricing": data.get("pricing")}
    tags = (str(data["dataset_name"])[:64], REPORT)
    return RunCard(f"{REPORT}-{mark}", f"{REPORT} {board.title}", group, tags, settings, facts)


def log_report(tracker: WandbTracker, board: Leaderboard, out: Path, group: str) -> None:
    """Record a leaderboard once, as a run of its own (`job_type: report`); a failure is one warning.

    Args:
        tracker: How W&B is reached, from `logger=wandb`; its folder is where the run's files go.
        board: The leaderboard.
        out: Where its report was written; the plots in it are recorded.
        group: Group of the run: the sweep.
    """
    guard = Guard(tracker.who)
    run = guard.call("starting the report", tracker.open, report_card(board, tracker.group or group), job_type=REPORT)
    if run is not None:
        guard.call("logging the report", _log, run, board, out)
        guard.close(tracker.close, run, failed=guard.off)


def _log(run: Any, board: Leaderboard, out: Path) -> None:  # noqa: ANN401 - wandb.Run
    import wandb

    points = as_table(tables.points(board))
    shown: dict[str, Any] = {
        "leaderboard": as_table(tables.leaderboard(board)),
        "points": points,
        "datasets": as_table(tables.datasets(board)),
        "choices": as_table(tables.choices(board)),
        "accuracy against cost": wandb.plot.scatter(points, "cost_per_1k", "accuracy", "Accuracy against cost"),
    }
    shown |= {f"plots/{path.stem}": wandb.Image(str(path)) for path in sorted(out.glob("*.png"))}
    run.log(shown, step=0)
    run.summary.update({"runs": len(board.runs)})
