"""The objective that VL-RouterBench's code trains as RouterDC (and as CosineCls), for comparison."""

import math
from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor

from vlrb.data.batch import Batch, decision_batch
from vlrb.data.spec import DataSpec
from vlrb.routers.base import at_least
from vlrb.routers.contrastive import Contrast, log_sum_exp
from vlrb.routers.end_to_end import EndToEndRouter
from vlrb.routers.heads import CosineHead, unit
from vlrb.routers.nearest import share_places
from vlrb.routers.objective import Objective, right_or_wrong
from vlrb.routers.query_clusters import QueryClusters

STARTS = 10


class PublishedRouterDC(EndToEndRouter):
    """Score models by cosine / temperature, trained by the published simplification of RouterDC.

    S = soft targets, uniform over the right models at λ=0 and, as published, at λ=∞. Loss of a sample: −log of the
    softmax mass on its `near_models` models of the highest S, plus cluster_weight times −log(Σ e^cos over the other
    samples of its cluster / Σ e^cos over the batch, itself included), the cosine taken between rows of logits and
    clusters made by k-means on the rows S of the training samples. Samples that no model answers right are left out.

    Kept as published: every λ > 0 chooses the same models; where fewer are right than there are places, wrong models
    take the rest; clusters are of outcomes, not of queries; no negatives. Not kept, because they are not defined or do
    harm only: of equal S the published code takes whichever it happens to list first, here they share the places;
    exponents without a maximum taken out, here they cannot overflow; a temperature without bounds (`CosineHead`); dev
    samples that none answers right, which the published dev loss gives places at random, have no loss; dev clusters by
    another S than training's.

    Args:
        name: Name in tables and folders.
        near_models: Models of the highest S whose mass is raised.
        clusters: Clusters of the rows S.
        cluster_weight: Weight of the sample–sample part; 0 = without.

    Raises:
        ConfigError: A number is out of range.
    """

    learns_from: ClassVar[frozenset[str]] = frozenset()

    def __init__(
        self,
        name: str = "routerdc_reference",
        near_models: int = 3,
        clusters: int = 5,
        cluster_weight: float = 1.0,
    ) -> None:
        super().__init__(name)
        at_least("near_models", near_models, 1)
        at_least("clusters", clusters, 1)
        at_least("cluster_weight", cluster_weight, 0)
        self.near_models, self.clusters, self.cluster_weight = near_models, clusters, cluster_weight

    def build_head(self, dim: int, spec: DataSpec) -> None:
        """Create embeddings, temperature and clusters."""
        self.head = CosineHead(dim, spec.n_models)
        self.outcome_clusters = QueryClusters(spec.n_models, self.clusters, STARTS, plain=True)

    def preference(self, batch: Batch) -> Tensor:
        """Return S (B, M), rows of 0 where no known model is right."""
        right = (right_or_wrong(batch["Y"]) == 1).float()
        S = right if math.isinf(self.spec.trade_off.value) else batch["targets"] * right
        return S / S.sum(dim=1, keepdim=True).clamp_min(torch.finfo(S.dtype).tiny)

    def prepare(self, batches: Iterable[Batch]) -> None:
        """Group the training samples by S."""
        found = [S[S.any(dim=1)] for S in map(self.preference, batches)]
        self.outcome_clusters.fit(found, self.spec.seed)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits (B, M)."""
        logits: Tensor = self.head(self.encode(batch))
        return logits

    def objective(self, batch: Batch) -> Objective:
        """Return the mean loss of the samples that some model answers right."""
        scores = self(decision_batch(batch, self.inputs))
        S = self.preference(batch)
        solved = S.any(dim=1)
        places = torch.full((len(S),), min(self.near_models, S.shape[1]), device=S.device)
        models = -log_mass(scores, share_places(S.double(), places).float())
        samples = within_clusters(scores, self.outcome_clusters(S), solved)
        counts = solved.float().sum()
        total = torch.where(solved, models, 0.0).sum()
        # as published, each part is the mean over the samples that have it
        part = samples.loss.sum() * counts / samples.counts.sum().clamp_min(1)
        return Objective((total + self.cluster_weight * part) / counts.clamp_min(1.0), scores, counts)


def log_mass(logits: Tensor, share: Tensor) -> Tensor:
    """Return log Σ_m share · softmax(logits)_m (B,).

    >>> round(float(log_mass(torch.zeros(1, 4), torch.tensor([[1.0, 1.0, 0.5, 0.5]])).exp()), 4)  # 3/4
    0.75
    """
    return log_sum_exp(torch.log_softmax(logits, dim=1), share)


def within_clusters(logits: Tensor, cluster: Tensor, taken: Tensor) -> Contrast:
    """Return −log(Σ_{j ≠ i, same cluster} e^{cos_ij} / Σ_j e^{cos_ij}) (B,) of the samples taken, 0 where none is near.

    Args:
        logits: (B, M).
        cluster: (B,).
        taken: (B,) bool; the others are as if they were not there.
    """
    directions = unit(logits)
    similarity = directions @ directions.T
    everyone = taken.float().expand_as(similarity)
    same = (cluster.unsqueeze(1) == cluster) & ~torch.eye(len(cluster), dtype=torch.bool, device=cluster.device)
    near = same.float() * everyone
    counts = taken & near.any(dim=1)
    loss = log_sum_exp(similarity, everyone) - log_sum_exp(similarity, near)
    return Contrast(torch.where(counts, loss, 0.0), counts)
