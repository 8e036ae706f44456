"""The order in which samples are seen: a pure function of (seed, epoch), so that any epoch can be repeated."""

import hashlib
from collections.abc import Iterator, Sized
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DistributedSampler


def derive_seed(*parts: object) -> int:
    """Return a seed in [0, 2⁶³) that depends on all parts, the same on every machine.

    >>> derive_seed(0, 1) == derive_seed(0, 1), derive_seed(0, 1) == derive_seed(1, 0)
    (True, False)
    """
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def epoch_order(n: int, seed: int, epoch: int) -> Tensor:
    """Return the order (n,) int64 in which epoch `epoch` of a run with seed `seed` visits n samples."""
    return torch.from_numpy(np.random.default_rng(derive_seed("order", seed, epoch)).permutation(n))


class EpochBatches(DistributedSampler):  # type: ignore[type-arg] # it yields whole index tensors
    """Visit every sample once per epoch, one index tensor per batch; several devices share an epoch between them.

    Used as the sampler of a loader with `batch_size=None`, so that a batch costs one slice and no per-sample work. It
    is a DistributedSampler, so that Lightning tells it the epoch and does not put one of its own in its place.

    Args:
        samples: Anything with a length.
        batch_size: Samples per batch and device.
        seed: Seed of the run; None keeps the given order.
        num_replicas: Number of devices that share an epoch, each taking every r-th sample.
        rank: This device, counted from 0.
        even: Repeat some samples so that every device gets equally many (training needs that, evaluation must not).
    """

    def __init__(
        self,
        samples: Sized,
        batch_size: int,
        seed: int | None = None,
        num_replicas: int = 1,
        rank: int = 0,
        *,
        even: bool = False,
    ) -> None:
        super().__init__(cast("Any", samples), num_replicas=num_replicas, rank=rank, shuffle=seed is not None)
        self.n = len(samples)
        self.batch_size = batch_size
        self.order_seed = seed
        self.even = even

    def order(self) -> Tensor:
        """Return the positions of this device in this epoch."""
        order = torch.arange(self.n) if self.order_seed is None else epoch_order(self.n, self.order_seed, self.epoch)
        missing = -self.n % self.num_replicas
        if self.even and missing and self.n:
            order = torch.cat([order, order[torch.arange(missing) % self.n]])
        return order[self.rank :: self.num_replicas]

    def __iter__(self) -> Iterator[Any]:
        order = self.order()
        for start in range(0, len(order), self.batch_size):
            yield order[start : start + self.batch_size]

    def __len__(self) -> int:
        padded = self.n + (-self.n % self.num_replicas if self.even else 0)
        share = len(range(self.rank, padded, self.num_replicas))
        return -(-share // self.batch_size)
