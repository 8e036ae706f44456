"""What is checked, and what a check says."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.likeness.table import PictureTable
from vlrb.benchmark.splits.groups import Groups, related_pictures, sample_groups
from vlrb.benchmark.splits.rule import SplitRule
from vlrb.benchmark.store import Benchmark, CostTable

Level = Literal["error", "warning", "note"]
SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One thing a check found.

    Args:
        level: `error` = parts disagree, `warning` = something is missing or questionable, `note` = good to know.
        check: Name of the check.
        message: What was found.
        count: How many rows, cells, files or groups it concerns.
        samples: Ids of a few samples it concerns, to look at.
    """

    level: Level
    check: str
    message: str
    count: int = 1
    samples: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Subject:
    """What is checked: a benchmark with one price book's costs and one split.

    Args:
        bench: The benchmark.
        costs: Costs under one price book.
        split: sample_id, split and split_group.
        rule: The rule that made the split.
        pictures: Marks of the pictures, if the rule looks at them.
    """

    bench: Benchmark
    costs: CostTable
    split: pd.DataFrame
    rule: SplitRule
    pictures: PictureTable | None = None

    @cached_property
    def ids(self) -> np.ndarray:
        """Sample ids (N,) object."""
        return self.bench.samples[schema.SAMPLE_ID].to_numpy(dtype=object)

    @property
    def recorded_costs(self) -> bool:
        """Whether costs came with the data; tokens and prices then say nothing about them."""
        return bool(self.costs.prices.get("recorded", False))

    @cached_property
    def sides(self) -> np.ndarray:
        """Where each sample is, (N,) str."""
        return self.split[schema.SPLIT].to_numpy(dtype=object).astype(str)

    @cached_property
    def twins(self) -> np.ndarray:
        """Pairs of content hashes of pictures that show the same, (K, 2), found again from the marks."""
        return related_pictures(self.pictures)

    @cached_property
    def groups(self) -> Groups:
        """Related samples, found again from samples and marks: a split file must not vouch for itself."""
        return sample_groups(self.bench.samples, self.twins)

    def examples(self, rows: np.ndarray) -> list[str]:
        """Return the ids of the first few of some rows."""
        return [str(sample_id) for sample_id in self.ids[rows[:SHOWN]]]


def some(names: Iterable[str]) -> str:
    """Return the first few names in words.

    >>> some("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    names = list(names)
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
