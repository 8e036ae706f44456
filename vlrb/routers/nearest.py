"""Exact cosine neighbours whose weights depend neither on the batch nor on the order of the bank."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import embedding  # gathers rows; indexing would start threads for a few of them

from vlrb.routers.similar import Similar, most_similar
from vlrb.utils.errors import DataError

SPARE = 16  # candidates looked at beyond k, for ties
FLOAT32_ROUNDING = 8 * 2.0**-24  # times √D: what the rounding of two float32 similarities of unit rows may add up to
FLOAT64_NOISE = 1e-12
NUMBERS_AT_ONCE = 1 << 19  # float64 numbers of an exact product held at once: they stay in the cache

NUMBERS_ON_ONE_THREAD = 1 << 15  # torch splits no elementwise work below this: nothing waits for another thread


class Neighbours(NamedTuple):
    """For each query: bank rows `rows` (B, W) int64 and their `weight` (B, W) ≥ 0, summing to min(k, N)."""

    rows: Tensor
    weight: Tensor
    similarity: Tensor


def unit_rows(x: Tensor) -> Tensor:
    """Return rows scaled to length 1 (zero rows stay zero); lengths are taken in float64.

    Raises:
        DataError: A number is infinite or NaN.
    """
    length = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float64)
    if not length.isfinite().all():
        raise DataError("features hold numbers that are infinite or NaN", "extract them again")
    return (x / torch.where(length > 0, length, 1.0)).float()


def cosine_neighbours(queries: Tensor, bank: Tensor, k: int) -> Neighbours:
    """Return the k nearest bank rows of each query by cosine.

    Rows that tie for the last places share them: identical samples count alike, and the result does not depend on which
    of them the search happens to list first. Similarities that float32 cannot tell apart are compared in float64. A
    float32 product of unit rows is off by less than 2·√D·2⁻²⁴ in practice (the bound for rounding errors that are
    independent has this form: Higham and Mary, 2019); twice that is allowed for, on each side.

    Args:
        queries: (B, D) unit rows.
        bank: (N, D) unit rows, N ≥ 1.
        k: Neighbours, at least 1; at most N are used.
    """
    k = min(k, len(bank))
    noise = FLOAT32_ROUNDING * math.sqrt(bank.shape[1])
    found = _with_all_ties(queries, bank, k, noise)
    last = found.similarity[:, k - 1 : k]
    above = found.similarity > last + noise
    band = (found.similarity >= last - noise) & ~above
    weight = (above | band).float()
    places = k - above.sum(dim=1)
    unsure = (band.sum(dim=1) > places).nonzero().squeeze(1)
    if len(unsure):
        exact = torch.full_like(weight[unsure], -torch.inf, dtype=torch.float64)
        pairs = band[unsure].nonzero()
        exact[pairs[:, 0], pairs[:, 1]] = exact_pairs(
            queries, bank, unsure[pairs[:, 0]], found.rows[unsure[pairs[:, 0]], pairs[:, 1]]
        )
        weight[unsure] = above[unsure].float() + share_places(exact, places[unsure]).float()
    return _without_idle_columns(Neighbours(found.rows, weight, found.similarity), k)


def _with_all_ties(queries: Tensor, bank: Tensor, k: int, noise: float) -> Similar:
    """Return candidates that certainly include everything that may tie with the k-th: ever wider where they do not."""
    width = min(len(bank), k + SPARE)
    found = most_similar(queries, bank, width)
    while width < len(bank):
        last, end = found.similarity[:, k - 1], found.similarity[:, -1]
        again = (end >= last - noise).nonzero().squeeze(1)
        if not len(again):
            break
        width = min(len(bank), 4 * width)
        wider = most_similar(queries[again], bank, width)
        found = Similar(_widen(found.similarity, width, -torch.inf), _widen(found.rows, width, 0))
        found.similarity[again], found.rows[again] = wider
    return found


def _widen(x: Tensor, width: int, value: float) -> Tensor:
    return torch.nn.functional.pad(x, (0, width - x.shape[1]), value=value)


def _without_idle_columns(near: Neighbours, k: int) -> Neighbours:
    """Drop the columns behind the last one that counts for any query."""
    tail = (near.weight[:, k:] > 0).any(dim=0).nonzero()
    width = k + (int(tail[-1]) + 1 if len(tail) else 0)
    return Neighbours(*(part[:, :width] for part in near))


def share_places(similarity: Tensor, places: Tensor) -> Tensor:
    """Return weights (R, W) that give `places` (R,) to the most similar entries, ties sharing the last ones equally.

    >>> share_places(torch.tensor([[0.9, 0.5, 0.5, 0.1]], dtype=torch.float64), torch.tensor([2])).tolist()
    [[1.0, 0.5, 0.5, 0.0]]
    """
    ordered = similarity.sort(dim=1, descending=True).values
    last = ordered.gather(1, (places - 1).unsqueeze(1))
    above = similarity > last + FLOAT64_NOISE
    tied = (similarity >= last - FLOAT64_NOISE) & ~above
    left = (places - above.sum(dim=1)).unsqueeze(1)
    return above.double() + tied.double() * left / tied.sum(dim=1, keepdim=True)


def cosine_distance(queries: Tensor, bank: Tensor, near: Neighbours) -> Tensor:
    """Return 1 − cosine (B, W) float64, at least 0, of each query and the neighbours that count; 0 for the others."""
    distance = torch.zeros_like(near.weight, dtype=torch.float64)
    ends = near.weight.ne(0).int().mul(torch.arange(1, near.weight.shape[1] + 1, device=bank.device)).amax(dim=1)
    at_once = max(1, NUMBERS_AT_ONCE // max(1, int(ends.min()) * bank.shape[1]))
    for start in range(0, len(queries), at_once):
        part = slice(start, start + at_once)
        width = int(ends[part].max())
        distance[part, :width] = 1 - _inner(embedding(near.rows[part, :width], bank).double(), queries[part].double())
    return torch.where(near.weight > 0, distance.clamp_min(0), 0.0)


def _inner(rows: Tensor, queries: Tensor) -> Tensor:
    """Return the products (B, W) of `rows` (B, W, D) with their query (B, D)."""
    if rows.numel() <= NUMBERS_ON_ONE_THREAD:
        return (rows * queries.unsqueeze(1)).sum(dim=2)
    return torch.bmm(rows, queries.unsqueeze(2)).squeeze(2)


def exact_pairs(queries: Tensor, bank: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the float64 inner products (P,) of `queries[rows]` with `bank[columns]`."""
    at_once = max(1, NUMBERS_ON_ONE_THREAD // max(1, bank.shape[1]))  # little work: waiting would cost more
    parts = [
        (embedding(r, queries).double() * embedding(c, bank).double()).sum(dim=1)
        for r, c in zip(torch.split(rows, at_once), torch.split(columns, at_once), strict=True)
    ]
    return torch.cat(parts)
