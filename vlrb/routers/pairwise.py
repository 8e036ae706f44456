"""The router that lets models meet in pairs on the training samples most like the new one (PRkNN)."""

import math
from typing import Literal

import torch
from torch import Tensor

from vlrb.data.batch import Batch
from vlrb.data.tradeoff import TradeOff
from vlrb.routers.base import TrainingArrays
from vlrb.routers.neighbours import NeighbourRouter
from vlrb.routers.objective import right_or_wrong
from vlrb.utils.errors import ConfigError, DataError

PAIR_CELLS = 4_000_000  # comparisons held at once


class PRkNNRouter(NeighbourRouter):
    """Score models by the share of pairwise comparisons that they win on the k nearest training samples.

    score(a) = Σᵢ wᵢ·sᵢ(a) / Σᵢ wᵢ over the neighbours i, with sᵢ(a) the mean over the other models b of what a gets
    when it meets b on sample i. Samples are compared once, at fitting; a decision is a weighted mean of rows of wins.

    `rule="margin"`: a gets ½ + ½·(uₐ − u_b), held between 0 and 1, where u = y − λ·c/c₀ is the utility on that sample
    (scheme ``power``: y − λ·ln(c/c₀ + ε)). At λ=0 this is a win (1), a tie (½) or a defeat (0) in y, and the decision
    that of `knn`: the accuracy rule. As λ grows, what a cheaper answer is worth grows in proportion, but no comparison
    counts for more than one win: one very dear answer does not outweigh many neighbours, as it does in a mean of costs.
    λ=∞ is the limit: the cheaper of two wins, equal costs leave it to y.

    `rule="lexicographic"`: the published router (VL-RouterBench, PRkNN, after RouterEval): samples without a correct
    model are left out, a beats b if it is better in y, or equal in y and strictly cheaper; only wins count, λ plays no
    part. It is what comparing u strictly tends to as λ → 0: cost decides every comparison of two right or of two wrong
    models, however small the difference, so cheap models win most of their pairs. Unlike the published code,
    y = 1[Y ≥ τ] as everywhere (it cuts grades below 1 to 0), equally near samples share the last places, and scores are
    shares of what could be won, row by row (its probabilities are divided by the largest score of the batch).

    A model whose outcome on a sample is unknown does not meet the others there; a sample with fewer than two known
    models counts for nothing. A model that no neighbour knows gets its mean share on the training split (0 if none).

    Args:
        name: Name in tables and folders.
        k: Neighbours; more than there are training samples means all.
        rule: ``margin`` or ``lexicographic``.
        weights: ``uniform``, or ``distance``: 1 / (1 − cosine + 1e-6).
        standardize: Standardise features (training statistics) before the cosine.
    """

    def __init__(
        self,
        name: str = "prknn",
        k: int = 40,
        rule: Literal["margin", "lexicographic"] = "margin",
        weights: Literal["uniform", "distance"] = "uniform",
        standardize: bool = True,
    ) -> None:
        super().__init__(name, k, weights, standardize)
        if rule not in ("margin", "lexicographic"):
            raise ConfigError(f"router.rule is margin or lexicographic, not {rule}")
        self.rule = rule

    def fit_arrays(self, train: TrainingArrays) -> None:
        """Let the models meet on every training sample."""
        features, C = train.features, train.C
        y = right_or_wrong(train.Y).to(features)
        if self.rule == "lexicographic":
            kept = (y > 0).any(dim=1)
            if not kept.any():
                raise DataError("no training sample has a correct model")
            features, y, C = features[kept], y[kept], C[kept]
        rule = self.spec.trade_off if self.rule == "margin" else None
        rows = max(1, PAIR_CELLS // self.spec.n_models**2)
        parts = zip(torch.split(y, rows), torch.split(C, rows), strict=True)
        shares = torch.cat([win_shares(*part, rule) for part in parts])
        self.remember(features, shares, shares.nanmean(dim=0).nan_to_num())

    def forward(self, batch: Batch) -> Tensor:
        """Return shares of the comparisons won (B, M), in [0, 1]."""
        return self.neighbour_mean(batch)


def win_shares(y: Tensor, C: Tensor, trade_off: TradeOff | None) -> Tensor:
    """Return what each model gets on average when it meets the others on a sample (n, M), in [0, 1]; NaN = no meeting.

    Args:
        y: (n, M) 1 right, 0 wrong, NaN unknown.
        C: (n, M) USD, NaN unknown; not looked at where λ=0.
        trade_off: λ of the margins in utility; None: the published order, y first, then cost, wins only.

    >>> y, C = torch.tensor([[1.0, 1.0, 0.0]]), torch.tensor([[3e-4, 1e-4, 2e-4]])
    >>> win_shares(y, C, None)[0].tolist()  # A beats C; B beats A (cheaper) and C
    [0.5, 1.0, 0.0]
    >>> win_shares(y, C, TradeOff(0.0, cost_scale=1.0))[0].tolist()  # A and B tie
    [0.75, 0.75, 0.0]
    """
    known = ~y.isnan()
    if trade_off is None or trade_off.value > 0:
        known &= ~C.isnan()
    meet = known.unsqueeze(2) & known.unsqueeze(1) & ~torch.eye(y.shape[1], dtype=torch.bool, device=y.device)
    ahead = y.unsqueeze(2) - y.unsqueeze(1)  # [i, a, b]: 1 if a is right where b is wrong
    dearer = C.unsqueeze(2) - C.unsqueeze(1)
    if trade_off is None:
        got = (ahead > 0) | ((ahead == 0) & (dearer < 0))
    else:
        got = (0.5 + 0.5 * (ahead - _penalty(C, dearer, trade_off))).clamp(0, 1)
    met = meet.sum(dim=2)
    return torch.where(meet, got, 0.0).sum(dim=2) / torch.where(met > 0, met, torch.nan)


def _penalty(C: Tensor, dearer: Tensor, trade_off: TradeOff) -> Tensor | float:
    """Return λ times how much dearer a is than b on a sample, in units of c₀ or (`power`) as a ratio's logarithm."""
    if trade_off.value == 0:
        return 0.0
    if math.isinf(trade_off.value):
        return torch.where(dearer == 0, 0.0, dearer.sign() * torch.inf)
    if trade_off.scheme == "exp":
        return trade_off.value * trade_off.scale * dearer
    logarithm = torch.log(C * trade_off.scale + trade_off.epsilon)
    return torch.where(dearer == 0, 0.0, trade_off.value * (logarithm.unsqueeze(2) - logarithm.unsqueeze(1)))
