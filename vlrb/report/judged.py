"""All rows of a leaderboard judged on the same resamples: what intervals of ratios and differences need."""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vlrb.evaluation.judge import Judgement, judge
from vlrb.evaluation.runs import Run
from vlrb.evaluation.seeds import across_seeds
from vlrb.metrics.bootstrap import RESAMPLES
from vlrb.metrics.outcomes import Chosen
from vlrb.report.frames import reference_choosers, reference_names
from vlrb.report.leaderboard import Leaderboard
from vlrb.report.seeds import aligned

BEST, ORACLE, CHEAPEST = "best single", "oracle", "cheapest_global"


class JudgedBoard(NamedTuple):
    """Figures and resampled figures of every run behind the rows, of further runs, and of the references.

    Attributes:
        choosers: What the decisions brought, by run folder or name of a reference.
        judgements: Their figures.
    """

    choosers: dict[str, Chosen]
    judgements: dict[str, Judgement]

    def mean(self, runs: Sequence[Run]) -> Judgement:
        """Return the mean over the seeds of one configuration."""
        return across_seeds([self.judgements[str(run.folder)] for run in runs], zlib.crc32(runs[0].router.encode()))

    def of(self, name: str) -> Judgement | None:
        """Return the figures of a reference, None if the runs do not hold its decisions."""
        return self.judgements.get(name)


def judge_board(board: Leaderboard, further: Sequence[Run] = ()) -> JudgedBoard:
    """Judge the rows of a leaderboard, further runs on the same data, and the references, all on the same resamples.

    Raises:
        StateError: A run decided on other samples than the first.
    """
    first = board.runs[0]
    rows = [run for method in board.methods.values() for run in method.chosen.runs]
    runs = list({str(run.folder): run for run in [*rows, *further]}.values())
    tables = aligned([first, *runs], board.split)
    names = reference_names(first)
    choosers = {str(run.folder): table.chooser() for run, table in zip(runs, tables[1:], strict=True)}
    choosers |= reference_choosers(first, board.split, names)
    choosers |= {BEST: tables[0].chooser("best_single_"), ORACLE: tables[0].chooser("oracle_")}
    resamples = int(first.config.get("resamples", RESAMPLES))
    judged = judge(choosers, tables[0].units, first.bounds, first.seed, resamples)
    return JudgedBoard(choosers, judged)


def finite(values: np.ndarray) -> bool:
    """Return whether there are resampled values, all of them finite."""
    return bool(len(values) and np.isfinite(values).all())
