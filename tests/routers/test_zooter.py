"""ZOOTER: the divergence from the soft targets, smoothed by dataset on demand."""

import numpy as np
import pytest
import torch

from vlrb.routers.objective import soft_cross_entropy
from vlrb.routers.zooter import divergence
from vlrb.utils.errors import ConfigError


def test_divergence_is_cross_entropy_less_entropy_and_0_for_a_perfect_student():
    rng = np.random.default_rng(0)
    t = rng.dirichlet(np.full(5, 0.3), 20) * (rng.random((20, 5)) < 0.7)
    t[0] = [1, 0, 0, 0, 0]
    weight = (t.sum(axis=1) > 0).astype(float)
    weight[3] = 0
    t /= np.where(t.sum(axis=1, keepdims=True) > 0, t.sum(axis=1, keepdims=True), 1)
    t, weight, z = (torch.from_numpy(a) for a in (t, weight, rng.normal(size=(20, 5)) * 2))
    entropy = -(torch.xlogy(t, t).sum(dim=1) * weight).sum() / weight.sum()
    found = divergence(z, t, weight)
    assert found.item() == pytest.approx((soft_cross_entropy(z, t, weight) - entropy).item())
    assert found > 0
    torch.testing.assert_close(divergence(z + 7, t, weight), found)
    known = weight > 0
    perfect = torch.where(t > 0, t, 1e-300).log()
    assert divergence(perfect[known], t[known], weight[known]).item() == pytest.approx(0, abs=1e-12)


def test_gradients_equal_those_of_cross_entropy_and_extremes_are_finite():
    z = torch.tensor([[1e4, -1e4], [0.5, 0.1]], requires_grad=True)
    t, weight = torch.tensor([[0.0, 1.0], [0.3, 0.7]]), torch.ones(2)
    pulls = [torch.autograd.grad(loss(z, t, weight), z)[0] for loss in (divergence, soft_cross_entropy)]
    torch.testing.assert_close(*pulls)
    assert divergence(z, t, weight).isfinite()
    assert divergence(z, torch.zeros(2, 2), torch.zeros(2)).item() == 0


def learnt(world, smoothing):
    """Two training samples of dataset one (targets 1 0 and ½ ½ at λ=0), an unsolved one, and none of dataset two."""
    router = world.on_rows(world.build("zooter", smoothing=smoothing), 2, 2, lam=0.0)
    train = world.rows_batch(router, np.zeros((3, 2)), [[1, 0], [1, 1], [0, 0]], np.ones((3, 2)))
    router.prepare(({k: v[:2] for k, v in train.items()}, {k: v[2:] for k, v in train.items()}))
    return router


def test_smoothing_by_hand(world):
    router = learnt(world, 0.4)
    assert router.tag_targets.tolist() == [[0.75, 0.25], [0, 0]]
    code = torch.tensor([0, 0, 1, -1])
    batch = world.rows_batch(router, np.zeros((4, 2)), [[0, 1], [1, 1], [0, 1], [0, 1]], np.ones((4, 2)), dataset=code)
    # .6·(0, 1) + .4·(.75, .25) = (.3, .7); .6·(.5, .5) + .4·(.75, .25) = (.6, .4); unknown datasets keep their own
    np.testing.assert_allclose(router.smoothed(batch), [[0.3, 0.7], [0.6, 0.4], [0, 1], [0, 1]], atol=1e-6)
    found = router.objective(batch)
    expected = divergence(found.scores, router.smoothed(batch), batch["weight"])
    assert found.loss.item() == pytest.approx(expected.item())


def test_without_smoothing_targets_are_the_samples_own(world):
    router = learnt(world, 0.0)
    batch = world.rows_batch(router, np.zeros((2, 2)), [[0, 1], [1, 1]], np.ones((2, 2)))
    assert torch.equal(router.smoothed(batch), batch["targets"])


def test_the_dataset_is_not_read_to_decide(world):
    router = learnt(world, 1.0).eval()
    batch = world.rows_batch(router, np.random.default_rng(0).normal(size=(4, 2)), np.ones((4, 2)), np.ones((4, 2)))
    other = {**batch, "dataset": torch.tensor([1, 0, -1, 1])}
    assert torch.equal(router(batch), router(other))
    del other["dataset"]
    assert torch.equal(router(batch), router(other))


def test_smoothing_out_of_range(world):
    for value in (-0.1, 1.1):
        with pytest.raises(ConfigError, match=r"router\.smoothing must be at least 0 and at most 1"):
            world.build("zooter", smoothing=value)
