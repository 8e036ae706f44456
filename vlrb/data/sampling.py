"""The order in which samples are seen: a pure function of (seed, epoch), so that any epoch can be repeated."""

import hashlib
from collections.abc import Iterator, Sized
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DistributedSampler


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


class EpochSampler(DistributedSampler):  # type: ignore[type-arg] # it yields positions whatever the dataset holds
    """Visit every sample once per epoch; several devices share an epoch, each taking every r-th sample.

    A subclass of DistributedSampler, so that Lightning neither replaces it nor forgets to tell it the epoch.

    Args:
        samples: Anything with a length.
        seed: Seed of the run; None keeps the given order.
        num_replicas: Number of devices that share an epoch.
        rank: This device, counted from 0.
        even: Repeat some samples so that every device gets equally many (training needs that, evaluation must not).
    """

    def __init__(
        self, samples: Sized, seed: int | None, num_replicas: int = 1, rank: int = 0, *, even: bool = False
    ) -> None:
        super().__init__(cast("Any", samples), num_replicas=num_replicas, rank=rank, shuffle=seed is not None)
        self.n = len(samples)
        self.order_seed = seed
        self.even = even

    def order(self) -> Tensor:
        """Return the positions of this device in this epoch."""
        if self.order_seed is None:
            order = torch.arange(self.n)
        else:
            order = epoch_order(self.n, self.order_seed, self.epoch)
        missing = -self.n % self.num_replicas
        if self.even and missing and self.n:
            order = torch.cat([order, order[torch.arange(missing) % self.n]])
        return order[self.rank :: self.num_replicas]

    def __iter__(self) -> Iterator[int]:
        yield from self.order().tolist()

    def __len__(self) -> int:
        return len(self.order()) if self.n < self.num_replicas else self._share()

    def _share(self) -> int:
        padded = self.n + (-self.n % self.num_replicas if self.even else 0)
        return len(range(self.rank, padded, self.num_replicas))


class WholeBatches(BatchSampler):
    """Yield whole index tensors: one slice per batch in place of one Python integer per sample."""

    def __iter__(self) -> Iterator[Any]:
        sampler = self.sampler
        order = sampler.order() if isinstance(sampler, EpochSampler) else torch.as_tensor(list(sampler))
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch
