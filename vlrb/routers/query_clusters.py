"""Clusters of queries: k-means on points of the training samples, made once before a router learns."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from vlrb.data.sampling import derive_seed
from vlrb.routers.nearest import unit_rows
from vlrb.routers.prototypes import SEEDS, distances, find_centres
from vlrb.routers.scaling import Standardizer


class QueryClusters(nn.Module):
    """k-means clusters of standardised features of length 1 (or of plain points), kept in buffers.

    Args:
        dim: Width D of the points.
        clusters: Clusters K; fewer are kept if there are fewer different points, and the other centres stay NaN.
        starts: Starts of k-means, of which the best is kept.
        plain: Take points as they are.
    """

    centres: Tensor

    def __init__(self, dim: int, clusters: int, starts: int = 4, *, plain: bool = False) -> None:
        super().__init__()
        self.starts = starts
        self.plain = plain
        self.scaler = Standardizer(dim, enabled=not plain)
        # float64: which of two near centres is nearer must not depend on the batch
        self.register_buffer("centres", torch.full((clusters, dim), torch.nan, dtype=torch.float64))

    def fit(self, batches: Iterable[Tensor], seed: int) -> None:
        """Find the centres of points (B, D) of the training samples; without any point all centres stay NaN.

        Args:
            batches: All points, in an order that does not depend on a shuffle.
            seed: Seed of the run.
        """
        points = torch.cat([batch.detach().cpu() for batch in batches])
        if not len(points):
            return
        scaler = Standardizer(points.shape[1], enabled=not self.plain)
        scaler.fit([points])
        self.scaler.load_state_dict(scaler.state_dict())
        points = points if self.plain else unit_rows(scaler(points))
        seed = derive_seed("query clusters", seed) % SEEDS
        found = torch.from_numpy(find_centres(points.numpy(), len(self.centres), self.starts, seed))
        self.centres.fill_(torch.nan)
        self.centres[: len(found)] = found.to(self.centres)

    def forward(self, points: Tensor) -> Tensor:
        """Return the cluster (B,) int64 of points (B, D): the nearest centre."""
        with torch.no_grad():
            rows = points if self.plain else unit_rows(self.scaler(points))
            apart = distances(rows, self.centres)
            return torch.where(apart.isnan(), torch.inf, apart).argmin(dim=1)
