"""RouterDC: samples near to the models that are right on them, and near to samples of their kind."""

from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor

from vlrb.data.batch import FEATURES, Batch
from vlrb.data.sampling import derive_seed
from vlrb.data.spec import DataSpec
from vlrb.routers.base import at_least
from vlrb.routers.contrastive import (
    Contrast,
    contrast,
    negative_models,
    negative_samples,
    positive_models,
    positive_samples,
)
from vlrb.routers.end_to_end import EndToEndRouter
from vlrb.routers.heads import CosineHead, unit
from vlrb.routers.objective import Objective
from vlrb.routers.query_clusters import QueryClusters


class RouterDCRouter(EndToEndRouter):
    """Score models by cosine / temperature, trained by dual contrastive learning (Chen et al., NeurIPS 2024).

    Sample–model: each sample is drawn to K⁺ models that are right on it and away from K⁻ that are wrong
    (`positive_models`, `negative_models`, `contrast`). The paper orders models by a graded score; here cost comes in by
    the soft target, so a positive counts by t(m), and λ moves the weights continuously from all right models alike
    (λ=0) to the cheapest right one alone (λ=∞). Where all known models are right, or none is, there is no such loss.

    Sample–sample: training samples are grouped by k-means on frozen features (`QueryClusters`) before training. In a
    batch, each sample is drawn to those of its cluster and away from H of other clusters, by plain cosine of encodings.
    The paper draws one positive; here all of the batch count with equal weight, which has the same mean. Which samples
    meet depends on the batch: several devices compare within their own shares. On dev the draw is the same each epoch.

    The loss is the mean over samples of (sample–model + cluster_weight · sample–sample), a part that a sample does not
    have counting 0, over the samples that have either. The paper sums over its K⁺ positives, here they are averaged:
    its weight of 1 is 1/K⁺ here.

    Args:
        name: Name in tables and folders.
        near_models: K⁺, places among the right models; more than there are means all.
        far_models: K⁻, places among the wrong models.
        clusters: Clusters of the training samples.
        far_samples: H, samples of other clusters that each one is compared with; more than a batch has means all.
        cluster_weight: Weight of the sample–sample part; 0 = without.

    Raises:
        ConfigError: A number is out of range.
    """

    learns_from: ClassVar[frozenset[str]] = frozenset({FEATURES})

    def __init__(
        self,
        name: str = "routerdc",
        near_models: int = 3,
        far_models: int = 3,
        clusters: int = 5,
        far_samples: int = 3,
        cluster_weight: float = 0.3,
    ) -> None:
        super().__init__(name)
        for key, number in (("near_models", near_models), ("far_models", far_models), ("far_samples", far_samples)):
            at_least(key, number, 1)
        at_least("clusters", clusters, 2)
        at_least("cluster_weight", cluster_weight, 0)
        self.near_models, self.far_models = near_models, far_models
        self.clusters, self.far_samples, self.cluster_weight = clusters, far_samples, cluster_weight

    def build_head(self, dim: int, spec: DataSpec) -> None:
        """Create embeddings, temperature and clusters."""
        self.head = CosineHead(dim, spec.n_models)
        self.query_clusters = QueryClusters(spec.feature_dim, self.clusters)

    def prepare(self, batches: Iterable[Batch]) -> None:
        """Group the training samples."""
        self.query_clusters.fit((batch["features"] for batch in batches), self.spec.seed)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits (B, M)."""
        logits: Tensor = self.head(self.encode(batch))
        return logits

    def objective(self, batch: Batch) -> Objective:
        """Return the mean of both parts over the samples that have one."""
        rows = self.encode(batch)
        scores = self.head(rows)
        models = self.against_models(scores, batch)
        samples = self.against_samples(rows, self.query_clusters(batch["features"]))
        counts = torch.maximum(batch["weight"] * models.counts, samples.counts.float())
        total = (batch["weight"] * models.loss + self.cluster_weight * samples.loss).sum()
        return Objective(total / counts.sum().clamp_min(torch.finfo(total.dtype).tiny), scores, counts.sum())

    def against_models(self, scores: Tensor, batch: Batch) -> Contrast:
        """Return the sample–model part (B,)."""
        positive = positive_models(batch["targets"], batch["Y"], self.near_models)
        return contrast(scores, positive, negative_models(batch["Y"], self.far_models))

    def against_samples(self, rows: Tensor, cluster: Tensor) -> Contrast:
        """Return the sample–sample part (B,) of encodings (B, D)."""
        if self.cluster_weight == 0:
            return Contrast(rows.new_zeros(len(rows)), torch.zeros_like(cluster, dtype=torch.bool))
        with torch.autocast(rows.device.type, enabled=False):
            directions = unit(rows.float())
            similarity = directions @ directions.T
        drawn = negative_samples(cluster, self.far_samples, self._draw(similarity))
        return contrast(similarity, positive_samples(cluster), drawn)

    def _draw(self, like: Tensor) -> Tensor:
        """Return random numbers in (0, 1]: by the step while training, otherwise the same each time."""
        if self.training:
            return 1 - torch.rand_like(like)
        generator = torch.Generator().manual_seed(derive_seed("far samples", self.spec.seed))
        return 1 - torch.rand(like.shape, generator=generator).to(like)
