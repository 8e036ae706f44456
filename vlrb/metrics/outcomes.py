"""The outcomes of one evaluated set: what every model would have scored and cost on every sample."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vlrb.metrics.bounds import CostBounds
from vlrb.schema import CORRECT_THRESHOLD
from vlrb.utils.errors import DataError


class Chosen(NamedTuple):
    """What a decision brought, sample by sample: quality (n,) in [0, 1] and cost (n,) in USD, NaN = unknown."""

    quality: np.ndarray
    cost: np.ndarray


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Outcomes of n samples × m models, with what is needed to aggregate them.

    Args:
        Y: (n, m) quality in [0, 1], NaN = unknown.
        C: (n, m) cost in USD per query, NaN = unknown.
        split_group: (n,) int codes of related samples.
        dataset: (n,) int codes into `dataset_names`.
        dataset_names: Names of the datasets.
        dataset_groups: Reporting group of each dataset.
        model_ids: Ids of the m models, in column order.
        bounds: Cost scale of the Rank Score.

    Raises:
        DataError: Shapes that do not fit one another.
    """

    Y: np.ndarray
    C: np.ndarray
    split_group: np.ndarray
    dataset: np.ndarray
    dataset_names: tuple[str, ...]
    dataset_groups: tuple[str, ...]
    model_ids: tuple[str, ...]
    bounds: CostBounds

    def __post_init__(self) -> None:
        n, m = self.Y.shape
        fits = (
            self.C.shape == (n, m) and len(self.model_ids) == m and len(self.dataset_groups) == len(self.dataset_names)
        )
        if not fits or self.split_group.shape != (n,) or self.dataset.shape != (n,):
            raise DataError(
                f"outcomes of {n} samples × {m} models: shapes differ between quality, cost, groups and names"
            )

    def __len__(self) -> int:
        return len(self.Y)

    def chosen(self, decision: np.ndarray) -> Chosen:
        """Return quality and cost of a decision, (n,) int columns."""
        decision = np.asarray(decision)
        if decision.shape != (len(self),) or (
            len(self) and not 0 <= decision.min() <= decision.max() < self.Y.shape[1]
        ):
            raise DataError(f"a decision needs {len(self)} columns from 0 to {self.Y.shape[1] - 1}")
        rows = np.arange(len(self))
        return Chosen(self.Y[rows, decision], self.C[rows, decision])

    def single(self, column: int) -> Chosen:
        """Return quality and cost of always choosing one model."""
        return Chosen(self.Y[:, column], self.C[:, column])


def is_correct(quality: np.ndarray) -> np.ndarray:
    """Return y = 1[Y ≥ 0.5] as float64, NaN where the quality is unknown (any shape).

    >>> is_correct(np.array([0.5, 0.49, np.nan])).tolist()
    [1.0, 0.0, nan]
    """
    quality = np.asarray(quality, dtype=np.float64)
    return np.where(np.isnan(quality), np.nan, quality >= CORRECT_THRESHOLD)
