"""The most similar rows of a bank, by inner product in float32: faiss on the CPU, torch elsewhere.

Which of the two searches depends on the device, the platform and the number of queries, so nothing may depend on the
last bits of its similarities: `cosine_neighbours` settles in float64 what float32 cannot tell apart.

faiss searches the bank where it lies (`faiss.knn` takes plain arrays): there is no index to build, save or throw away.
It is imported at its first search, after torch, and has as many threads as torch (`torch.set_num_threads`) for the one
call. Both bring an OpenMP runtime. On Linux they get along in either order of import, in processes started by joblib,
and after a fork as far as torch itself does: a process forked from one that has computed on several threads must
compute on one (data loaders see to that). On macOS two copies of the runtime may end the process, so there, and
wherever faiss is not installed, torch searches.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

SEARCH_CELLS = 16_000_000  # similarities that torch holds at once
FAISS_QUERIES = 20  # from here on faiss multiplies matrices; fewer queries are as fast in torch
FAISS_WIDTH = 1024  # wider results are sorted faster by torch


class Similar(NamedTuple):
    """For each query the `similarity` (B, W), highest first, and the bank `rows` (B, W) int64 that have it."""

    similarity: Tensor
    rows: Tensor


def most_similar(queries: Tensor, bank: Tensor, width: int) -> Similar:
    """Return the `width` bank rows with the largest inner product with each query.

    Args:
        queries: (B, D) float32, finite.
        bank: (N, D) float32, finite.
        width: W, 1 to N.
    """
    if len(queries) >= FAISS_QUERIES and width <= FAISS_WIDTH and bank.device.type == "cpu" and faiss_is_usable():
        return _by_faiss(queries, bank, width)
    return _by_torch(queries, bank, width)


def faiss_is_usable() -> bool:
    """Return whether faiss may search here: it is installed, and the platform bears two OpenMP runtimes."""
    return sys.platform == "linux" and find_spec("faiss") is not None


def _by_torch(queries: Tensor, bank: Tensor, width: int) -> Similar:
    rows = max(1, SEARCH_CELLS // len(bank))
    found = [_product(part, bank).topk(width, dim=1) for part in torch.split(queries, rows)]
    return Similar(*(torch.cat(parts) if len(parts) > 1 else parts[0] for parts in zip(*found, strict=True)))


def _product(queries: Tensor, bank: Tensor) -> Tensor:
    """Return all inner products (B, N). One query is as fast as memory is read; NumPy's BLAS reads it fastest."""
    if len(queries) == 1 and bank.device.type == "cpu":
        return torch.from_numpy(bank.detach().numpy() @ queries[0].detach().numpy()).unsqueeze(0)
    return linear(queries, bank)


def _by_faiss(queries: Tensor, bank: Tensor, width: int) -> Similar:
    import faiss

    with _threads(torch.get_num_threads()):
        xq, xb = (x.detach().contiguous().numpy() for x in (queries, bank))
        similarity, rows = faiss.knn(xq, xb, width, metric=faiss.METRIC_INNER_PRODUCT)
    return Similar(torch.from_numpy(similarity), torch.from_numpy(rows))


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Give faiss `count` threads for a while (in some installations the setting is torch's own)."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
