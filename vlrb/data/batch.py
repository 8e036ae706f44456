"""The batch: what a router gets to see, and what it must not see while deciding."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final, TypedDict, cast

import numpy as np
from torch import Tensor

# What a router may declare in `RouterModule.inputs`.
FEATURES: Final = "features"
RAW: Final = "raw"
DATASET: Final = "dataset"
OUTCOMES: Final = "outcomes"
INPUTS: Final = frozenset({FEATURES, RAW, DATASET, OUTCOMES})

# Keys of a batch that tell how the models did; never in a batch to decide on, but for a bound that declares "outcomes".
OUTCOME_KEYS: Final = frozenset({"targets", "weight", "Y", "C"})


class Batch(TypedDict, total=False):
    """B samples at once.

    `index` (B,) int64 row in the view; `sample_key` (B,) int64 hash of the sample id; `dataset` (B,) int64 code, −1 for
    a dataset not seen in training; `features` (B, D) float32, if the router reads them; `text_ids` and the four keys
    after it, if it reads prompts and pictures (`encoders.backbones.base.Backbone` says how). In training and validation
    only: `targets` (B, M) float32 soft targets, `weight` (B,) float32 (0 = row without a target), `Y` (B, M) float32
    quality and `C` (B, M) float32 cost in USD, NaN = missing. On dev only: `dev_half` (B,) int64, 0 or 1, for two
    uses of dev that must not see the same samples.
    """

    index: Tensor
    sample_key: Tensor
    dataset: Tensor
    features: Tensor
    text_ids: Tensor
    text_mask: Tensor
    pixels: Tensor
    extent: Tensor
    picture_mask: Tensor
    targets: Tensor
    weight: Tensor
    Y: Tensor
    C: Tensor
    dev_half: Tensor


def decision_batch(batch: Batch, inputs: frozenset[str] = frozenset()) -> Batch:
    """Return the batch without outcomes; a router whose inputs hold "outcomes" (a bound) keeps Y and C."""
    kept = {"Y", "C"} if OUTCOMES in inputs else set()
    plain = cast("Mapping[str, Tensor]", batch)
    return cast("Batch", {k: v for k, v in plain.items() if k not in OUTCOME_KEYS or k in kept})


def sample_keys(sample_ids: Iterable[str]) -> np.ndarray:
    """Return one int64 per sample id: the first 8 bytes of its SHA-256, the same on every machine.

    >>> sample_keys(["MMStar/1"]).tolist() == sample_keys(["MMStar/0", "MMStar/1"])[1:].tolist()
    True
    """
    digests = b"".join(hashlib.sha256(str(s).encode()).digest()[:8] for s in sample_ids)
    return np.frombuffer(digests, dtype=">i8").astype(np.int64)


def group_halves(keys: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return 0 or 1 (n,) int64 for each sample by a bit of its group's lowest key: about half each, groups whole.

    Args:
        keys: (n,) int64 `sample_keys`.
        groups: (n,) split group of each sample.

    >>> group_halves(np.array([4, 7, 3]), np.array([0, 0, 1])).tolist()  # 4 is even, so 7 goes with it
    [0, 0, 1]
    """
    _, group = np.unique(groups, return_inverse=True)
    lowest = np.full(len(keys), np.iinfo(np.int64).max)
    np.minimum.at(lowest, group, keys)
    return np.asarray(lowest[group] & 1)
