"""CosineCls: cosines over a temperature that stays in its range."""

import math

import numpy as np
import pytest
import torch

from vlrb.routers.heads import CosineHead, LinearHead, unit
from vlrb.routers.optimizer import adamw


@pytest.fixture
def head():
    head = CosineHead(2, 2)
    with torch.no_grad():
        head.embeddings.copy_(torch.tensor([[1.0, 0.0], [0.0, 5.0]]))
    return head


def test_scores_by_hand(head):
    out = head(torch.tensor([[3.0, 4.0], [-2.0, 0.0]]))  # cosines .6 and .8; −1 and 0; temperature .07
    np.testing.assert_allclose(out.detach(), [[0.6 / 0.07, 0.8 / 0.07], [-1 / 0.07, 0.0]], rtol=1e-5)
    assert torch.allclose(head(torch.tensor([[300.0, 400.0]])), out[:1])  # length plays no part


def test_rows_without_length_are_finite_and_learn_slowly(head):
    rows = torch.tensor([[0.0, 0.0], [1e-30, 0.0], [1e-7, 0.0]], requires_grad=True)
    out = head(rows)
    assert out.abs().max() < 1e-5
    torch.log_softmax(out, dim=1)[:, 0].sum().backward()
    assert rows.grad.isfinite().all()
    assert rows.grad.abs().max() < 100
    assert head.embeddings.grad.isfinite().all()
    assert unit(torch.zeros(1, 3)).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize(("push", "end"), [(1e6, 0.01), (-1e6, 1.0)])
def test_no_step_takes_the_temperature_out_of_its_range_and_it_can_come_back(head, push, end):
    def step(gradient):
        head.log_temperature.grad = torch.tensor(gradient)
        torch.optim.SGD([head.log_temperature], lr=1.0).step()

    step(push)
    assert head.eval()(torch.ones(1, 2)).abs().max() <= 100 + 1e-3  # bounded in use, even before it is put back
    assert head.train().temperature().item() == pytest.approx(end, rel=1e-5)
    head.log_temperature.grad = None
    head(torch.tensor([[1.0, 2.0]]))[0, 0].backward()
    assert head.log_temperature.grad.item() != 0  # a dead end otherwise
    step(math.copysign(1.0, -push))
    assert 0.01 < head.temperature().item() < 1


def test_temperature_and_biases_are_not_decayed(world):
    router = world.on_rows(world.build("cosinecls"), 3, 4)
    groups = {id(p): group["weight_decay"] for group in adamw(router, 1e-3, 0.1).param_groups for p in group["params"]}
    assert groups[id(router.head.log_temperature)] == 0
    assert router.head.log_temperature.ndim == 0
    assert groups[id(router.head.embeddings)] == 0.1


@pytest.mark.parametrize("make", [lambda: CosineHead(8, 5), lambda: LinearHead(8, 5, 0.0)])
def test_heads_compute_in_float32_whatever_the_precision(make):
    torch.manual_seed(0)
    head, rows = make(), torch.randn(4, 8)
    expected = head(rows)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(head(rows), expected)
        low = head(rows.bfloat16())
    assert low.dtype == torch.float32
    torch.testing.assert_close(low, head(rows.bfloat16().float()))
    assert head.bfloat16()(rows.bfloat16()).dtype == torch.float32


def test_the_loss_is_soft_cross_entropy(world):
    router = world.on_rows(world.build("cosinecls"), 3, 3).eval()
    rng = np.random.default_rng(0)
    rows, Y, C = rng.normal(size=(6, 3)), rng.choice([0.0, 1.0, np.nan], (6, 3)), rng.random((6, 3)) * 1e-4
    batch = world.rows_batch(router, rows, Y, C)
    found = router.objective(batch)
    z, t = found.scores.detach().double().numpy(), batch["targets"].numpy()
    losses = -(t * (z - np.log(np.exp(z).sum(axis=1, keepdims=True)))).sum(axis=1)
    solved = np.nansum(Y, axis=1) > 0
    assert 0 < solved.sum() < 6
    assert found.loss.item() == pytest.approx(losses[solved].mean(), rel=1e-5)
    e, x = router.head.embeddings.detach().numpy(), rows
    cosine = x @ e.T / np.linalg.norm(x, axis=1, keepdims=True) / np.linalg.norm(e, axis=1)
    np.testing.assert_allclose(z, cosine / 0.07, rtol=1e-4, atol=1e-4)
