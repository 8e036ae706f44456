"""Contrastive losses, and who counts as positive and negative: never by the order of columns or rows."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus

from vlrb.routers.nearest import share_places
from vlrb.routers.objective import right_or_wrong


class Contrast(NamedTuple):
    """The loss (B,) of each row, 0 where it has none, and whether it has one (B,) bool."""

    loss: Tensor
    counts: Tensor


def contrast(similarity: Tensor, positive: Tensor, negative: Tensor) -> Contrast:
    """Return −Σ_j p_ij log(e^{s_ij} / (e^{s_ij} + Σ_k n_ik e^{s_ik})) of each row i.

    A row without positives or without negatives has nothing to compare and no loss. It is computed as
    softplus(log Σ n e^s − s_ij), which overflows at no similarity.

    Args:
        similarity: (B, W) s.
        positive: (B, W) p ≥ 0, rows that sum to 1 or to 0.
        negative: (B, W) n ≥ 0.

    >>> s = torch.log(torch.tensor([[3.0, 1.0, 2.0]]))
    >>> loss, _ = contrast(s, torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[0.0, 1.0, 1.0]]))
    >>> round(float(loss.exp()), 4)  # 3 / (3 + 1 + 2) = 1/2
    2.0
    """
    counts = (positive > 0).any(dim=1) & (negative > 0).any(dim=1)
    against = log_sum_exp(similarity, negative)
    apart = softplus(against.unsqueeze(1) - similarity)
    loss = (torch.where(positive > 0, positive, 0.0) * apart).sum(dim=1)
    return Contrast(torch.where(counts, loss, 0.0), counts)


def log_sum_exp(x: Tensor, weight: Tensor) -> Tensor:
    """Return log Σ_j w_ij e^{x_ij} (B,) with finite gradients; rows without any weight are 0.

    >>> log_sum_exp(torch.tensor([[0.0, 0.0], [5.0, 5.0]]), torch.tensor([[1.0, 1.0], [0.0, 0.0]])).exp().tolist()
    [2.0, 1.0]
    """
    taken = weight > 0
    some = taken.any(dim=1)
    terms = torch.where(taken, x + torch.where(taken, weight, 1.0).log(), -torch.inf)
    return torch.where(some, torch.where(some.unsqueeze(1), terms, 0.0).logsumexp(dim=1), 0.0)


def positive_models(targets: Tensor, Y: Tensor, places: int) -> Tensor:
    """Return weights (B, M) of the models to be near to: right ones alone, by soft target; rows sum to 1 or 0.

    `places` are given out among the right models in proportion to their targets, at most one to each; a weight is
    place × target, normalised. So models of equal targets share places equally (no column order), the weights are a
    continuous function of the targets, hence of λ in [0, ∞], and no more than `places` models can hold a whole place.
    A cut at the `places` highest targets would not do: with any λ > 0, however small, the cheapest right models would
    be the positives, and the dearer ones would drop out at once.

    Args:
        targets: (B, M) soft targets t.
        Y: (B, M) quality, NaN = unknown.
        places: K⁺, at least 1.

    >>> t, Y = torch.tensor([[0.25, 0.25, 0.25, 0.25], [0.7, 0.2, 0.1, 0.0]]), torch.ones(2, 4)
    >>> positive_models(t, Y, 2)[0].tolist()  # half a place each
    [0.25, 0.25, 0.25, 0.25]
    >>> [round(w, 4) for w in positive_models(t, Y, 2)[1].tolist()]  # places 1, 2/3, 1/3: 0.7, 2/15, 1/30 of 13/15
    [0.8077, 0.1538, 0.0385, 0.0]
    """
    t = torch.where(right_or_wrong(Y) == 1, targets, 0.0).double()
    ordered, columns = t.sort(dim=1, descending=True)
    tail = ordered.flip(1).cumsum(dim=1).flip(1)  # Σ of this target and all smaller ones
    left = (places - torch.arange(t.shape[1], device=t.device)).clamp_min(0)  # places left if all before hold one
    whole = (left > 0) & (ordered * left >= tail)  # the largest; none behind one that fails this passes it
    held = whole.sum(dim=1, keepdim=True)
    rest = torch.where(whole, 0.0, ordered)
    share = (places - held) * rest / rest.sum(dim=1, keepdim=True).clamp_min(torch.finfo(t.dtype).tiny)
    mass = torch.zeros_like(t).scatter(1, columns, torch.where(whole, 1.0, share) * ordered)
    total = mass.sum(dim=1, keepdim=True)
    return torch.where(total > 0, mass / torch.where(total > 0, total, 1.0), 0.0).float()


def negative_models(Y: Tensor, places: int) -> Tensor:
    """Return weights (B, M) of the models to be far from: wrong ones alone, the `places` of the lowest quality.

    Models of equal quality share the last places equally, so a weight is the chance of being one of K⁻ drawn models.

    Args:
        Y: (B, M) quality, NaN = unknown.
        places: K⁻, at least 1.

    >>> negative_models(torch.tensor([[0.0, 0.0, 0.0, 1.0], [0.4, 0.1, 0.9, torch.nan]]), 2).tolist()
    [[0.6666666865348816, 0.6666666865348816, 0.6666666865348816, 0.0], [1.0, 1.0, 0.0, 0.0]]
    """
    wrong = right_or_wrong(Y) == 0
    badness = torch.where(wrong, -Y.double(), -torch.inf)
    weight = share_places(badness, wrong.sum(dim=1).clamp(1, places))
    return torch.where(wrong, weight, 0.0).float()


def positive_samples(cluster: Tensor) -> Tensor:
    """Return weights (B, B): the other samples of the same cluster, equal, rows sum to 1 or 0."""
    same = (cluster.unsqueeze(1) == cluster).float()
    same.fill_diagonal_(0.0)
    return same / same.sum(dim=1, keepdim=True).clamp_min(1.0)


def negative_samples(cluster: Tensor, count: int, draw: Tensor) -> Tensor:
    """Return (B, B) 1 for `count` samples of other clusters (all if there are no more), 0 else.

    Args:
        cluster: (B,) cluster of each sample.
        count: H, at least 1.
        draw: (B, B) random numbers above 0; of the samples of other clusters those with the highest are taken.
    """
    other = cluster.unsqueeze(1) != cluster
    chosen = torch.where(other, draw, 0.0).topk(min(count, len(cluster)), dim=1).indices
    return torch.zeros_like(draw).scatter(1, chosen, 1.0) * other
