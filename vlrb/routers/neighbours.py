"""Routers that ask how the models did on the training samples most like the new one."""

from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from vlrb.benchmark.targets import soft_targets
from vlrb.data.batch import Batch
from vlrb.data.spec import DataSpec
from vlrb.data.tradeoff import correct
from vlrb.routers.base import RouterModule, TrainingArrays, at_least
from vlrb.routers.nearest import Neighbours, cosine_neighbours, exact_similarity, unit_rows
from vlrb.routers.references import mean_correct
from vlrb.routers.scaling import Standardizer
from vlrb.routers.utility_rule import expected_utility
from vlrb.utils.errors import ConfigError, DataError

DISTANCE_FLOOR = 1e-6


class KNNRouter(RouterModule):
    """Score models by the outcomes of the k training samples nearest in cosine.

    `rule="utility"`: the neighbours' mean outcome and mean cost give the expected utility p̂ − λ·ĉ/c₀ (see
    `expected_utility`). `rule="vote"`: the published router (VL-RouterBench, KNN): the neighbours, those without a
    correct model left out, vote for their cheapest correct model; λ plays no part. That rule falls far below the best
    single model, because the model that is most often *the cheapest correct one* is a weak one that often fails. Unlike
    the published code, equally near samples share the last places, and cost ties share a vote.

    Args:
        name: Name in tables and folders.
        k: Neighbours; more than there are training samples means all.
        rule: ``utility`` or ``vote``.
        weights: ``uniform``, or ``distance``: 1 / (1 − cosine).
        standardize: Standardise features (training statistics) before the cosine.
    """

    closed_form: ClassVar[bool] = True
    shared_buffers: ClassVar[tuple[str, ...]] = ("bank",)
    bank: Tensor
    bank_correct: Tensor
    bank_cost: Tensor
    bank_votes: Tensor
    prior: Tensor

    def __init__(
        self,
        name: str = "knn",
        k: int = 40,
        rule: Literal["utility", "vote"] = "utility",
        weights: Literal["uniform", "distance"] = "uniform",
        standardize: bool = True,
    ) -> None:
        super().__init__(name)
        at_least("k", k, 1)
        if rule not in ("utility", "vote") or weights not in ("uniform", "distance"):
            raise ConfigError("router.rule is utility or vote, router.weights uniform or distance")
        self.k = k
        self.rule = rule
        self.can_reweigh = rule == "utility"
        self.weights = weights
        self.standardize = standardize

    def build(self, spec: DataSpec) -> None:
        """Create the bank's buffers."""
        self.scaler = Standardizer(spec.feature_dim, enabled=self.standardize)
        self.register_buffer("prior", torch.zeros(spec.n_models))
        outcomes = ("bank_votes",) if self.rule == "vote" else ("bank_correct", "bank_cost")
        self.register_fitted("bank", *outcomes)

    def fit_arrays(self, train: TrainingArrays) -> None:
        """Keep the training samples and how the models did on them."""
        self.scaler.fit([train.features])
        y = torch.from_numpy(correct(train.Y.cpu().numpy())).to(train.features)
        if self.rule == "vote":
            votes = cheapest_correct_votes(y.cpu().numpy(), train.C.cpu().numpy()).to(y)
            kept = votes.sum(dim=1) > 0
            if not kept.any():
                raise DataError("no training sample has a correct model to vote for")
            self.bank_votes = votes[kept]
        else:
            kept = torch.ones(len(y), dtype=torch.bool, device=y.device)
            self.bank_correct, self.bank_cost = y, train.C
        self.bank = unit_rows(self.scaler(train.features[kept]))
        self.prior = mean_correct(train.Y).clamp_min(0.0)

    def neighbours(self, features: Tensor) -> Neighbours:
        """Return the neighbours of each row with their weights."""
        queries = unit_rows(self.scaler(features))
        found = cosine_neighbours(queries, self.bank, self.k)
        if self.weights == "uniform":
            return found
        distance = (1 - exact_similarity(queries, self.bank, found.rows)).clamp_min(0) + DISTANCE_FLOOR
        return found._replace(weight=(found.weight / distance).float())

    def forward(self, batch: Batch) -> Tensor:
        """Return expected utilities, or shares of the votes (B, M)."""
        near = self.neighbours(batch["features"])
        if self.rule == "vote":
            return weighted_mean(self.bank_votes, near, self.prior)
        accuracy = weighted_mean(self.bank_correct, near, self.prior)
        cost = weighted_mean(self.bank_cost, near, self.mean_train_cost)
        return expected_utility(accuracy, cost, self.spec.trade_off)


def weighted_mean(values: Tensor, near: Neighbours, otherwise: Tensor) -> Tensor:
    """Return the neighbours' weighted mean (B, M) of `values` (N, M); NaN cells are skipped.

    Args:
        values: One row per bank row.
        near: The neighbours of B queries.
        otherwise: (M,) used where no neighbour has a value.
    """
    found = values[near.rows]
    known = ~found.isnan()
    weight = near.weight.unsqueeze(2) * known
    total = weight.sum(dim=1)
    mean = (weight * found.nan_to_num()).sum(dim=1) / total.clamp_min(torch.finfo(total.dtype).tiny)
    return torch.where(total > 0, mean, otherwise)


def cheapest_correct_votes(y: np.ndarray, C: np.ndarray) -> Tensor:
    """Return one vote per row (n, M) for its cheapest correct model, cost ties sharing it; 0 where none is correct."""
    soft = soft_targets(y, C, float("inf"), "exp", 1.0, "drop")
    return torch.from_numpy(np.asarray(soft.targets * soft.weight[:, None], dtype=np.float32))
