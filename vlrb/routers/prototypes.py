"""Routers that keep a few typical points: real clusters of samples, or one prototype per model."""

import warnings
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from vlrb.data.batch import Batch
from vlrb.data.sampling import derive_seed
from vlrb.data.spec import DataSpec
from vlrb.routers.base import RouterModule, TrainingArrays, at_least
from vlrb.routers.lbfgs import lowest
from vlrb.routers.nearest import unit_rows
from vlrb.routers.objective import right_or_wrong
from vlrb.routers.one_vs_rest import log_loss
from vlrb.routers.references import mean_correct
from vlrb.routers.scaling import Standardizer
from vlrb.routers.utility_rule import expected_utility
from vlrb.utils.errors import ConfigError

SEEDS = 2**32  # scikit-learn takes seeds below this


class KMeansRouter(RouterModule):
    """Score models by how they did on the training samples of the cluster that a sample falls in.

    k-means (Lloyd, k-means++, best of `n_init`) on standardised features of the training split. Per cluster and model:
    mean outcome and mean cost over known cells, each with `prior` imagined samples at the model's overall mean, so that
    a small cluster is not trusted more than it deserves and one without known cells has the overall mean. The score is
    the expected utility p̂ − λ·ĉ/c₀ (`expected_utility`): λ=0 is the accuracy rule.

    The nearest `clusters_used` clusters are averaged with weights softmax(−sharpness · distance), as in Avengers-Pro
    (arXiv 2508.12631); 1 = the sample's own cluster alone. The defaults were chosen on the demo's dev split (λ=0, 3
    seeds: share of the attainable gain .49 for 64 clusters with one used, .63 for 96 with five). The published
    "K-means" of VL-RouterBench has no clusters: see `PrototypeRouter`.

    Args:
        name: Name in tables and folders.
        clusters: Clusters; at most as many as there are different training samples are kept.
        clusters_used: Nearest clusters that are averaged.
        sharpness: How fast a cluster's weight falls with distance; 0 = equal weights.
        prior: Imagined samples per cluster.
        normalize: Scale standardised rows to length 1, so that clusters are by direction (cosine).
        n_init: Starts, of which the best is kept.

    Raises:
        ConfigError: A number is out of range.
    """

    closed_form: ClassVar[bool] = True
    can_reweigh = True
    centres: Tensor
    accuracy: Tensor
    cost: Tensor

    def __init__(
        self,
        name: str = "kmeans",
        clusters: int = 96,
        clusters_used: int = 5,
        sharpness: float = 9.0,
        prior: float = 3.0,
        normalize: bool = True,
        n_init: int = 4,
    ) -> None:
        super().__init__(name)
        for key, number in (("clusters", clusters), ("clusters_used", clusters_used), ("n_init", n_init)):
            at_least(key, number, 1)
        at_least("sharpness", sharpness, 0)
        at_least("prior", prior, 0)
        self.clusters = clusters
        self.clusters_used = clusters_used
        self.sharpness = sharpness
        self.prior = prior
        self.normalize = normalize
        self.n_init = n_init

    def build(self, spec: DataSpec) -> None:
        """Create the buffers."""
        self.scaler = Standardizer(spec.feature_dim)
        self.register_fitted("centres", dtype=torch.float64)  # near ties between clusters must not depend on the batch
        self.register_fitted("accuracy", "cost")

    def _points(self, features: Tensor) -> Tensor:
        points: Tensor = self.scaler(features)
        return unit_rows(points) if self.normalize else points

    def fit_arrays(self, train: TrainingArrays) -> None:
        """Cluster the training samples and average outcomes and costs per cluster."""
        self.scaler.fit([train.features])
        points = self._points(train.features)
        seed = derive_seed("clusters", self.spec.seed) % SEEDS
        centres = find_centres(points.cpu().numpy(), self.clusters, self.n_init, seed)
        self.centres = torch.from_numpy(centres).to(points.device, torch.float64)
        label = distances(points, self.centres).argmin(dim=1)
        y = right_or_wrong(train.Y).to(points)
        overall = mean_correct(train.Y).clamp_min(0.0)
        self.accuracy = cluster_means(y, label, len(centres), overall, self.prior)
        self.cost = cluster_means(train.C, label, len(centres), self.mean_train_cost, self.prior)

    def forward(self, batch: Batch) -> Tensor:
        """Return expected utilities (B, M)."""
        distance = distances(self._points(batch["features"]), self.centres)
        near = distance.topk(min(self.clusters_used, len(self.centres)), dim=1, largest=False)
        weight = torch.softmax(-self.sharpness * near.values, dim=1).float().unsqueeze(2)
        accuracy = (weight * self.accuracy[near.indices]).sum(dim=1)
        cost = (weight * self.cost[near.indices]).sum(dim=1)
        return expected_utility(accuracy, cost, self.spec.trade_off)


def find_centres(points: np.ndarray, clusters: int, n_init: int, seed: int) -> np.ndarray:
    """Return k-means centres (K, D) of points (n, D), K ≤ `clusters`; clusters that stay empty are left out.

    One thread: sums over several threads would depend on their number.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    kmeans = KMeans(min(clusters, len(points)), n_init=n_init, random_state=seed)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different points than clusters
        kmeans.fit(points)
    centres: np.ndarray = kmeans.cluster_centers_[np.unique(kmeans.labels_)]
    return centres


def distances(points: Tensor, centres: Tensor) -> Tensor:
    """Return Euclidean distances (B, K) float64 of points (B, D) to centres (K, D).

    >>> distances(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0]])).tolist()
    [[5.0, 1.0]]
    """
    p, c = points.double(), centres.double()
    squares = p.square().sum(dim=1, keepdim=True) + c.square().sum(dim=1) - 2 * p @ c.T
    return squares.clamp_min(0).sqrt()


def cluster_means(values: Tensor, label: Tensor, clusters: int, overall: Tensor, prior: float) -> Tensor:
    """Return (sum + prior·overall) / (count + prior) per cluster and model (K, M); NaN cells are skipped.

    Args:
        values: (n, M), NaN = unknown.
        label: (n,) cluster of each row.
        clusters: K.
        overall: (M,) mean over all rows, taken alone where count + prior is 0.
        prior: Imagined rows at `overall`, per cluster.

    >>> y = torch.tensor([[1.0], [0.0], [float("nan")]])
    >>> cluster_means(y, torch.tensor([0, 0, 1]), 2, torch.tensor([0.8]), 2.0).tolist()  # (1 + 2·0.8) / 4 and 0.8
    [[0.6499999761581421], [0.800000011920929]]
    """
    known = (~values.isnan()).double()
    zeros = torch.zeros(clusters, values.shape[1], dtype=torch.float64, device=values.device)
    count = zeros.index_add(0, label, known) + prior
    total = zeros.index_add(0, label, values.nan_to_num().double()) + (overall.double() * prior if prior else 0.0)
    return torch.where(count > 0, total / count, overall.double()).float()


class PrototypeRouter(RouterModule):
    """Score models by the similarity of a sample to the model's prototype, the mean of the samples it answers right.

    Features are standardised and scaled to length 1; a prototype is the mean over the training samples that its model
    answers right, scaled to length 1 again; similarity is the cosine.

    `rule="cosine"` chooses the most similar prototype: the published router (VL-RouterBench, there called K-means),
    which ignores cost, λ and how often a model is right. The better a model, the nearer its prototype lies to the mean
    of all samples, which standardisation has made zero, so the direction of a strong model's prototype is mostly noise.
    A model that is never right has no prototype and scores −inf.

    `rule="utility"` turns each cosine into a probability of being right, by one logistic curve per model (Platt, 1999,
    with his targets for small samples), fitted to cosines from which the sample's own contribution to the prototype
    was taken out. The score is the expected utility p̂ − λ·ĉ/c₀ with the model's mean training cost
    (`expected_utility`): λ=0 is the accuracy rule. A model known nowhere has p̂ = 0.

    Args:
        name: Name in tables and folders.
        rule: ``utility`` or ``cosine``.

    Raises:
        ConfigError: `rule` is not one of the choices.
    """

    closed_form: ClassVar[bool] = True
    prototypes: Tensor
    slope: Tensor
    offset: Tensor

    def __init__(self, name: str = "prototype", rule: Literal["utility", "cosine"] = "utility") -> None:
        super().__init__(name)
        if rule not in ("utility", "cosine"):
            raise ConfigError("router.rule is utility or cosine")
        self.rule = rule
        self.can_reweigh = rule == "utility"

    def build(self, spec: DataSpec) -> None:
        """Create the prototypes and the curves."""
        self.scaler = Standardizer(spec.feature_dim)
        self.register_buffer("prototypes", torch.zeros(spec.n_models, spec.feature_dim))
        self.register_buffer("slope", torch.ones(spec.n_models))
        self.register_buffer("offset", torch.zeros(spec.n_models))

    def fit_arrays(self, train: TrainingArrays) -> None:
        """Average the samples that each model answers right, and fit the curves."""
        self.scaler.fit([train.features])
        points = unit_rows(self.scaler(train.features)).double()
        y = right_or_wrong(train.Y).to(points)
        right = y.nan_to_num()
        sums = right.T @ points
        self.prototypes.copy_(unit_rows(sums))
        if self.rule == "cosine":
            self.offset.copy_(torch.where(right.any(dim=0), 0.0, -torch.inf))
            return
        known = ~y.isnan()
        slope, offset = platt(left_out_cosines(points, right, sums).cpu(), right.cpu(), known.cpu(), self.name)
        self.slope.copy_(slope)
        self.offset.copy_(torch.where(known.any(dim=0).cpu(), offset, -torch.inf))

    def forward(self, batch: Batch) -> Tensor:
        """Return expected utilities, or cosines (B, M)."""
        cosine = unit_rows(self.scaler(batch["features"])) @ self.prototypes.T
        score = self.slope * cosine + self.offset
        if self.rule == "cosine":
            return score
        cost = self.mean_train_cost.expand_as(score)
        return expected_utility(torch.sigmoid(score), cost, self.spec.trade_off)


def left_out_cosines(points: Tensor, right: Tensor, sums: Tensor) -> Tensor:
    """Return the cosine (n, M) of each sample with each prototype made without that sample.

    Features were centred with the sample among the n: without it, every other point would lie x / (n − 1) further
    along its point x. Both are undone: S − y·x + (r − y)·x / (n − 1) of a sum S of r points. Otherwise cosines of
    training samples would lie below those of new ones, by about as much as they vary.

    Args:
        points: (n, D) rows of length 1 or 0, float64.
        right: (n, M) 1 where the model is right.
        sums: (M, D) sums of the points that each model answers right.

    >>> x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-0.6, -0.8], [-0.8, -0.6]]).double()
    >>> y = torch.tensor([[1.0], [1.0], [0.0], [0.0]]).double()  # for the first: (1, 1) − (1, 0) + (1, 0)/3 = (1/3, 1)
    >>> [round(c, 4) for c in left_out_cosines(x, y, y.T @ x)[:2, 0].tolist()]  # 1 / √10
    [0.3162, 0.3162]
    """
    share = right - (right.sum(dim=0) - right) / max(len(points) - 1, 1)
    along = points @ sums.T
    squares = points.square().sum(dim=1, keepdim=True)
    length = (sums.square().sum(dim=1) - 2 * share * along + share.square() * squares).clamp_min(0).sqrt()
    return torch.where(length > 1e-6, (along - share * squares) / length.clamp_min(1e-6), 0.0)


def platt(cosine: Tensor, right: Tensor, known: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """Return slopes and offsets (M,) of P(right) = sigmoid(slope · cosine + offset), one curve per model.

    Right counts as (r + 1)/(r + 2) of r right ones and wrong as 1/(w + 2) of w wrong ones (Platt, 1999); slopes have a
    penalty that matters for a handful of samples only.

    Args:
        cosine: (n, M) float64.
        right: (n, M) 1 where the model is right.
        known: (n, M) where the outcome is known.
        name: The router's name, for warnings.
    """
    n_right = right.sum(dim=0)
    n_wrong = known.sum(dim=0) - n_right
    Z = torch.where(right == 1, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))
    total = known.sum(dim=0).clamp_min(1)
    W = known / total
    spread = (W * cosine.square()).sum(dim=0).sqrt().clamp_min(1e-6)
    x = cosine / spread

    def objective(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        slope, offset = torch.from_numpy(parameters).chunk(2)
        value, residual = log_loss(slope * x + offset, Z, W)
        value += float((slope.square() / (2 * total)).sum())
        gradient = torch.cat([(residual * x).sum(dim=0) + slope / total, residual.sum(dim=0)])
        return value, gradient.numpy()

    start = np.concatenate([np.zeros(len(total)), torch.logit((W * Z).sum(dim=0), eps=1e-6).numpy()])
    slope, offset = lowest(objective, start, name, max_iterations=1000, tolerance=1e-7).chunk(2)
    return slope / spread, offset
