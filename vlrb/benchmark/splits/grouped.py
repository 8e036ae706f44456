"""The standard split: whole groups go to train, dev or test by a seeded hash."""

from typing import Any

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.splits.groups import Groups
from vlrb.benchmark.splits.rule import SplitRule, check_shares

_ORDER = np.array((schema.TRAIN, schema.DEV, schema.TEST))


class Splitter(SplitRule):
    """Grouped split: related samples (same picture, same declared key, across datasets) never part.

    By default a group goes where the hash of seed and group key says, so adding samples moves no other group; shares
    then scatter around the wanted ones. `exact` cuts at quotas per dataset instead: shares are met as closely as whole
    groups allow, but growth may move groups.

    Args:
        name: Name of the split.
        train: Share of samples for training.
        dev: Share for choosing (early stop, λ).
        test: Share for the final figures.
        seed: Another seed is another split.
        exact: Meet the shares by quotas per dataset.
        near_duplicates: Pictures that show the same in different files relate their samples.

    Raises:
        ConfigError: The shares are not positive numbers that add up to 1.
    """

    spelled = ("exact",)

    def __init__(
        self,
        name: str = "grouped",
        train: float = 0.7,
        dev: float = 0.1,
        test: float = 0.2,
        seed: int = 0,
        exact: bool = False,
        near_duplicates: bool = True,
    ) -> None:
        super().__init__(name, seed, near_duplicates)
        self.train, self.dev, self.test = check_shares(train, dev, test)
        self.exact = exact

    def settings(self) -> dict[str, Any]:
        """Return everything that determines the split, but for name and seed."""
        names = ("train", "dev", "test", "exact", "near_duplicates")
        return {name: getattr(self, name) for name in names}

    def variant(self) -> str:
        """Return `grouped` or `grouped_exact`, however the latter was asked for."""
        if self.exact == self.name.endswith("exact"):
            return self.name
        return f"{self.name}_exact" if self.exact else f"{self.name}-hashed"

    def decide(self, samples: pd.DataFrame, groups: Groups) -> np.ndarray:
        """Return where each sample goes."""
        draw = self.draw(groups)
        codes = self._by_quota(samples, groups.of_sample, draw) if self.exact else self._by_hash(draw)
        sides: np.ndarray = _ORDER[codes[groups.of_sample]]
        return sides

    def _by_hash(self, draw: np.ndarray) -> np.ndarray:
        return np.where(draw < self.test, 2, np.where(draw < self.test + self.dev, 1, 0))

    def _by_quota(self, samples: pd.DataFrame, group: np.ndarray, draw: np.ndarray) -> np.ndarray:
        dataset = pd.Categorical(samples[schema.DATASET]).codes.astype(np.int64)
        home, size = _home_dataset(group, dataset, len(draw))
        order = np.lexsort((draw, home))
        total = np.bincount(home, weights=size, minlength=int(dataset.max(initial=-1)) + 1)
        before_dataset = np.concatenate([[0.0], np.cumsum(total)])[home[order]]
        middle = np.cumsum(size[order]) - size[order] / 2 - before_dataset
        quota_test = np.round(self.test * total)[home[order]]
        quota_both = np.round((self.test + self.dev) * total)[home[order]]
        codes = np.empty(len(draw), dtype=np.int64)
        codes[order] = np.where(middle < quota_test, 2, np.where(middle < quota_both, 1, 0))
        return codes


def _home_dataset(group: np.ndarray, dataset: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Return for each group the dataset that most of its samples come from, and its number of samples."""
    width = int(dataset.max(initial=-1)) + 1
    pairs, counts = np.unique(group.astype(np.int64) * width + dataset, return_counts=True)
    # Ascending by count, so the last write per group wins; ties go to the first dataset.
    order = np.lexsort((-(pairs % width), counts))
    home = np.zeros(groups, dtype=np.int64)
    home[pairs[order] // width] = pairs[order] % width
    return home, np.bincount(group, minlength=groups).astype(np.float64)
