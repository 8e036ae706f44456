"""What all split rules share: how they find groups, what their file is called, and what they write."""

import inspect
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.likeness.table import PictureTable
from vlrb.benchmark.names import check_name
from vlrb.benchmark.splits.groups import Groups, hash_fraction, related_pictures, sample_groups
from vlrb.utils.errors import ConfigError
from vlrb.utils.fingerprint import fingerprint

_TOLERANCE = 1e-9


class SplitRule(ABC):
    """A way to split samples.

    Args:
        name: Name of the split.
        seed: Another seed is another split, kept beside the first.
        near_duplicates: Pictures that show the same in different files relate their samples; false = only files that
            are equal byte by byte do, and no picture is decoded.

    Raises:
        ConfigError: The name cannot be a file name, or a value is out of range.
    """

    keeps_groups: ClassVar[bool] = True
    spelled: ClassVar[tuple[str, ...]] = ()  # settings that `variant` tells

    def __init__(self, name: str, seed: int, near_duplicates: bool) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise ConfigError(f"split.seed must be a whole number ≥ 0, not {seed}")
        self.name = check_name(name, "split")
        self.seed = seed
        self.near_duplicates = near_duplicates

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return everything that determines the split, but for name and seed: constructor arguments, plain values."""

    @abstractmethod
    def decide(self, samples: pd.DataFrame, groups: Groups) -> np.ndarray:
        """Return where each sample goes, (N,) str: train, dev, test or unused."""

    def variant(self) -> str:
        """Return the name, with the settings that tell variants of this rule apart."""
        return self.name

    @property
    def label(self) -> str:
        """What the split's files are called, with the seed: rules with different settings never share one."""
        defaults = {name: p.default for name, p in inspect.signature(type(self)).parameters.items()}
        other = {k: v for k, v in self.settings().items() if k not in self.spelled and v != defaults[k]}
        return self.variant() + (f"-{fingerprint(other, 8)}" if other else "")

    def identity(self) -> dict[str, Any]:
        """Return everything that determines the split, plain values."""
        return {"rule": type(self).__name__, "seed": self.seed, **self.settings()}

    def assign(self, samples: pd.DataFrame, pictures: PictureTable | None = None) -> pd.DataFrame:
        """Return sample_id, split and split_group (int32), rows in the order of `samples`.

        Args:
            samples: sample_id, dataset, images (lists of picture references) and split_key.
            pictures: Marks of their pictures; needed if `near_duplicates`.
        """
        groups = sample_groups(samples, related_pictures(pictures if self.near_duplicates else None))
        return pd.DataFrame(
            {
                schema.SAMPLE_ID: samples[schema.SAMPLE_ID].to_numpy(),
                schema.SPLIT: self.decide(samples, groups),
                schema.SPLIT_GROUP: groups.of_sample.astype(np.int32),
            }
        )

    def draw(self, groups: Groups, purpose: str = "") -> np.ndarray:
        """Return a number in [0, 1) for each group, from seed and key alone; another purpose is another draw."""
        return np.array([hash_fraction(self.seed, purpose + key) for key in groups.keys], dtype=np.float64)


def check_share(key: str, share: float) -> float:
    """Return a share as float, or raise ConfigError if it is not between 0 and 1."""
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
        raise ConfigError(f"split.{key} must be between 0 and 1, not {share}")
    return float(share)


def check_shares(train: float, dev: float, test: float) -> tuple[float, float, float]:
    """Return three shares as floats, or raise ConfigError if they are not positive numbers that add up to 1."""
    shares = check_share("train", train), check_share("dev", dev), check_share("test", test)
    if abs(sum(shares) - 1) > _TOLERANCE:
        raise ConfigError(f"split.train + split.dev + split.test must be 1, not {sum(shares):g}")
    return shares
