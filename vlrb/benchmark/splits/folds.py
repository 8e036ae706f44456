"""Cross-validation: each fold is tested on once."""

from typing import Any

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.splits.groups import Groups
from vlrb.benchmark.splits.rule import SplitRule, check_share
from vlrb.utils.errors import ConfigError


class KFold(SplitRule):
    """One fold of a grouped k-fold split: group g is in fold ⌊u·folds⌋ of its hash u, so growth moves no other group.

    Over all folds every sample is in test exactly once. The folds differ a little in size, as whole groups are drawn.

    Args:
        name: Name of the split.
        folds: Number of folds, at least 2.
        fold: Which one is tested on, from 0.
        dev: Share of the rest for choosing, drawn anew in every fold.
        seed: Another seed draws other folds.
        near_duplicates: Pictures that show the same in different files relate their samples.

    Raises:
        ConfigError: A value is out of range.
    """

    spelled = ("folds", "fold")

    def __init__(
        self,
        name: str = "kfold",
        folds: int = 5,
        fold: int = 0,
        dev: float = 0.125,
        seed: int = 0,
        near_duplicates: bool = True,
    ) -> None:
        super().__init__(name, seed, near_duplicates)
        if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
            raise ConfigError(f"split.folds must be a whole number ≥ 2, not {folds}")
        if isinstance(fold, bool) or not isinstance(fold, int) or not 0 <= fold < folds:
            raise ConfigError(f"split.fold must be one of 0 … {folds - 1}, not {fold}", "folds are counted from 0")
        self.folds, self.fold = folds, fold
        self.dev = check_share("dev", dev)

    def settings(self) -> dict[str, Any]:
        """Return everything that determines the split, but for name and seed."""
        return {"folds": self.folds, "fold": self.fold, "dev": self.dev, "near_duplicates": self.near_duplicates}

    def variant(self) -> str:
        """Return the name with number and count of folds."""
        return f"{self.name}-{self.fold}of{self.folds}"

    def decide(self, samples: pd.DataFrame, groups: Groups) -> np.ndarray:
        """Return where each sample goes."""
        fold = np.floor(self.draw(groups) * self.folds).astype(np.int64)
        rest = np.where(self.draw(groups, f"dev {self.fold}|") < self.dev, schema.DEV, schema.TRAIN)
        sides: np.ndarray = np.where(fold == self.fold, schema.TEST, rest)[groups.of_sample]
        return sides
