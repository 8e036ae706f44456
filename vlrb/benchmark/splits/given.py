"""The split that came with the data: `split=given`."""

from typing import Any

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.splits.groups import Groups
from vlrb.benchmark.splits.rule import SplitRule
from vlrb.utils.errors import DataError

NAMES = {
    "train": schema.TRAIN,
    "training": schema.TRAIN,
    "dev": schema.DEV,
    "val": schema.DEV,
    "valid": schema.DEV,
    "validation": schema.DEV,
    "development": schema.DEV,
    "test": schema.TEST,
    "testing": schema.TEST,
}


class GivenSplit(SplitRule):
    """The sides as the data name them: train, dev (val, valid, validation) and test.

    Related samples are still found and recorded, so that the integrity report says where the given split parts them
    and intervals are still clustered by them.

    Args:
        name: Name of the split; with the seed it names the file.
        seed: Only names the file: nothing is drawn.
        near_duplicates: Recorded groups join pictures that show the same in different files.

    Raises:
        ConfigError: The seed is negative.
    """

    keeps_groups = False

    def __init__(self, name: str = "given", seed: int = 0, near_duplicates: bool = True) -> None:
        super().__init__(name, seed, near_duplicates)

    def settings(self) -> dict[str, Any]:
        """Return everything that determines the split besides the data."""
        return {"near_duplicates": self.near_duplicates}

    def decide(self, samples: pd.DataFrame, groups: Groups) -> np.ndarray:
        """Return where each sample goes.

        Raises:
            DataError: The data came without a split, or a sample has none or one that has another name.
        """
        if schema.GIVEN_SPLIT not in samples:
            raise DataError("split=given: the data came without a split", "let one be made: split=grouped")
        words = samples[schema.GIVEN_SPLIT].fillna("")
        sides = words.str.strip().str.lower().map(NAMES)
        if sides.isna().any():
            row = int(np.argmax(sides.isna()))
            what = f"split {words.iloc[row]!r}" if words.iloc[row].strip() else "no split"
            count = int(sides.isna().sum())
            raise DataError(
                f"split=given: sample {samples[schema.SAMPLE_ID].iloc[row]} has {what}"
                + (f" (and {count - 1:,} more like it)" if count > 1 else ""),
                "known: train, dev (val, valid, validation), test; or let one be made: split=grouped",
            )
        return sides.to_numpy(dtype=object).astype(str)
