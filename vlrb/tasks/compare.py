"""`evaluate.py runs=A compare=B`: the leaderboard of A, and what changed from B to it."""

from pathlib import Path

from vlrb.evaluation.runs import find_runs
from vlrb.report.compare import CHANGES, Comparison, compare
from vlrb.report.compare_write import print_comparison, write_comparison
from vlrb.report.gate import check_gate, parse_gate
from vlrb.report.leaderboard import Leaderboard, make_leaderboard
from vlrb.tasks.leaderboard import check_samples
from vlrb.utils.config import Plain
from vlrb.utils.console import warn
from vlrb.utils.errors import ConfigError

NOT_JUDGED = ("route", "mu", "budget", "pricing")  # they make other figures first, in folders of their own


def check_request(config: Plain) -> None:
    """Refuse options of the report that cannot be met, before any work.

    Raises:
        ConfigError: `fail_if` cannot be read, `samples` is out of range, or `compare` stands without `runs`,
            or either stands with what makes other figures first.
    """
    check_samples(config["samples"])
    if config["fail_if"] is not None:
        parse_gate(config["fail_if"])
    if config["compare"] is not None and not config["runs"]:
        raise ConfigError("compare needs runs", "runs=<sweep | folder | glob> compare=<sweep | folder | glob>")
    other = next((key for key in NOT_JUDGED if config.get(key) is not None), None)
    if other and (config["fail_if"] is not None or config["compare"] is not None):
        what = "fail_if" if config["fail_if"] is not None else "compare"
        raise ConfigError(f"{what} does not go with {other}", f"give {what} to evaluate.py runs=<what {other}=… wrote>")


def compare_with(board: Leaderboard, config: Plain, out: Path) -> Comparison | None:
    """Compare with the runs that `compare` means, print and write what changed; None if nothing was asked for.

    Raises:
        StateError: There are none, or they are about other data, prices or bounds.
    """
    if config["compare"] is None:
        return None
    found = find_runs(config["compare"])
    for folder, reason in found.skipped:
        warn(f"left out {folder}: {reason}")
    before = make_leaderboard(found.runs, board.split, select=config["select"])
    comparison = compare(board, before, config["resamples"])
    print_comparison(comparison)
    write_comparison(comparison, out)
    return comparison


def gate(board: Leaderboard, comparison: Comparison | None, config: Plain) -> None:
    """Fail if the condition of `fail_if` is met; with a comparison it may name its changes, accuracy_change say.

    Raises:
        ConfigError: It names a column that there is not.
        StateError: It is met.
    """
    if config["fail_if"] is None:
        return
    frame = board.frame
    if comparison is not None:
        named = comparison.frame[comparison.frame["name"].notna()].set_index("name")
        frame = frame.join(named[list(CHANGES)].astype("float64"), on="name")
    check_gate(config["fail_if"], frame, CHANGES)
