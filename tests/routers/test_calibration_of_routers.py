"""Calibration of logits and the ensemble that makes them."""

import numpy as np
import pytest
import torch
from scipy.optimize import check_grad
from torch import nn

from vlrb.routers.calibration import Calibration, _Posterior
from vlrb.routers.members import Members, mean_probability_logit


def drawn(n: int, m: int = 3, slope: float = 0.5, offset: tuple[float, ...] = (0.3, 0.0, -0.3), seed: int = 0):
    """Logits z, and outcomes that follow slope·z + offset."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, m)) * 2
    p = 1 / (1 + np.exp(-(slope * z + np.array(offset))))
    return torch.from_numpy(z), torch.from_numpy((rng.random((n, m)) < p).astype(np.float64))


def test_many_samples_show_slope_and_offsets():
    calibration = Calibration(3)
    calibration.fit(*drawn(20000))
    assert float(calibration.slope) == pytest.approx(0.5, abs=0.02)
    assert calibration.offset.tolist() == pytest.approx([0.3, 0.0, -0.3], abs=0.05)


def test_few_samples_change_little_and_none_nothing():
    few, many, none = Calibration(3), Calibration(3), Calibration(3)
    few.fit(*drawn(10))
    many.fit(*drawn(2000))
    assert 0.5 < float(many.slope) < float(few.slope) < 1.0
    assert few.offset.abs().max() < 0.1 < many.offset.abs().max()
    none.fit(torch.zeros(4, 3), torch.full((4, 3), torch.nan))
    assert float(none.slope) == 1.0
    assert none.offset.tolist() == [0.0, 0.0, 0.0]


def test_unknown_cells_are_left_out():
    z, y = drawn(300)
    holes = torch.from_numpy(np.random.default_rng(1).random(z.shape) < 0.3)
    one, other = Calibration(3), Calibration(3)
    one.fit(z, torch.where(holes, torch.nan, y))
    other.fit(torch.where(holes, -torch.inf, z), torch.where(holes, torch.nan, y))
    assert torch.equal(one.slope, other.slope)
    assert torch.equal(one.offset, other.offset)


def test_gradient_by_differences():
    z, y = drawn(50)
    posterior = _Posterior(z.numpy(), y.numpy())
    x = np.array([-0.3, 0.2, -0.1, 0.05])
    assert check_grad(lambda v: posterior(v)[0], lambda v: posterior(v)[1], x) < 1e-4


def test_members_are_so_many_separate_networks():
    torch.manual_seed(0)
    members = Members(3, (5, 7, 6, 2), dropout=0.5, input_dropout=0.3).eval()
    x = torch.randn(11, 5)
    together = members(x)
    for k in range(3):
        alone = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 6), nn.ReLU(), nn.Linear(6, 2))
        for own, layer in zip(alone[::2], members.layers, strict=True):
            own.weight.data = layer.weight[k].T
            own.bias.data = layer.bias.view(3, -1)[k]
        torch.testing.assert_close(together[k], alone(x))
    assert (together[0] - together[1]).abs().max() > 0.01
    assert {p.dim() for name, p in members.named_parameters() if "bias" in name} == {1}  # AdamW leaves vectors alone


def test_mean_probability_survives_certainty():
    z = torch.tensor([100.0, -100.0, 60.0]).view(3, 1, 1)
    assert float(mean_probability_logit(z).sigmoid()) == pytest.approx(2 / 3)
    assert torch.isfinite(mean_probability_logit(torch.full((2, 1, 1), 80.0))).all()
    assert mean_probability_logit(torch.full((2, 1, 1), -torch.inf)).sigmoid().item() == 0.0
