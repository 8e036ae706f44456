"""Clusters and prototypes against scikit-learn, plain NumPy loops and by hand."""

import math

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from vlrb.data.sampling import derive_seed
from vlrb.data.tradeoff import TradeOff
from vlrb.routers.prototypes import KMeansRouter, PrototypeRouter, find_centres, left_out_cosines, platt
from vlrb.utils.errors import ConfigError

SCALE = 5e3


def make(n, m, d, seed=0, holes=0.0):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) * rng.uniform(0.2, 30, d) + 3).astype(np.float32)
    Y = (rng.random((n, m)) < 0.5).astype(np.float32)
    Y[rng.random((n, m)) < holes] = np.nan
    return X, Y, rng.uniform(1e-4, 1e-3, (n, m))


def z_scores(X, Q):
    mean, spread = X.mean(axis=0, dtype=np.float64), X.std(axis=0, dtype=np.float64)
    return (X - mean) / spread, (Q - mean) / spread


def unit(x):
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(length > 0, length, 1)


# --- k-means ----------------------------------------------------------------------------------------------------------


def cluster_tables(label, k, Y, C, prior):
    """Mean outcome and cost per cluster and model, cell by cell."""
    accuracy, cost = np.zeros((k, Y.shape[1])), np.zeros((k, Y.shape[1]))
    for c in range(k):
        for m in range(Y.shape[1]):
            for table, values in ((accuracy, Y[:, m]), (cost, C[:, m])):
                own = [v for v, cluster in zip(values, label, strict=True) if cluster == c and not math.isnan(v)]
                overall = np.nanmean(values)
                table[c, m] = (sum(own) + prior * overall) / (len(own) + prior)
    return accuracy, cost


@pytest.mark.parametrize(("n", "m", "d", "k"), [(200, 5, 8, 6), (60, 17, 30, 10), (30, 2, 3, 2)])
@pytest.mark.parametrize("normalize", [True, False])
def test_kmeans_against_scikit_learn_and_a_plain_loop(world, n, m, d, k, normalize):
    X, Y, C = make(n, m, d, seed=n, holes=0.1)
    Q = make(40, m, d, seed=1)[0]
    settings = {"clusters": k, "prior": 4.0, "normalize": normalize, "n_init": 3}
    router = world.fit_closed(KMeansRouter(clusters_used=1, **settings), X, Y, C, TradeOff(0.5, cost_scale=SCALE), 7)
    train, queries = z_scores(X, Q)
    if normalize:
        train, queries = unit(train), unit(queries)
    seed = derive_seed("clusters", 7) % 2**32
    clusters = KMeans(k, n_init=3, random_state=seed).fit(train)
    accuracy, cost = cluster_tables(clusters.labels_, k, Y, C, 4.0)
    at = clusters.predict(queries)
    np.testing.assert_allclose(world.ask(router, Q), accuracy[at] - 0.5 * SCALE * cost[at], atol=1e-5)


def test_several_clusters_are_averaged_by_distance(world):
    X, Y, C = make(120, 4, 5)
    Q = make(15, 4, 5, seed=2)[0]
    router = KMeansRouter(clusters=8, clusters_used=3, sharpness=2.0, prior=0.0)
    world.fit_closed(router, X, Y, C, TradeOff(0.5, cost_scale=SCALE))
    train, queries = (unit(x) for x in z_scores(X, Q))
    centres = router.centres.numpy()
    label = [int(np.argmin([np.linalg.norm(x - c) for c in centres])) for x in train]
    accuracy, cost = cluster_tables(label, 8, Y, C, 0.0)
    for q, found in zip(queries, world.ask(router, Q), strict=True):
        distance = np.array([np.linalg.norm(q - c) for c in centres])
        near = np.argsort(distance)[:3]
        weight = np.exp(-2.0 * distance[near]) / np.exp(-2.0 * distance[near]).sum()
        expected = weight @ accuracy[near] - 0.5 * SCALE * (weight @ cost[near])
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_cluster_means_by_hand(world):
    """Two clusters of 2 and 3; overall A = 3/5, B = 1/4 of its four known cells; prior 1, λ = 0.

    Left: A (2 + .6)/3 = .8667, B (0 + .25)/2 = .125 (one known cell, wrong);
    right: A (1 + .6)/4 = .4, B (1 + .25)/4 = .3125.
    """
    X = np.array([[-1, 0], [-1, 0.1], [1, 0], [1, 0.1], [1, -0.1]])
    Y = np.array([[1, 0], [1, np.nan], [1, 0], [0, 1], [0, 0]])
    router = world.fit_closed(KMeansRouter(clusters=2, clusters_used=1, prior=1.0, normalize=False), X, Y)
    expected = [[2.6 / 3, 0.125], [0.4, 0.3125]]
    np.testing.assert_allclose(world.ask(router, [[-1, 0], [1, 0]]), expected, atol=1e-6)


@pytest.mark.parametrize("prior", [0.0, 5.0])
def test_a_model_unknown_in_a_cluster_has_its_overall_mean(world, prior):
    """B is known on the left only, 1 of 2 right: .5 there and, for want of anything else, on the right."""
    X = np.array([[-1.0], [-1.1], [1.0], [1.1]])
    Y = np.array([[1, 1], [1, 0], [1, np.nan], [1, np.nan]])
    C = np.array([[1e-4, 2e-4], [1e-4, 4e-4], [1e-4, np.nan], [1e-4, np.nan]])
    router = KMeansRouter(clusters=2, clusters_used=1, prior=prior, normalize=False)
    world.fit_closed(router, X, Y, C, TradeOff(0.5, cost_scale=1e4))
    assert world.ask(router, [[1.0]])[0, 1] == pytest.approx(0.5 - 0.5 * 3.0, abs=1e-5)  # mean cost 3e-4


def test_accuracy_rule_at_zero_and_cheapest_at_infinity(world):
    X, Y, C = make(100, 4, 3)
    router = world.fit_closed(KMeansRouter(), X, Y, C)
    found = world.ask(router, X)
    assert ((found >= 0) & (found <= 1)).all()
    router = KMeansRouter(clusters=3, clusters_used=1, prior=0.0)
    world.fit_closed(router, X, Y, C, TradeOff(math.inf, cost_scale=1e4))
    assert (world.ask(router, X).argmax(axis=1) == router.cost[label_of(router, X)].argmin(dim=1).numpy()).all()


def label_of(router, X):
    points = router._points(torch.from_numpy(X)).double()
    return torch.cdist(points, router.centres).argmin(dim=1)


def test_more_clusters_than_different_samples(world):
    """Three different samples, each four times, 64 clusters: three remain, with the means of the copies."""
    X = np.repeat([[0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]], 4, axis=0)
    Y = np.array([[1], [1], [0], [0], [1], [1], [1], [1], [0], [0], [0], [1]])
    router = world.fit_closed(KMeansRouter(clusters_used=1, prior=0.0), X, Y)
    assert len(router.centres) == 3
    np.testing.assert_allclose(world.ask(router, X[::4]), [[0.5], [1.0], [0.25]], atol=1e-6)


def test_one_sample_and_constant_features(world):
    router = world.fit_closed(KMeansRouter(prior=0.0), [[3.0, 4.0]], [[1, 0]])
    np.testing.assert_allclose(world.ask(router, [[3.0, 4.0], [9.0, 0.0]]), [[1.0, 0.0]] * 2)
    router = world.fit_closed(KMeansRouter(prior=0.0), np.ones((8, 3)), [[1, 0]] * 6 + [[0, 0]] * 2)
    np.testing.assert_allclose(world.ask(router, np.ones((1, 3))), [[0.75, 0.0]], atol=1e-6)


def test_clusters_do_not_depend_on_threads():
    """Several chunks of 256 rows, whose sums scikit-learn would add in the order in which threads finish."""
    points = np.random.default_rng(0).normal(size=(3000, 20)).astype(np.float32)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(find_centres(points, 12, n_init=2, seed=5))
    np.testing.assert_array_equal(*found)
    assert not np.array_equal(found[0], find_centres(points, 12, n_init=2, seed=6))


# --- one prototype per model ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "m", "d"), [(150, 5, 8), (40, 17, 60), (10, 2, 2)])
@pytest.mark.parametrize("name", ["prototype_reference", "kmeans_reference"])
def test_the_published_rule_against_a_plain_loop(world, n, m, d, name):
    X, Y, C = make(n, m, d, seed=n, holes=0.1)
    Q = make(20, m, d, seed=3)[0]
    router = world.fit_closed(world.build(name), X, Y, C, TradeOff(2.0, cost_scale=SCALE))
    train, queries = (unit(x) for x in z_scores(X, Q))
    for k in range(m):
        total = np.zeros(d)
        for x, y in zip(train, Y[:, k], strict=True):
            if y >= 0.5:
                total += x
        expected = queries @ (total / np.linalg.norm(total))
        np.testing.assert_allclose(world.ask(router, Q)[:, k], expected, atol=1e-5)


def test_the_published_rule_by_hand(world):
    """Two opposite samples: z = ±1. A right on the first, B on the second, C on both (its mean is 0), D on none."""
    router = world.fit_closed(PrototypeRouter(rule="cosine"), [[1.0], [5.0]], [[1, 0, 1, 0], [0, 1, 1, 0]])
    np.testing.assert_allclose(world.ask(router, [[0.0], [9.0]]), [[1, -1, 0, -np.inf], [-1, 1, 0, -np.inf]])


def test_cosines_without_the_sample_itself_against_brute_force():
    """Centre and add up anew without each sample; its own point then has another length but the same direction."""
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(30, 4))
    right = (rng.random((30, 3)) < 0.4).astype(float)
    right[:, 2] = 0
    right[5, 2] = 1  # its prototype is the sample itself: nothing remains without it
    x = raw - raw.mean(axis=0)
    found = left_out_cosines(*(torch.from_numpy(a) for a in (x, right, right.T @ x)))
    for i in range(30):
        others = np.delete(np.arange(30), i)
        prototypes = unit(right[others].T @ (raw[others] - raw[others].mean(axis=0)))
        np.testing.assert_allclose(found[i], prototypes @ x[i], atol=1e-6)


def test_curves_hold_for_new_samples(world):
    """Outcomes that have nothing to do with the features: mean p̂ of new samples is the model's accuracy, .9 or .3."""
    rng = np.random.default_rng(0)
    X, new = rng.normal(size=(2, 400, 300))
    Y = rng.random((400, 2)) < [0.9, 0.3]
    router = world.fit_closed(PrototypeRouter(), X, Y)
    np.testing.assert_allclose(world.ask(router, new).mean(axis=0), Y.mean(axis=0), atol=0.01)


def test_curves_against_scikit_learn():
    """Platt's targets t as two rows of weights t and 1 − t; C = 1 on cosines of unit mean square."""
    rng = np.random.default_rng(0)
    cosine = rng.normal(size=(200, 3)) * [0.05, 0.5, 0.01]
    right = (rng.random((200, 3)) < 1 / (1 + np.exp(-cosine / [0.05, 0.5, 0.01] - [0, 1, -1]))).astype(float)
    known = rng.random((200, 3)) < 0.8
    right[~known] = 0
    slope, offset = platt(torch.from_numpy(cosine), torch.from_numpy(right), torch.from_numpy(known), "x")
    for m in range(3):
        c, y = cosine[known[:, m], m], right[known[:, m], m]
        t = np.where(y == 1, (y.sum() + 1) / (y.sum() + 2), 1 / ((1 - y).sum() + 2))
        z = np.tile(c / np.sqrt(np.mean(c**2)), 2)[:, None]
        label = np.repeat([1, 0], len(c))
        reference = LogisticRegression(C=1.0, tol=1e-12, max_iter=1000).fit(z, label, np.concatenate([t, 1 - t]))
        expected = reference.predict_proba(z)[: len(c), 1]
        np.testing.assert_allclose(1 / (1 + np.exp(-(slope[m].item() * c + offset[m].item()))), expected, atol=1e-5)


def test_probabilities_of_uninformative_samples_by_hand(world):
    """All features equal, so no cosine says anything and p̂ is the mean of Platt's targets.

    A right on 3 of 4: (3·4/5 + 1·1/3)/4 = .6833; B on 4 of 4: 5/6; C on none of 4: 1/6; D known nowhere: 0.
    """
    Y = np.array([[1, 1, 0, np.nan]] * 3 + [[0, 1, 0, np.nan]])
    router = world.fit_closed(PrototypeRouter(), np.ones((4, 3)), Y)
    expected = [(3 * 0.8 + 1 / 3) / 4, 5 / 6, 1 / 6, 0.0]
    np.testing.assert_allclose(world.ask(router, np.ones((1, 3)))[0], expected, atol=1e-5)


def test_a_signal_is_found_and_costs_count(world):
    """A is right where x > 0, B where x < 0, C (dear) on three of four: λ=0 trusts the side, λ=∞ takes the cheapest."""
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(2, 1, (100, 5)), rng.normal(-2, 1, (100, 5))])
    Y = np.stack([X.mean(axis=1) > 0, X.mean(axis=1) < 0, np.arange(200) % 4 > 0], axis=1).astype(float)
    C = np.tile([2e-4, 2e-4, 9e-4], (200, 1))
    C[:, 0] += 1e-6
    rules = [TradeOff(lam, cost_scale=1e3) for lam in (0.0, 0.5, math.inf)]
    probability, utility, frugal = (world.ask(world.fit_closed(PrototypeRouter(), X, Y, C, r), X) for r in rules)
    assert (probability.argmax(axis=1) == np.repeat([0, 1], 100)).all()
    np.testing.assert_allclose(utility, probability - 0.5 * 1e3 * C, atol=1e-5)
    assert (frugal.argmax(axis=1) == 1).all()


@pytest.mark.parametrize(
    "settings", [{"clusters": 0}, {"clusters_used": 0}, {"sharpness": -1}, {"prior": -1}, {"n_init": 0}]
)
def test_bad_settings_are_refused(settings):
    with pytest.raises(ConfigError, match="router\\."):
        KMeansRouter(**settings)


def test_an_unknown_rule_is_refused():
    with pytest.raises(ConfigError, match="router\\.rule"):
        PrototypeRouter(rule="nearest")
