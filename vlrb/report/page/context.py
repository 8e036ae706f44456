"""What all sections are made from: the leaderboard, its rows as arrays, every model's grades, colours."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from vlrb.report.budgets import Budgets
from vlrb.report.frames import Evaluated, evaluated
from vlrb.report.grades import Absent, Grades, decisions_of
from vlrb.report.leaderboard import TRAINED, Leaderboard
from vlrb.report.palette import SERIES
from vlrb.schema import SAMPLE_ID

SHAPES = ("circle", "square", "triangle", "diamond")  # after ten routers colours repeat in another shape
MOST_LEADERS = 12


class Style(NamedTuple):
    """How a router is drawn: name of a shade and of a shape."""

    colour: str
    shape: str


class Leader(NamedTuple):
    """A row that sections compare: the first run of a router in the leaderboard.

    Attributes:
        name: Its name in the leaderboard.
        router: Its router.
        table: Its decisions.
        style: Its colour and shape.
    """

    name: str
    router: str
    table: Evaluated
    style: Style


@dataclass(frozen=True, eq=False)
class Context:
    """Material of a page.

    Args:
        board: The leaderboard.
        datasets: Its table per dataset.
        grades: Every model's outcomes on the split, or why there are none.
        samples: How many samples the drill-down shows.
        budgets: Budgets of the table of budgets.
    """

    board: Leaderboard
    datasets: pd.DataFrame
    grades: Grades | Absent
    samples: int
    budgets: Budgets = "auto"

    @property
    def model_ids(self) -> list[str]:
        """Ids of the models, in column order."""
        return list(self.board.runs[0].data["model_ids"])

    @cached_property
    def model_names(self) -> list[str]:
        """Names of the models to show, in column order."""
        return [self.board.runs[0].display_name(model) for model in self.model_ids]

    @cached_property
    def styles(self) -> dict[str, Style]:
        """Colour and shape of every trained router, by its name, in the order of the leaderboard."""
        names = self.rows["router"].drop_duplicates()
        size = len(SERIES)
        return {name: Style(SERIES[k % size], SHAPES[k // size % len(SHAPES)]) for k, name in enumerate(names)}

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Rows of the leaderboard that have a run: trained routers, or trained references where there are no others."""
        rows = self.board.frame[self.board.frame["run"].notna()]
        trained = rows[rows["kind"] == TRAINED]
        return trained if len(trained) else rows

    @cached_property
    def leaders(self) -> list[Leader]:
        """The first run of each router, at most 12."""
        folders = {str(run.folder): run for run in self.board.runs}
        rows = self.rows.drop_duplicates("router").head(MOST_LEADERS)
        return [
            Leader(row["name"], row["router"], evaluated(folders[row["run"]], self.board.split), style)
            for row in rows.to_dict("records")
            if (style := self.styles[row["router"]])
        ]

    @cached_property
    def comparable(self) -> list[Leader]:
        """Leaders that decided on the same samples in the same order as the first run of the leaderboard."""
        ids = self.board.evaluated.table[SAMPLE_ID].to_numpy()
        return [leader for leader in self.leaders if np.array_equal(leader.table.table[SAMPLE_ID].to_numpy(), ids)]

    def decisions(self, leader: Leader) -> np.ndarray:
        """Return the columns that a leader chose, (n,)."""
        return decisions_of(leader.table, self.model_ids)
