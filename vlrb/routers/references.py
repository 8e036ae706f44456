"""Routers to measure against: one bound (oracle) and four that ignore what the sample says.

All but the oracle are fitted on the training split alone. (The published code fits its static baselines on the split
that it evaluates; their figures there are therefore hindsight figures.)
"""

import hashlib
from typing import ClassVar

import torch
from torch import Tensor

from vlrb.data.batch import Batch
from vlrb.data.spec import DataSpec
from vlrb.routers.base import RouterModule, TrainingArrays
from vlrb.schema import CORRECT_THRESHOLD


class OracleRouter(RouterModule):
    """Choose the cheapest correct model in hindsight; none correct: the cheapest. A bound, not a router.

    Scores are minus the number of models that are strictly better, so ties stay ties.

    Args:
        name: Name in tables and folders.
    """

    inputs: ClassVar[frozenset[str]] = frozenset({"outcomes"})
    closed_form: ClassVar[bool] = True
    is_bound: ClassVar[bool] = True

    def __init__(self, name: str = "oracle") -> None:
        super().__init__(name)

    def fit_arrays(self, train: TrainingArrays) -> None:
        """Learn nothing."""

    def forward(self, batch: Batch) -> Tensor:
        """Return scores (B, M) from the outcomes of the very samples to decide on."""
        wrong = (~(batch["Y"] >= CORRECT_THRESHOLD)).float()
        cost = batch["C"].nan_to_num(nan=float("inf"))
        fewer_wrong = wrong.unsqueeze(1) < wrong.unsqueeze(2)  # [i, m, k]: k is right where m is wrong
        as_wrong = wrong.unsqueeze(1) == wrong.unsqueeze(2)
        cheaper = cost.unsqueeze(1) < cost.unsqueeze(2)
        return -(fewer_wrong | (as_wrong & cheaper)).sum(dim=2).float()


class ConstantRouter(RouterModule):
    """Base of routers that choose the same model for every sample."""

    inputs: ClassVar[frozenset[str]] = frozenset()
    closed_form: ClassVar[bool] = True
    model_scores: Tensor

    def build(self, spec: DataSpec) -> None:
        """Create the (M,) scores."""
        self.register_buffer("model_scores", torch.zeros(spec.n_models))

    def forward(self, batch: Batch) -> Tensor:
        """Return the same scores (B, M) for every row."""
        return self.model_scores.expand(len(batch["index"]), -1).clone()


class StrongestGlobalRouter(ConstantRouter):
    """Choose the model with the highest training accuracy (mean y), ties to the cheaper.

    Args:
        name: Name in tables and folders.
    """

    def __init__(self, name: str = "strongest_global") -> None:
        super().__init__(name)

    def fit_arrays(self, train: TrainingArrays) -> None:
        """Score each model by its training accuracy."""
        self.model_scores = mean_correct(train.Y)


class CheapestGlobalRouter(ConstantRouter):
    """Choose the model with the lowest mean training cost.

    Args:
        name: Name in tables and folders.
    """

    def __init__(self, name: str = "cheapest_global") -> None:
        super().__init__(name)

    def fit_arrays(self, train: TrainingArrays) -> None:
        """Score each model by minus its mean training cost (USD)."""
        self.model_scores = -self.mean_train_cost


class StrongestPerDatasetRouter(RouterModule):
    """Choose, per dataset, the model with the highest training accuracy; an unseen dataset gets the strongest overall.

    Args:
        name: Name in tables and folders.
    """

    inputs: ClassVar[frozenset[str]] = frozenset({"dataset"})
    closed_form: ClassVar[bool] = True
    dataset_scores: Tensor

    def __init__(self, name: str = "strongest_per_dataset") -> None:
        super().__init__(name)

    def build(self, spec: DataSpec) -> None:
        """Create one row of scores per dataset and a last one for datasets without training samples."""
        self.register_buffer("dataset_scores", torch.zeros(len(spec.dataset_names) + 1, spec.n_models))

    def fit_arrays(self, train: TrainingArrays) -> None:
        """Score each model by its training accuracy on each dataset."""
        overall = mean_correct(train.Y)
        scores = overall.repeat(len(self.dataset_scores), 1)
        for code in sorted(set(train.dataset.tolist())):
            own = mean_correct(train.Y[train.dataset == code])
            scores[code] = torch.where(own.isneginf(), overall, own)
        self.dataset_scores = scores

    def forward(self, batch: Batch) -> Tensor:
        """Return the scores (B, M) of each row's dataset."""
        return self.dataset_scores[batch["dataset"]]  # code −1 (unseen) is the last row


class RandomRouter(RouterModule):
    """Choose uniformly by SHA-256 of the run's seed and the sample id, whatever the batch or the order.

    Args:
        name: Name in tables and folders.
    """

    inputs: ClassVar[frozenset[str]] = frozenset()
    closed_form: ClassVar[bool] = True

    def __init__(self, name: str = "random") -> None:
        super().__init__(name)

    def fit_arrays(self, train: TrainingArrays) -> None:
        """Learn nothing."""

    def forward(self, batch: Batch) -> Tensor:
        """Return one-hot scores (B, M)."""
        spec = self.spec
        scores = torch.zeros(len(batch["index"]), spec.n_models)
        columns = [hashed_choice(spec.seed, key, spec.n_models) for key in batch["sample_key"].tolist()]
        scores[torch.arange(len(columns)), columns] = 1.0
        return scores.to(batch["index"].device)


def hashed_choice(seed: int, sample_key: int, n: int) -> int:
    """Return a column in [0, n) that depends on the seed and the sample alone.

    >>> hashed_choice(0, 12345, 17) == hashed_choice(0, 12345, 17)
    True
    """
    return int.from_bytes(hashlib.sha256(f"{seed}/{sample_key}".encode()).digest(), "big") % n


def mean_correct(Y: Tensor) -> Tensor:
    """Return the mean of y = 1[Y ≥ τ] per model (M,) over known cells; −inf where a model has none.

    >>> mean_correct(torch.tensor([[1.0, 0.2, float("nan")], [0.0, 0.6, float("nan")]])).tolist()
    [0.5, 0.5, -inf]
    """
    known = ~Y.isnan()
    right = ((Y >= CORRECT_THRESHOLD) & known).sum(dim=0).float()
    return torch.where(
        known.any(dim=0), right / known.sum(dim=0).clamp_min(1), torch.tensor(-torch.inf, device=Y.device)
    )
