"""VLC: a linear head on the joint encoding."""

import numpy as np
import pytest
import torch

from vlrb.utils.errors import ConfigError


def test_scores_are_linear_in_the_encoding(world):
    router = world.on_rows(world.build("vlc", dropout=0.5), 3, 2).eval()
    weight, bias = (p.detach().numpy() for p in router.head.linear.parameters())
    rows = np.random.default_rng(0).normal(size=(5, 3))
    batch = world.rows_batch(router, rows, np.ones((5, 2)), np.ones((5, 2)))
    np.testing.assert_allclose(router(batch).detach(), rows @ weight.T + bias, atol=1e-6)
    torch.manual_seed(0)
    assert not torch.equal(router.train()(batch), router(batch))  # dropout draws


def test_the_loss_skips_rows_without_a_right_model(world):
    router = world.on_rows(world.build("vlc"), 2, 2, lam=1.0).eval()
    with torch.no_grad():
        router.head.linear.weight.copy_(torch.eye(2))
        router.head.linear.bias.zero_()
    rows, Y = [[2.0, 0.0], [0.0, 1.0], [5.0, 5.0]], [[1, 0], [1, 1], [0, 0]]
    batch = world.rows_batch(router, rows, Y, [[1e-4, 1e-4], [1e-4, 2e-4], [1e-4, 1e-4]])
    # first: log(1 + e^−2) = .126928; second: t = 1/(1 + e^−1) = .731059 on column 0, log(1 + e) − .268941 = 1.044321
    found = router.objective(batch)
    assert found.loss.item() == pytest.approx((0.126928 + 1.044321) / 2, abs=1e-5)
    assert found.weight_in(batch).item() == 2


@pytest.mark.parametrize("router", ["vlc", "zooter"])
def test_dropout_out_of_range(world, router):
    for value in (-0.1, 1.0):
        with pytest.raises(ConfigError, match=r"router\.dropout must be at least 0 and below 1"):
            world.build(router, dropout=value)
