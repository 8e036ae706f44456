"""Splits that keep related samples together: whole groups go to train, dev or test by a seeded hash."""

import hashlib
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from vlrb import schema
from vlrb.benchmark.names import check_name
from vlrb.utils.errors import ConfigError

_SHARE_TOLERANCE = 1e-9


class SplitRule(Protocol):
    """A way to split samples; `name` and `seed` name its file, `settings()` is everything that determines it."""

    name: str
    seed: int

    def settings(self) -> dict[str, Any]:
        """Return plain values."""
        ...

    def assign(self, samples: pd.DataFrame) -> pd.DataFrame:
        """Return sample_id, split and split_group (int32), rows in the order of `samples`."""
        ...


class Splitter:
    """Grouped split: related samples (same picture, same declared key, across datasets) never part.

    Groups are the connected components over picture hashes and split keys. By default a group goes where the hash of
    seed and group key says, so adding samples moves no other group (only a new sample that joins two groups can move
    one of them); shares then scatter around the wanted ones. `exact` cuts at quotas per dataset instead: shares are
    met as closely as whole groups allow, but growth may move groups.

    Args:
        name: Name of the split; with the seed it names the file.
        train: Share of samples for training.
        dev: Share for choosing (early stop, λ).
        test: Share for the final figures.
        seed: Another seed is another split.
        exact: Meet the shares by quotas per dataset.

    Raises:
        ConfigError: The shares are not positive numbers that add up to 1.
    """

    def __init__(
        self,
        name: str = "grouped",
        train: float = 0.7,
        dev: float = 0.1,
        test: float = 0.2,
        seed: int = 0,
        exact: bool = False,
    ) -> None:
        shares = {"train": train, "dev": dev, "test": test}
        for key, share in shares.items():
            if not 0 < share < 1:
                raise ConfigError(f"split.{key} must be between 0 and 1, not {share}")
        if abs(sum(shares.values()) - 1) > _SHARE_TOLERANCE:
            raise ConfigError(f"split.train + split.dev + split.test must be 1, not {sum(shares.values()):g}")
        if seed < 0:
            raise ConfigError(f"split.seed must be ≥ 0, not {seed}")
        self.name = check_name(name, "split")
        self.train, self.dev, self.test = float(train), float(dev), float(test)
        self.seed = seed
        self.exact = exact

    def settings(self) -> dict[str, Any]:
        """Return everything that determines the split."""
        return {
            "train": self.train,
            "dev": self.dev,
            "test": self.test,
            "seed": self.seed,
            "exact": self.exact,
        }

    def assign(self, samples: pd.DataFrame) -> pd.DataFrame:
        """Return sample_id, split and split_group (int32), rows in the order of `samples`.

        Args:
            samples: sample_id, dataset, images (lists of picture references) and split_key.
        """
        group, keys = sample_groups(samples)
        draw = np.array([hash_fraction(self.seed, key) for key in keys], dtype=np.float64)
        codes = self._by_quota(samples, group, draw) if self.exact else self._by_hash(draw)
        return pd.DataFrame(
            {
                schema.SAMPLE_ID: samples[schema.SAMPLE_ID].to_numpy(),
                schema.SPLIT: np.array(schema.SPLITS)[codes[group]],
                schema.SPLIT_GROUP: group.astype(np.int32),
            }
        )

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


def hash_fraction(seed: int, key: str) -> float:
    """Return SHA256(seed‖key) / 2²⁵⁶, a number in [0, 1) that depends on nothing else."""
    digest = hashlib.sha256(f"{seed}|{key}".encode()).digest()
    return int.from_bytes(digest, "big") / 2**256


def sample_groups(samples: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Return the group of each sample (N,) int, numbered by first appearance, and the key of each group.

    Samples that share a picture hash or a split key, directly or through others, are one group. The key of a group is
    its smallest link (picture hash or split key; the sample's id where it has neither), so a new sample that brings no
    new link changes no key.
    """
    sample, link, links = _links(samples)
    count = len(samples)
    edges = coo_array((np.ones(len(sample), np.int8), (sample, count + link)), shape=(count + len(links),) * 2)
    _, label = connected_components(edges, directed=False)
    group, first = pd.factorize(label[:count])
    key_of_label = np.full(int(label.max(initial=-1)) + 1, -1, dtype=np.int64)
    key_of_label[label[count:][::-1]] = np.arange(len(links))[::-1]  # links are sorted: the smallest is written last
    return group, [links[position] for position in key_of_label[first]]


def _links(samples: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rows: list[int] = []
    names: list[str] = []
    split_keys = samples[schema.SPLIT_KEY].fillna("")
    columns = zip(samples[schema.SAMPLE_ID], samples[schema.IMAGES], split_keys, strict=True)
    for row, (sample_id, images, split_key) in enumerate(columns):
        found = _links_of(sample_id, images, split_key)
        rows.extend([row] * len(found))
        names.extend(found)
    codes, uniques = pd.factorize(np.array(names, dtype=object), sort=True)
    return np.array(rows, dtype=np.int64), codes, [str(name) for name in uniques]


def _links_of(sample_id: str, images: Sequence[dict[str, Any]], split_key: str) -> list[str]:
    found = [f"picture:{image['content_hash']}" for image in images if image["content_hash"]]
    if split_key:
        found.append(f"key:{split_key}")
    return found or [f"sample:{sample_id}"]


def _home_dataset(group: np.ndarray, dataset: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Return for each group the dataset that most of its samples come from, and its number of samples."""
    width = int(dataset.max(initial=-1)) + 1
    pairs, counts = np.unique(group.astype(np.int64) * width + dataset, return_counts=True)
    # Ascending by count, so the last write per group wins; ties go to the first dataset.
    order = np.lexsort((-(pairs % width), counts))
    home = np.zeros(groups, dtype=np.int64)
    home[pairs[order] // width] = pairs[order] % width
    return home, np.bincount(group, minlength=groups).astype(np.float64)
