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
    """Visit every sample once per epoch, one index tensor per batch; several devices share each batch between them.

    Used as the sampler of a loader with `batch_size=None`, so that a batch costs one slice and no per-sample work. It
    is a DistributedSampler, so that Lightning tells it the epoch and does not put one of its own in its place.

    All devices see equally many batches, and together exactly what one device would see. A last batch with fewer
    samples than devices is added to the one before it: a share is empty only if there are more devices than samples.

    Args:
        samples: Anything with a length.
        batch_size: Samples per batch, over all devices (at least one per device).
        seed: Seed of the run; None keeps the given order.
        num_replicas: Number of devices r that share a batch, each taking every r-th sample of it.
        rank: This device, counted from 0.
    """

    def __init__(
        self,
        samples: Sized,
        batch_size: int,
        seed: int | None = None,
        num_replicas: int = 1,
        rank: int = 0,
    ) -> None:
        super().__init__(cast("Any", samples), num_replicas=num_replicas, rank=rank, shuffle=seed is not None)
        self.n = len(samples)
        self.batch_size = max(batch_size, num_replicas)
        self.order_seed = seed

    def order(self) -> Tensor:
        """Return the positions of this epoch, of all devices."""
        return torch.arange(self.n) if self.order_seed is None else epoch_order(self.n, self.order_seed, self.epoch)

    def __iter__(self) -> Iterator[Any]:
        order, batches = self.order(), len(self)
        for k in range(batches):
            stop = self.n if k == batches - 1 else (k + 1) * self.batch_size
            yield order[k * self.batch_size : stop][self.rank :: self.num_replicas]

    def __len__(self) -> int:
        whole, rest = divmod(self.n, self.batch_size)
        return whole + (rest >= self.num_replicas or (rest > 0 and whole == 0))
