"""Exact cosine neighbours whose weights depend neither on the batch nor on the order of the bank."""

from typing import NamedTuple

import torch
from torch import Tensor

SEARCH_CELLS = 4_000_000  # similarities held at once
SPARE = 16  # candidates looked at beyond k, for ties
FLOAT32_NOISE = 1e-5  # largest difference between float32 similarities of unit vectors that may be rounding
FLOAT64_NOISE = 1e-12
PAIRS_AT_ONCE = 8192


class Neighbours(NamedTuple):
    """For each query: bank rows `rows` (B, W) int64 and their `weight` (B, W) ≥ 0, summing to min(k, N)."""

    rows: Tensor
    weight: Tensor
    similarity: Tensor


def unit_rows(x: Tensor) -> Tensor:
    """Return rows scaled to length 1 (zero rows stay zero); lengths are taken in float64."""
    length = x.double().norm(dim=1, keepdim=True)
    return (x / torch.where(length > 0, length, torch.ones_like(length))).float()


def cosine_neighbours(queries: Tensor, bank: Tensor, k: int) -> Neighbours:
    """Return the k nearest bank rows of each query by cosine.

    Rows that tie for the last places share them: identical samples count alike, and the result does not depend on which
    of them the search happens to list first. Similarities that float32 cannot tell apart are compared in float64.

    Args:
        queries: (B, D) unit rows.
        bank: (N, D) unit rows, N ≥ 1.
        k: Neighbours, at least 1; at most N are used.
    """
    k = min(k, len(bank))
    rows = max(1, SEARCH_CELLS // len(bank))
    parts = [_search(part, bank, k) for part in torch.split(queries, rows)]
    width = max(part.rows.shape[1] for part in parts)
    return Neighbours(*(torch.cat([_widen(p[i], width) for p in parts]) for i in range(3)))


def _widen(x: Tensor, width: int) -> Tensor:
    return torch.nn.functional.pad(x, (0, width - x.shape[1]))


def _search(queries: Tensor, bank: Tensor, k: int) -> Neighbours:
    similarity = queries @ bank.T
    width = min(len(bank), k + SPARE)
    values, index = similarity.topk(width, dim=1)
    while width < len(bank) and bool((values[:, -1] >= values[:, k - 1] - FLOAT32_NOISE).any()):
        width = min(len(bank), 4 * width)
        values, index = similarity.topk(width, dim=1)
    last = values[:, k - 1 : k]
    above = values > last + FLOAT32_NOISE
    band = (values >= last - FLOAT32_NOISE) & ~above
    weight = (above | band).float()
    places = k - above.sum(dim=1)
    unsure = (band.sum(dim=1) > places).nonzero().squeeze(1)
    if len(unsure):
        exact = torch.full_like(values[unsure], -torch.inf, dtype=torch.float64)
        pairs = band[unsure].nonzero()
        exact[pairs[:, 0], pairs[:, 1]] = _exact(queries, bank, unsure[pairs[:, 0]], index[unsure][tuple(pairs.T)])
        weight[unsure] = above[unsure].float() + share_places(exact, places[unsure]).float()
    return Neighbours(index, weight, values)


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


def exact_similarity(queries: Tensor, bank: Tensor, index: Tensor) -> Tensor:
    """Return the float64 cosine (B, W) of each query with the bank rows `index` (B, W)."""
    rows = torch.arange(len(queries), device=index.device).repeat_interleave(index.shape[1])
    return _exact(queries, bank, rows, index.reshape(-1)).reshape(index.shape)


def _exact(queries: Tensor, bank: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    parts = [
        (queries[r].double() * bank[c].double()).sum(dim=1)
        for r, c in zip(torch.split(rows, PAIRS_AT_ONCE), torch.split(columns, PAIRS_AT_ONCE), strict=True)
    ]
    return torch.cat(parts)
