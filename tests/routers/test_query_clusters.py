"""Clusters of queries: found once, the same on every device, kept with the router."""

import numpy as np
import torch

from vlrb.routers.query_clusters import QueryClusters


def blobs(n=60, seed=0):
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, n)
    middle = np.array([[9.0, 0, 0, 1], [0, 9, 0, 1], [0, 0, 9, 1]])
    return torch.from_numpy((middle[kind] + rng.normal(size=(n, 4)) * 0.3).astype(np.float32)), kind


def fitted(points, clusters=3, seed=0, **kwargs):
    found = QueryClusters(points.shape[1], clusters, **kwargs)
    found.fit(points.split(16), seed)
    return found


def test_clear_groups_are_found_and_new_points_join_them():
    points, kind = blobs()
    clusters = fitted(points)
    label = clusters(points).numpy()
    assert len(set(zip(label.tolist(), kind.tolist(), strict=True))) == 3  # one to one
    more, kinds = blobs(seed=1)
    of_kind = {k: c for c, k in zip(label, kind, strict=True)}
    assert clusters(more).tolist() == [of_kind[k] for k in kinds]
    assert clusters(more[:1]).item() == of_kind[kinds[0]]


def test_scale_of_a_feature_and_length_of_a_row_play_no_part():
    points, _ = blobs()
    same = fitted(points)(points)
    wide = points * torch.tensor([1.0, 1000.0, 1e-3, 1.0])
    assert torch.equal(fitted(wide)(wide), same)


def test_the_same_seed_gives_the_same_centres_however_the_points_are_cut():
    points, _ = blobs()
    one, other = fitted(points, 8), QueryClusters(4, 8)
    other.fit([points], 0)
    assert torch.equal(one.centres, other.centres)
    assert not torch.equal(one.centres, fitted(points, 8, seed=1).centres)


def test_a_stored_router_has_them():
    points, _ = blobs()
    one, other = fitted(points), QueryClusters(4, 3)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(points), other(points))


def test_fewer_different_points_than_clusters():
    points = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(5, 1)
    clusters = fitted(points, 4)
    assert clusters.centres.isnan().all(dim=1).sum() == 2
    label = clusters(points)
    assert label[0] != label[1]
    assert torch.equal(label, label[:2].repeat(5))
    assert clusters.centres[label].isfinite().all()


def test_no_point_at_all_is_one_cluster():
    clusters = fitted(torch.zeros(0, 2), 4, plain=True)
    assert clusters(torch.rand(3, 2)).tolist() == [0, 0, 0]


def test_plain_points_are_taken_as_they_are():
    points = torch.tensor([[1.0, 0.0], [2.0, 0.0], [101.0, 0.0], [102.0, 0.0]])  # one direction: cosine sees no two
    label = fitted(points, 2, plain=True)(points)
    assert label[0] == label[1] != label[2] == label[3]
