"""Leave datasets out: train on some datasets, test on others."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.names import is_name
from vlrb.benchmark.splits.groups import Groups
from vlrb.benchmark.splits.rule import SplitRule, check_share
from vlrb.utils.errors import ConfigError
from vlrb.utils.fingerprint import fingerprint
from vlrb.utils.suggest import did_you_mean


class LeaveDatasetOut(SplitRule):
    """Held-out datasets are the test split; the groups of the others go to train and dev by a seeded hash.

    Samples of the other datasets that are related to a held-out one (same picture, say) are `unused`: in train or dev
    they would tell about the test samples, and they are no part of what is tested.

    Args:
        name: Name of the split.
        holdout: One or more datasets to test on, by their names in the benchmark.
        dev: Share of the rest for choosing.
        seed: Another seed draws dev differently.
        near_duplicates: Pictures that show the same in different files relate their samples.

    Raises:
        ConfigError: No dataset is held out, or `dev` is not between 0 and 1.
    """

    spelled = ("holdout",)

    def __init__(
        self,
        name: str = "leave_dataset_out",
        holdout: Sequence[str] | str | None = None,
        dev: float = 0.125,
        seed: int = 0,
        near_duplicates: bool = True,
    ) -> None:
        super().__init__(name, seed, near_duplicates)
        names = [holdout] if isinstance(holdout, str) else list(holdout or ())
        if not names:
            raise ConfigError("split.holdout names no dataset", "say which to test on: split.holdout=[MathVista_MINI]")
        self.holdout = sorted({str(dataset) for dataset in names})
        self.dev = check_share("dev", dev)

    def settings(self) -> dict[str, Any]:
        """Return everything that determines the split, but for name and seed."""
        return {"holdout": self.holdout, "dev": self.dev, "near_duplicates": self.near_duplicates}

    def variant(self) -> str:
        """Return the name with the held-out dataset, or a hash of several."""
        if len(self.holdout) == 1 and is_name(self.holdout[0]):
            return f"{self.name}-{self.holdout[0]}"
        return f"{self.name}-{len(self.holdout)}-{fingerprint(self.holdout, 8)}"

    def decide(self, samples: pd.DataFrame, groups: Groups) -> np.ndarray:
        """Return where each sample goes.

        Raises:
            ConfigError: There is no such dataset, or none is left to train on.
        """
        dataset = samples[schema.DATASET].astype(str)
        held = dataset.isin(self.holdout).to_numpy()
        self._check(set(dataset), held)
        touched = np.bincount(groups.of_sample, weights=held, minlength=len(groups.keys)) > 0
        side = np.where(self.draw(groups) < self.dev, schema.DEV, schema.TRAIN)
        side = np.where(touched, schema.UNUSED, side)
        sides: np.ndarray = np.where(held, schema.TEST, side[groups.of_sample])
        return sides

    def _check(self, known: set[str], held: np.ndarray) -> None:
        for name in self.holdout:
            if name not in known:
                raise ConfigError(f"split.holdout: no dataset {name!r}", did_you_mean(name, known))
        if held.all():
            raise ConfigError("split.holdout names every dataset, so none is left to train on")
