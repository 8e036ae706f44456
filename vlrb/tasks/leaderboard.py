"""One leaderboard over many runs: on the terminal and as files."""

from collections.abc import Sequence
from pathlib import Path

from vlrb.evaluation.runs import check_comparable, load_run
from vlrb.report.terminal import print_leaderboard
from vlrb.report.write import write_leaderboard
from vlrb.schema import SplitName


def show_and_write(folders: Sequence[Path], out: Path, split: SplitName = "test") -> None:
    """Print the leaderboard of finished runs and write it (csv, md, html, plots) into `out`.

    Raises:
        StateError: A run is not finished, or the runs saw different data, prices or bounds.
    """
    runs = [load_run(folder) for folder in folders]
    check_comparable(runs)
    print_leaderboard(runs, split)
    write_leaderboard(runs, out, split)
