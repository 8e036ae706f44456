"""The contrastive loss and its positives and negatives, against hand computation and plain loops."""

from itertools import pairwise, permutations

import numpy as np
import pytest
import torch

from vlrb.data.tradeoff import TradeOff
from vlrb.routers.contrastive import (
    contrast,
    log_sum_exp,
    negative_models,
    negative_samples,
    positive_models,
    positive_samples,
)

NAN = float("nan")


def random_case(seed, n=200, m=6):
    """Few values, so that ties are everywhere; a sixth of the cells unknown."""
    rng = np.random.default_rng(seed)
    Y = rng.choice([0.0, 0.2, 0.5, 1.0], (n, m)).astype(np.float32)
    C = rng.choice([1.0, 2.0, 3.0], (n, m)).astype(np.float32)
    Y[rng.random((n, m)) < 1 / 6] = NAN
    C[rng.random((n, m)) < 1 / 6] = NAN
    return Y, C


def targets(Y, C, lam):
    return torch.from_numpy(TradeOff(lam, cost_scale=1.0).targets(Y, C).targets)


def test_loss_by_hand():
    s = torch.tensor([[2.0, 1.0, 0.0, 9.0]])
    p, n = torch.tensor([[0.75, 0.25, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, 1.0, 0.0]])
    # .75·log(1 + e^(0−2)) + .25·log(1 + e^(0−1)) = .75·.126928 + .25·.313262; the fourth takes no part
    loss, counts = contrast(s, p, n)
    assert loss.item() == pytest.approx(0.1735115, abs=1e-6)
    assert counts.tolist() == [True]


def test_loss_equals_the_formula_on_random_rows():
    rng = np.random.default_rng(0)
    s, n = rng.normal(size=(50, 7)) * 3, rng.choice([0, 0.5, 1], (50, 7))
    p = rng.random((50, 7)) * (rng.random((50, 7)) < 0.4) * (n == 0)
    p /= np.where(p.sum(axis=1, keepdims=True) > 0, p.sum(axis=1, keepdims=True), 1)
    expected = np.zeros(50)
    for i in range(50):
        total = sum(n[i, k] * np.exp(s[i, k]) for k in range(7))
        if total > 0:
            expected[i] = -sum(p[i, j] * np.log(np.exp(s[i, j]) / (np.exp(s[i, j]) + total)) for j in range(7))
    loss, counts = contrast(*(torch.from_numpy(a) for a in (s, p, n)))
    np.testing.assert_allclose(loss.numpy(), expected, atol=1e-12)
    assert counts.tolist() == ((p.sum(axis=1) > 0) & (n.sum(axis=1) > 0)).tolist()
    assert 0 < counts.sum() < 50
    moved, _ = contrast(torch.from_numpy(s) + 5.0, torch.from_numpy(p), torch.from_numpy(n))
    torch.testing.assert_close(moved, loss)  # a constant on all of a row's similarities changes nothing


def test_gradients_are_right_and_finite_where_there_is_nothing_to_compare():
    s = torch.tensor([[0.3, -0.2, 0.9], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], dtype=torch.float64, requires_grad=True)
    p = torch.tensor([[0.4, 0.6, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
    n = torch.tensor([[0.0, 0.0, 0.5], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: contrast(x, p, n).loss, (s,))
    with torch.autograd.set_detect_anomaly(True):
        contrast(s, p, n).loss.sum().backward()
    assert s.grad[0].tolist() != [0, 0, 0]
    assert s.grad[1:].tolist() == [[0, 0, 0]] * 2  # no negative, no positive: no loss, no pull


@pytest.mark.parametrize("size", [1e4, 1e30])
def test_extreme_similarities_do_not_overflow(size):
    s = torch.tensor([[-size, size]], requires_grad=True)
    p, n = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    loss, _ = contrast(s, p, n)
    loss.sum().backward()
    assert loss.item() == pytest.approx(2 * size)
    assert s.grad.tolist() == [[-1.0, 1.0]]
    assert log_sum_exp(s, n).item() == pytest.approx(size)


def given_out(t, places):
    """Places in proportion to t, at most one each: hand one out whole wherever a share would exceed it, and repeat."""
    place = dict.fromkeys(np.flatnonzero(t > 0), 0.0)
    free = sorted(place, key=lambda m: -t[m])
    while free:
        over = [m for m in free if places * t[m] >= sum(t[k] for k in free)]
        if not over:
            place.update((m, places * t[m] / sum(t[k] for k in free)) for m in free)
            break
        place[over[0]], places = 1.0, places - 1
        free.remove(over[0])
        if places == 0:
            break
    return place


@pytest.mark.parametrize("places", [1, 2, 3, 9])
@pytest.mark.parametrize("lam", [0.0, 0.3, 2.0, float("inf")])
def test_positive_models_equal_a_plain_loop(places, lam):
    Y, C = random_case(1)
    t = targets(Y, C, lam)
    found = positive_models(t, torch.from_numpy(Y), places).numpy()
    for i in range(len(Y)):
        right = np.where(Y[i] >= 0.5, t[i].numpy().astype(np.float64), 0.0)
        place = given_out(right, places)
        mass = np.array([place.get(m, 0.0) * right[m] for m in range(Y.shape[1])])
        expected = mass / mass.sum() if mass.sum() > 0 else mass
        np.testing.assert_allclose(found[i], expected, atol=1e-6, err_msg=f"{i} {right}")
    assert not found[~(Y >= 0.5)].any()  # wrong and unknown models are never positives


def test_fewer_right_models_than_places_share_by_target_alone():
    Y, t = torch.tensor([[1.0, 1.0, 0.0, 0.0]]), torch.tensor([[0.75, 0.25, 0.0, 0.0]])
    assert positive_models(t, Y, 3).tolist() == [[0.75, 0.25, 0.0, 0.0]]  # never padded with wrong ones
    assert not positive_models(torch.full((1, 4), 0.25), torch.zeros(1, 4), 3).any()  # targets of a fallback


def test_positive_weights_move_continuously_with_the_trade_off():
    """The published rule, the K⁺ cheapest right models, is one set for every λ > 0 and another at λ = 0."""
    Y, C = np.ones((1, 6), np.float32), np.array([[1.0, 1.5, 2.0, 3.0, 4.0, 6.0]])
    grid = [0.0, *np.geomspace(1e-4, 200, 1500), float("inf")]
    weights = np.array([positive_models(targets(Y, C, lam), torch.from_numpy(Y), 3).numpy()[0] for lam in grid])
    np.testing.assert_allclose(weights[0], 1 / 6, atol=1e-7)
    assert weights[-1].tolist() == [1, 0, 0, 0, 0, 0]
    assert max(np.abs(b - a).max() for a, b in pairwise(weights)) < 0.01  # no jump, at neither end
    assert (np.diff(weights[:, 0]) > -1e-6).all()  # the cheapest only gains
    assert len({tuple(w.round(3)) for w in weights}) > 100


def test_negative_models_are_the_mean_over_all_ways_to_break_ties():
    Y, _ = random_case(2, n=30)
    for places in (1, 2, 4):
        found = negative_models(torch.from_numpy(Y), places).numpy()
        for i, y in enumerate(Y):
            wrong = [m for m in range(len(y)) if y[m] < 0.5]
            expected, orders = np.zeros(len(y)), list(permutations(wrong))
            for order in orders:
                expected[sorted(order, key=lambda m: y[m])[:places]] += 1 / len(orders)
            np.testing.assert_allclose(found[i], expected, atol=1e-6)


def test_column_order_does_not_matter():
    Y, C = random_case(3)
    order = np.array([3, 0, 5, 1, 4, 2])
    t, y = targets(Y, C, 0.4), torch.from_numpy(Y)
    torch.testing.assert_close(positive_models(t, y, 2)[:, order], positive_models(t[:, order], y[:, order], 2))
    torch.testing.assert_close(negative_models(y, 2)[:, order], negative_models(y[:, order], 2))


def test_samples_of_one_cluster_are_near_and_drawn_others_far():
    cluster = torch.tensor([0, 0, 0, 1, 1, 2])
    near = positive_samples(cluster)
    assert near[0].tolist() == [0, 0.5, 0.5, 0, 0, 0]
    assert not near[5].any()  # alone in its cluster
    draw = torch.tensor([[0.9, 0.8, 0.7, 0.3, 0.2, 0.1]]).repeat(6, 1)
    assert negative_samples(cluster, 2, draw)[0].tolist() == [0, 0, 0, 1, 1, 0]
    assert negative_samples(cluster, 2, draw)[3].tolist() == [1, 1, 0, 0, 0, 0]
    everyone = negative_samples(cluster, 99, draw)
    assert torch.equal(everyone, (cluster[:, None] != cluster).float())
    assert not negative_samples(torch.zeros(4, dtype=torch.int64), 3, torch.rand(4, 4)).any()


def test_each_other_sample_is_drawn_equally_often():
    cluster = torch.tensor([0, 1, 1, 2, 2])
    generator = torch.Generator().manual_seed(0)
    counts = sum(negative_samples(cluster, 2, 1 - torch.rand(5, 5, generator=generator)) for _ in range(4000))
    np.testing.assert_allclose(counts[0].numpy() / 4000, [0, 0.5, 0.5, 0.5, 0.5], atol=0.03)
