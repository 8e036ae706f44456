"""Routers that ask how the models did on the training samples most like the new one."""

from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from vlrb.benchmark.targets import soft_targets
from vlrb.data.batch import Batch
from vlrb.data.spec import DataSpec
from vlrb.routers.base import RouterModule, TrainingArrays, at_least
from vlrb.routers.nearest import Neighbours, cosine_distance, cosine_neighbours, unit_rows
from vlrb.routers.objective import right_or_wrong
from vlrb.routers.references import mean_correct
from vlrb.routers.scaling import Standardizer
from vlrb.routers.utility_rule import expected_utility
from vlrb.utils.errors import ConfigError, DataError

DISTANCE_FLOOR = 1e-6


class NeighbourRouter(RouterModule):
    """Base of routers whose scores come from weighted means over the k training samples nearest in cosine.

    Subclasses call `remember` once in `fit_arrays` and read `neighbour_mean`. The bank of training samples is a buffer
    like any other; nothing else is kept for the search.

    Args:
        name: Name in tables and folders.
        k: Neighbours; more than there are training samples means all.
        weights: ``uniform``, or ``distance``: 1 / (1 − cosine + 1e-6).
        standardize: Standardise features (training statistics) before the cosine.
    """

    closed_form: ClassVar[bool] = True
    shared_buffers: ClassVar[tuple[str, ...]] = ("bank",)
    bank: Tensor
    outcomes: Tensor
    outcomes_known: Tensor
    otherwise: Tensor

    def __init__(self, name: str, k: int, weights: Literal["uniform", "distance"], standardize: bool) -> None:
        super().__init__(name)
        at_least("k", k, 1)
        if weights not in ("uniform", "distance"):
            raise ConfigError(f"router.weights is uniform or distance, not {weights}")
        self.k = k
        self.weights = weights
        self.standardize = standardize

    def build(self, spec: DataSpec) -> None:
        """Create the bank's buffers."""
        self.scaler = Standardizer(spec.feature_dim, enabled=self.standardize)
        self.register_fitted("bank", "outcomes", "outcomes_known", "otherwise")

    def remember(self, features: Tensor, outcomes: Tensor, otherwise: Tensor) -> None:
        """Keep the training samples and what is averaged over them.

        Args:
            features: (n, D).
            outcomes: (n, K) of any meaning, NaN = unknown.
            otherwise: (K,) used where no neighbour has a value.
        """
        self.scaler.fit([features])
        self.bank = unit_rows(self.scaler(features))
        known = ~outcomes.isnan()
        self.outcomes = outcomes.nan_to_num()
        self.outcomes_known = outcomes.new_empty(0) if known.all() else known.to(outcomes)
        self.otherwise = otherwise

    def neighbours(self, features: Tensor) -> Neighbours:
        """Return the neighbours of each row with their weights."""
        queries = unit_rows(self.scaler(features))
        found = cosine_neighbours(queries, self.bank, self.k)
        if self.weights == "uniform":
            return found
        distance = cosine_distance(queries, self.bank, found) + DISTANCE_FLOOR
        return found._replace(weight=(found.weight / distance).float())

    def neighbour_mean(self, batch: Batch) -> Tensor:
        """Return the neighbours' weighted mean outcomes (B, K); unknown ones are skipped."""
        near = self.neighbours(batch["features"])
        total = weighted_sum(self.outcomes, near)
        if not len(self.outcomes_known):
            return total / near.weight.sum(dim=1, keepdim=True)
        known = weighted_sum(self.outcomes_known, near)
        return torch.where(known > 0, total / known.clamp_min(torch.finfo(known.dtype).tiny), self.otherwise)


class KNNRouter(NeighbourRouter):
    """Score models by the outcomes of the k training samples nearest in cosine.

    `rule="utility"`: the neighbours' mean outcome and mean cost give the expected utility p̂ − λ·ĉ/c₀ (see
    `expected_utility`). `rule="vote"`: the published router (VL-RouterBench, KNN): training samples without a correct
    model are left out, the neighbours vote for their cheapest correct model; λ plays no part. That rule falls far below
    the best single model, because the model that is most often *the cheapest correct one* is a weak one that often
    fails. Unlike the published code, equally near samples share the last places, cost ties share a vote, and distance
    weights have a floor where the published ones let an exact match overrule all others.

    Args:
        name: Name in tables and folders.
        k: Neighbours; more than there are training samples means all.
        rule: ``utility`` or ``vote``.
        weights: ``uniform``, or ``distance``: 1 / (1 − cosine + 1e-6).
        standardize: Standardise features (training statistics) before the cosine.
    """

    def __init__(
        self,
        name: str = "knn",
        k: int = 40,
        rule: Literal["utility", "vote"] = "utility",
        weights: Literal["uniform", "distance"] = "uniform",
        standardize: bool = True,
    ) -> None:
        super().__init__(name, k, weights, standardize)
        if rule not in ("utility", "vote"):
            raise ConfigError(f"router.rule is utility or vote, not {rule}")
        self.rule = rule
        self.can_reweigh = rule == "utility"

    def fit_arrays(self, train: TrainingArrays) -> None:
        """Keep the training samples and how the models did on them."""
        y = right_or_wrong(train.Y).to(train.features)
        if self.rule == "utility":
            otherwise = torch.cat([mean_correct(train.Y).clamp_min(0.0), self.mean_train_cost])
            self.remember(train.features, torch.cat([y, train.C], dim=1), otherwise)
            return
        votes = cheapest_correct_votes(y.cpu().numpy(), train.C.cpu().numpy()).to(y)
        kept = votes.sum(dim=1) > 0
        if not kept.any():
            raise DataError("no training sample has a correct model to vote for")
        self.remember(train.features[kept], votes[kept], torch.zeros_like(votes[0]))

    def forward(self, batch: Batch) -> Tensor:
        """Return expected utilities, or shares of the votes (B, M)."""
        mean = self.neighbour_mean(batch)
        if self.rule == "vote":
            return mean
        accuracy, cost = mean.tensor_split(2, dim=1)
        return expected_utility(accuracy, cost, self.spec.trade_off)


def weighted_sum(values: Tensor, near: Neighbours) -> Tensor:
    """Return Σ weight · value (B, K) over the neighbours of B queries, for finite `values` (N, K)."""
    return embedding_bag(near.rows, values, per_sample_weights=near.weight, mode="sum")


def cheapest_correct_votes(y: np.ndarray, C: np.ndarray) -> Tensor:
    """Return one vote per row (n, M) for its cheapest correct model, cost ties sharing it; 0 where none is correct."""
    soft = soft_targets(y, C, float("inf"), "exp", 1.0, "drop")
    return torch.from_numpy(np.asarray(soft.targets * soft.weight[:, None], dtype=np.float32))
