"""One leaderboard over many runs: on the terminal and as files."""

from collections.abc import Sequence
from pathlib import Path

from vlrb.evaluation.runs import Run
from vlrb.report.budgets import budgets_frame, not_binding
from vlrb.report.leaderboard import Leaderboard, make_leaderboard
from vlrb.report.methods import Select
from vlrb.report.page.samples import MOST_SAMPLES
from vlrb.report.terminal import print_leaderboard
from vlrb.report.write import write_leaderboard
from vlrb.schema import SplitName
from vlrb.utils.config import Plain
from vlrb.utils.console import say
from vlrb.utils.errors import ConfigError


def show_and_write(
    runs: Sequence[Run | Path],
    out: Path,
    split: SplitName = "test",
    select: Select = "dev",
    config: Plain | None = None,
) -> Leaderboard:
    """Print the leaderboard of finished runs (or run folders), write it (csv, md, tex, html, plots) into `out`.

    Args:
        runs: Runs or run folders.
        out: Where the report goes.
        split: The split to show.
        select: What dev chooses, see `vlrb.report.methods.find_methods`; "none" makes every run a row.
        config: With it, the benchmark is read too (see `read_grades`), and `samples` single samples are shown.

    Raises:
        StateError: A run is not finished, or the runs saw different data, prices or bounds.
    """
    board = make_leaderboard(runs, split, select=select)
    print_leaderboard(board)
    write_with_grades(board, out, config)
    return board


def write_with_grades(board: Leaderboard, out: Path, config: Plain | None) -> None:
    """Write a leaderboard, with what only the benchmark knows where a config says how to find it.

    Raises:
        ConfigError: More samples are asked for than a page can hold.
    """
    if config is None:
        write_leaderboard(board, out)
        return
    from vlrb.tasks.grades import read_grades

    write_leaderboard(
        board, out, budgets=config["budgets"], grades=read_grades(board, config), samples=config["samples"]
    )
    loose = None if config["budgets"] == "auto" else not_binding(budgets_frame(board, config["budgets"]))
    if loose is not None:
        say(loose, style="dim")


def check_samples(samples: int) -> None:
    """Refuse a number of samples that a page cannot hold.

    Raises:
        ConfigError: It is negative or too large.
    """
    if not isinstance(samples, int) or not 0 <= samples <= MOST_SAMPLES:
        raise ConfigError(f"samples={samples}: a page shows 0 to {MOST_SAMPLES} samples", "e.g. samples=60")
