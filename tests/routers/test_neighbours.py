"""kNN against brute force in NumPy."""

import math

import numpy as np
import pytest
import torch

from vlrb.data.spec import DataSpec
from vlrb.data.tradeoff import TradeOff
from vlrb.metrics.bounds import CostBounds
from vlrb.routers.base import TrainingArrays
from vlrb.routers.neighbours import KNNRouter, cheapest_correct_votes
from vlrb.routers.utility_rule import expected_utility
from vlrb.utils.errors import ConfigError, DataError

SCALE = 5e3

BOUNDS = CostBounds(1e-5, 1e-3, "x")


def make(n, m, d, seed=0, lam=0.5, **settings):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)).astype(np.float32)
    Y = (rng.random((n, m)) < 0.5).astype(np.float32)
    C = rng.uniform(1e-4, 1e-3, (n, m)).astype(np.float32)
    return fitted(X, Y, C, lam, **settings), X, Y, C


def fitted(X, Y, C, lam=0.5, scheme="exp", **settings) -> KNNRouter:
    n, m = Y.shape
    means = tuple(float(c) for c in np.nanmean(C, axis=0))
    spec = DataSpec(
        tuple(f"m{i}" for i in range(m)), ("one",), X.shape[1], means, TradeOff(lam, scheme, SCALE), BOUNDS, 0, "x"
    )
    router = KNNRouter(**{"standardize": False, **settings}).bind(spec)
    parts = [torch.from_numpy(np.array(a, dtype=np.float32)) for a in (X, np.zeros((n, m)), np.ones(n), Y, C)]
    router.fit_arrays(TrainingArrays(*parts, torch.zeros(n, dtype=torch.int64)))
    return router


def scores(router, queries) -> np.ndarray:
    return router({"features": torch.from_numpy(np.array(queries, dtype=np.float32))}).numpy()


def unit(x):
    x = np.asarray(x, dtype=np.float64)
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(length > 0, length, 1)


def brute_force(queries, X, Y, C, k, lam, distance=False):
    """The definition: the k most similar rows, their (weighted) mean outcome minus λ · mean cost / c₀."""
    out = []
    for q in unit(queries):
        cosine = unit(X) @ q
        near = np.argsort(-cosine, kind="stable")[:k]
        w = 1 / (1 - cosine[near] + 1e-6) if distance else np.ones(len(near))
        w = w / w.sum()
        out.append(w @ (Y[near] >= 0.5) - lam * SCALE * (w @ C[near].astype(np.float64)))
    return np.array(out)


@pytest.mark.parametrize(
    ("n", "m", "d", "k"), [(200, 5, 8, 40), (50, 3, 30, 7), (30, 17, 2, 1), (9, 2, 4, 9), (5, 3, 3, 40)]
)
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_utility_against_brute_force(n, m, d, k, weights):
    router, X, Y, C = make(n, m, d, seed=n, k=k, weights=weights)
    queries = np.random.default_rng(1).normal(size=(25, d)).astype(np.float32)
    expected = brute_force(queries, X, Y, C, k, 0.5, weights == "distance")
    np.testing.assert_allclose(scores(router, queries), expected, atol=1e-5)


def test_accuracy_rule_at_zero_and_cheapest_at_infinity():
    queries = np.random.default_rng(1).normal(size=(10, 8)).astype(np.float32)
    router, X, Y, C = make(100, 4, 8, lam=0.0)
    np.testing.assert_allclose(scores(router, queries), brute_force(queries, X, Y, C, 40, 0.0), atol=1e-6)
    router, X, Y, C = make(100, 4, 8, lam=math.inf)
    expected = -(brute_force(queries, X, Y, C, 40, 0.0) - brute_force(queries, X, Y, C, 40, 1.0))  # −ĉ/c₀
    np.testing.assert_allclose(scores(router, queries), expected, rtol=1e-4)


def test_power_scheme_by_hand():
    """p̂ = (1, 1), ĉ·scale = (0.5, 2), λ = 1: utilities 1 − ln 0.5 = 1.6931 and 1 − ln 2 = 0.3069."""
    rule = TradeOff(1.0, "power", 5e3)
    out = expected_utility(torch.ones(1, 2), torch.tensor([[1e-4, 4e-4]]), rule)
    np.testing.assert_allclose(out.numpy(), [[1.6931, 0.3069]], atol=1e-4)


def test_unknown_cost_counts_only_without_a_trade_off():
    accuracy, cost = torch.tensor([[0.9, 0.5]]), torch.tensor([[math.inf, 1e-4]])
    assert expected_utility(accuracy, cost, TradeOff(0.0, cost_scale=1.0)).argmax().item() == 0
    assert expected_utility(accuracy, cost, TradeOff(0.1, cost_scale=1.0)).argmax().item() == 1
    assert expected_utility(accuracy, cost, TradeOff(math.inf, cost_scale=1.0)).argmax().item() == 1


def test_identical_samples_share_the_last_place():
    """k=2: one clear neighbour (A right) and three identical ones, of which one is right: p̂ = (1 + 1/3) / 2 = 2/3."""
    X = [[1, 0.1], [1, 0.5], [1, 0.5], [1, 0.5], [-1, 0]]
    Y = np.array([[1], [1], [0], [0], [1]], np.float32)
    router = fitted(np.array(X, np.float32), Y, np.full((5, 1), 1e-4), lam=0.0, k=2)
    assert scores(router, [[1.0, 0.1]])[0, 0] == pytest.approx(2 / 3, abs=1e-6)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_order_of_the_bank_does_not_matter(k):
    """Half of the bank are copies, so that ties are everywhere."""
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(30, 5)), 2, axis=0).astype(np.float32)
    Y, C = (rng.random((60, 3)) < 0.5).astype(np.float32), rng.uniform(1e-4, 1e-3, (60, 3))
    queries, order = X[::7], rng.permutation(60)
    one = scores(fitted(X, Y, C, k=k), queries)
    other = scores(fitted(X[order], Y[order], C[order], k=k), queries)
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_bank_of_one_sample_repeated_is_its_mean():
    X, Y = np.ones((500, 3), np.float32), np.zeros((500, 2), np.float32)
    Y[:125, 0] = 1
    router = fitted(X, Y, np.full((500, 2), 1e-4), lam=0.0, k=40)
    np.testing.assert_allclose(scores(router, [[1, 1, 1], [2, 2, 2]]), [[0.25, 0]] * 2, atol=1e-6)


def test_unknown_cells_are_skipped_not_wrong():
    """k=3: A known right once (the others unknown) → 1; B known on no neighbour → its training accuracy 0.5."""
    X = np.array([[1, 0], [1, 0.1], [1, 0.2], [-1, 0], [-1, 0.1]], np.float32)
    nan = np.nan
    Y = np.array([[1, nan], [nan, nan], [nan, nan], [0, 1], [0, 0]], np.float32)
    router = fitted(X, Y, np.full((5, 2), 1e-4), lam=0.0, k=3)
    np.testing.assert_allclose(scores(router, [[1.0, 0.1]]), [[1.0, 0.5]])


def test_votes_for_the_cheapest_correct_model():
    votes = cheapest_correct_votes(
        np.array([[1, 1, 0], [0, 0, 0], [1, 1, 1]], float), np.array([[2, 1, 0], [1, 2, 3], [1, 1, 5]], float)
    )
    assert votes.tolist() == [[0, 1, 0], [0, 0, 0], [0.5, 0.5, 0]]


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_vote_rule_against_brute_force(weights):
    """Samples that no model solves are left out first: neither neighbours nor part of the standardisation."""
    router, X, Y, C = make(120, 4, 6, k=5, rule="vote", lam=0.5, weights=weights, standardize=True)
    queries = np.random.default_rng(2).normal(size=(20, 6)).astype(np.float32)
    solved = Y.sum(axis=1) > 0
    label = np.where(Y > 0, C, np.inf).argmin(axis=1)[solved]
    mean, spread = X[solved].mean(axis=0, dtype=np.float64), X[solved].std(axis=0, dtype=np.float64)
    bank = unit((X[solved] - mean) / spread)
    for q, row in zip(unit((queries - mean) / spread), scores(router, queries), strict=True):
        near = np.argsort(-(bank @ q))[:5]
        w = 1 / (1 - bank[near] @ q + 1e-6) if weights == "distance" else np.ones(5)
        np.testing.assert_allclose(row, np.bincount(label[near], w, minlength=4) / w.sum(), atol=1e-5)


def test_vote_without_any_correct_model_is_an_error():
    with pytest.raises(DataError, match="no training sample"):
        fitted(np.ones((3, 2), np.float32), np.zeros((3, 2)), np.ones((3, 2)), rule="vote")


def test_standardised_cosine_differs_and_uses_training_statistics():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4)).astype(np.float32) * [1, 1, 100, 1] + 5
    Y, C = (rng.random((80, 3)) < 0.5).astype(np.float32), rng.uniform(1e-4, 1e-3, (80, 3))
    queries = X[:10] + 0.1
    mean, spread = X.mean(axis=0), X.std(axis=0)
    expected = brute_force((queries - mean) / spread, (X - mean) / spread, Y, C, 7, 0.5)
    np.testing.assert_allclose(scores(fitted(X, Y, C, k=7, standardize=True), queries), expected, atol=1e-5)


@pytest.mark.parametrize("settings", [{"k": 0}, {"rule": "voting"}, {"weights": "gauss"}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(ConfigError, match="router\\."):
        KNNRouter(**settings)
