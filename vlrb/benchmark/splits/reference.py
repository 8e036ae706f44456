"""The published split: one shuffle of all samples, whatever they share."""

from typing import Any

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.splits.groups import Groups
from vlrb.benchmark.splits.rule import SplitRule, check_share
from vlrb.utils.errors import ConfigError


class ReferenceSplit(SplitRule):
    """The split of the published VL-RouterBench code: shuffle all sample ids once, cut at 70 % and 80 %.

    Samples that share a picture fall on both sides of it; the integrity report counts them. Groups are recorded all the
    same, so that intervals are clustered. The published code shuffles ids in the order in which it met the files, which
    depends on the file system; here ids are sorted first, so the rule is the published one but its outcome is not.

    Args:
        name: Name of the split.
        train: Share of samples for training, int(train · N) of them.
        dev: Share for choosing, int(dev · N); test takes the rest.
        seed: Seed of NumPy's Mersenne Twister.
        near_duplicates: Recorded groups join pictures that show the same in different files.

    Raises:
        ConfigError: A share is not between 0 and 1, nothing is left for test, or the seed is no 32-bit number.
    """

    keeps_groups = False

    def __init__(
        self,
        name: str = "reference",
        train: float = 0.7,
        dev: float = 0.1,
        seed: int = 42,
        near_duplicates: bool = True,
    ) -> None:
        super().__init__(name, seed, near_duplicates)
        self.train, self.dev = check_share("train", train), check_share("dev", dev)
        if train + dev >= 1:
            raise ConfigError(f"split.train + split.dev must be below 1, not {train + dev:g}", "test takes the rest")
        if seed >= 2**32:
            raise ConfigError(f"split.seed must be below 2³² for this rule, not {seed}")

    def settings(self) -> dict[str, Any]:
        """Return everything that determines the split, but for name and seed."""
        return {"train": self.train, "dev": self.dev, "near_duplicates": self.near_duplicates}

    def decide(self, samples: pd.DataFrame, groups: Groups) -> np.ndarray:
        """Return where each sample goes."""
        count = len(samples)
        by_id = np.argsort(samples[schema.SAMPLE_ID].to_numpy(dtype=object).astype(str), kind="stable")
        shuffled = by_id[np.random.RandomState(self.seed).permutation(count)]
        train, dev = int(self.train * count), int(self.dev * count)
        sides = np.full(count, schema.TEST, dtype="<U6")
        sides[shuffled[:train]] = schema.TRAIN
        sides[shuffled[train : train + dev]] = schema.DEV
        return sides
