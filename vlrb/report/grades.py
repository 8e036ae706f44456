"""Every model's grade and cost on the samples of a report: what run folders do not hold, only the benchmark does."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vlrb.report.frames import Evaluated
from vlrb.schema import MODEL_ID

if TYPE_CHECKING:
    from PIL.Image import Image


class Grades(NamedTuple):
    """Outcomes and content of the n samples of a split, in the order of the leaderboard's first run.

    Attributes:
        Y: (n, m) quality, NaN = unknown.
        C: (n, m) USD per query, NaN = unknown.
        prompt: Returns the prompt of a sample.
        pictures: Returns the pictures of a sample (DataError: unreadable; StateError: the raw data are gone).
    """

    Y: np.ndarray
    C: np.ndarray
    prompt: Callable[[int], str]
    pictures: Callable[[int], "list[Image]"]


class Absent(NamedTuple):
    """Grades that are not to be had, and why."""

    reason: str


def decisions_of(table: Evaluated, model_ids: Sequence[str], prefix: str = "") -> np.ndarray:
    """Return the (n,) chosen columns of a decision table; -1 for a model that is not of the pool."""
    import pandas as pd

    return np.asarray(pd.Index(model_ids).get_indexer(pd.Index(table.table[f"{prefix}{MODEL_ID}"])))
