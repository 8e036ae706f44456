"""Groups of related samples: connected components over pictures, near-duplicates of pictures and declared keys."""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.likeness.near import same_pictures
from vlrb.benchmark.likeness.table import CONTENT_HASH, PictureTable

_NOTHING = hashlib.blake2b(b"", digest_size=16).hexdigest()  # content hash of a picture whose bytes could not be read


class Groups(NamedTuple):
    """Which samples belong together.

    Args:
        of_sample: (N,) int, numbered by first appearance.
        keys: What each group is called; a seeded hash of it decides where the group goes.
    """

    of_sample: np.ndarray
    keys: list[str]


def hash_fraction(seed: int, key: str) -> float:
    """Return SHA256(seed‖key) / 2²⁵⁶, a number in [0, 1) that depends on nothing else."""
    digest = hashlib.sha256(f"{seed}|{key}".encode()).digest()
    return int.from_bytes(digest, "big") / 2**256


def related_pictures(pictures: PictureTable | None) -> np.ndarray:
    """Return pairs of content hashes of pictures that show the same, (K, 2) str; none without a table."""
    if pictures is None:
        return np.empty((0, 2), dtype=object)
    if pictures.pairs is not None:
        return pictures.pairs
    names = pictures.readable.frame[CONTENT_HASH].to_numpy(dtype=object)
    pairs: np.ndarray = names[same_pictures(pictures)]
    return pairs


def sample_groups(samples: pd.DataFrame, twins: np.ndarray | None = None) -> Groups:
    """Return the groups of samples that are related, directly or through others.

    Samples are related that share a picture (content hash), a split key, or that have pictures which show the same. The
    key of a group is its smallest link (split key, else content hash; the sample's id where it has neither). So a new
    sample changes no key unless it joins a group, and then only if it brings a smaller link or joins two groups.

    Args:
        samples: sample_id, images (lists of picture references) and split_key.
        twins: (K, 2) content hashes of pictures that show the same.
    """
    from scipy.sparse import coo_array  # light start-up: a finished benchmark is looked at without it
    from scipy.sparse.csgraph import connected_components

    sample, link, links = _links(samples)
    count = len(samples)
    one, other = _twin_links(links, twins)
    start, end = np.concatenate([sample, count + one]), np.concatenate([count + link, count + other])
    edges = coo_array((np.ones(len(start), np.int8), (start, end)), shape=(count + len(links),) * 2)
    _, label = connected_components(edges, directed=False)
    group, first = pd.factorize(label[:count])
    key_of_label = np.full(int(label.max(initial=-1)) + 1, -1, dtype=np.int64)
    key_of_label[label[count:][::-1]] = np.arange(len(links))[::-1]  # links are sorted: the smallest is written last
    return Groups(group, [links[position] for position in key_of_label[first]])


def _twin_links(links: list[str], twins: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    if twins is None or not len(twins):
        nothing = np.empty(0, dtype=np.int64)
        return nothing, nothing
    names = pd.Index([_picture_link(name) for name in twins.ravel()])
    position = pd.Index(links).get_indexer(names).reshape(-1, 2)
    one, other = position[(position >= 0).all(axis=1)].T
    return one, other


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
    hashes = [image[CONTENT_HASH] for image in images]
    found = [_picture_link(name) for name in hashes if name and name != _NOTHING]
    if split_key:
        found.append(f"key:{split_key}")
    return found or [f"sample:{sample_id}"]


def _picture_link(content_hash: str) -> str:
    return f"picture:{content_hash}"
