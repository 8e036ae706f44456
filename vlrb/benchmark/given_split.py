"""The split that came with the data: `split=given`."""

from typing import Any

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.names import check_name
from vlrb.benchmark.splits import sample_groups
from vlrb.utils.errors import ConfigError, DataError

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


class GivenSplit:
    """The sides as the data name them: train, dev (val, valid, validation) and test.

    Related samples are still found and recorded, so that the integrity report says where the given split parts them
    and intervals are still clustered by them.

    Args:
        name: Name of the split; with the seed it names the file.
        seed: Only names the file: nothing is drawn.

    Raises:
        ConfigError: The seed is negative.
    """

    def __init__(self, name: str = "given", seed: int = 0) -> None:
        if seed < 0:
            raise ConfigError(f"split.seed must be ≥ 0, not {seed}")
        self.name = check_name(name, "split")
        self.seed = seed

    def settings(self) -> dict[str, Any]:
        """Return everything that determines the split besides the data."""
        return {"given": True}

    def assign(self, samples: pd.DataFrame) -> pd.DataFrame:
        """Return sample_id, split and split_group (int32), rows in the order of `samples`.

        Args:
            samples: sample_id, dataset, images, split_key and given_split.

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
        group, _ = sample_groups(samples)
        return pd.DataFrame(
            {
                schema.SAMPLE_ID: samples[schema.SAMPLE_ID].to_numpy(),
                schema.SPLIT: sides.to_numpy(),
                schema.SPLIT_GROUP: group.astype(np.int32),
            }
        )
