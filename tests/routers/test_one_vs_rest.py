"""The router of one classifier per model, against scikit-learn and by hand."""

import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from vlrb.data.tradeoff import TradeOff
from vlrb.routers.one_vs_rest import BinaryLogistic, OneVsRestRouter
from vlrb.utils.errors import ConfigError, DataError

EXACT = {"tolerance": 1e-9, "max_iterations": 20_000}


def make(n, d, m, seed=0):
    """Outcomes that depend on the features, each model with its own level."""
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) * rng.uniform(0.5, 20, d) + rng.normal(size=d)).astype(np.float32)
    logits = X / X.std(axis=0) @ rng.normal(size=(d, m)) / math.sqrt(d) + np.linspace(-2, 2, m)
    Y = (rng.random((n, m)) < 1 / (1 + np.exp(-logits))).astype(np.float32)
    Y[0], Y[1] = 0, 1  # both classes occur
    return X, Y


def z_scores(X):
    X = X.astype(np.float64)
    return (X - X.mean(axis=0)) / X.std(axis=0)


def reference(Z, Y, C, **options):
    """One scikit-learn classifier per model, fitted on its known rows; P(right) (n, M)."""
    columns = []
    for y in Y.T:
        known = ~np.isnan(y)
        classifier = LogisticRegression(C=C, tol=1e-10, max_iter=20_000, **options).fit(Z[known], y[known] >= 0.5)
        columns.append(classifier.predict_proba(Z)[:, 1])
    return np.stack(columns, axis=1)


@pytest.mark.parametrize(("n", "d", "m", "C"), [(300, 6, 4, 1.0), (60, 90, 3, 0.1), (200, 5, 17, 10.0), (40, 2, 1, 1)])
def test_against_scikit_learn(world, n, d, m, C):
    X, Y = make(n, d, m, seed=n)
    router = world.fit_closed(OneVsRestRouter(C=C, scale_by_width=False, **EXACT), X, Y)
    np.testing.assert_allclose(world.ask(router, X), reference(z_scores(X), Y, C), atol=3e-5)


def test_scaled_by_width_against_scikit_learn(world):
    X, Y = make(150, 9, 3)
    router = world.fit_closed(OneVsRestRouter(C=2.0, **EXACT), X, Y)
    np.testing.assert_allclose(world.ask(router, X), reference(z_scores(X) / 3, Y, 2.0), atol=3e-5)  # √9


def test_unknown_cells_leave_only_their_own_model_out(world):
    X, Y = make(200, 5, 4)
    Y[np.random.default_rng(1).random(Y.shape) < 0.3] = np.nan
    router = world.fit_closed(OneVsRestRouter(scale_by_width=False, **EXACT), X, Y)
    np.testing.assert_allclose(world.ask(router, X), reference(z_scores(X), Y, 1.0), atol=3e-5)


def test_balanced_classes_against_scikit_learn(world):
    X, Y = make(200, 5, 4, seed=3)
    Y[np.random.default_rng(1).random(Y.shape) < 0.2] = np.nan
    router = world.fit_closed(OneVsRestRouter(scale_by_width=False, balanced=True, **EXACT), X, Y)
    expected = reference(z_scores(X), Y, 1.0, class_weight="balanced")
    np.testing.assert_allclose(world.ask(router, X), expected, atol=3e-5)


def test_the_published_router(world):
    """Features standardised on all rows; rows without a right model left out; balanced; cost and λ ignored."""
    X, Y = make(250, 6, 4, seed=5)
    Y[:40] = 0
    C = np.random.default_rng(0).uniform(1e-5, 1e-3, Y.shape)
    kept = Y.any(axis=1)
    expected = reference(z_scores(X)[kept], Y[kept], 1.0, class_weight="balanced")
    for lam in (0.0, 2.0, math.inf):
        router = world.build("ovr_reference", **EXACT)
        world.fit_closed(router, X, Y, C, TradeOff(lam, cost_scale=1e4))
        np.testing.assert_allclose(world.ask(router, X[kept]), expected, atol=3e-5)


def test_balancing_favours_models_that_are_seldom_right(world):
    """Without information every balanced p̂ is 1/2, whatever the model's accuracy; the plain one is the accuracy."""
    Y = np.array([[1, 0]] * 9 + [[0, 1]] + [[0, 0]] * 2, np.float32)
    X = np.ones((12, 3), np.float32)
    plain = world.ask(world.fit_closed(OneVsRestRouter(), X, Y), X[:1])
    balanced = world.ask(world.fit_closed(OneVsRestRouter(balanced=True), X, Y), X[:1])
    np.testing.assert_allclose(plain, [[9 / 12, 1 / 12]], atol=1e-5)
    np.testing.assert_allclose(balanced, [[0.5, 0.5]], atol=1e-5)


def test_mean_probability_is_the_training_accuracy(world):
    """The intercept is free, so its optimality condition says Σ (p̂ − y) = 0 for every model."""
    X, Y = make(300, 8, 6)
    router = world.fit_closed(OneVsRestRouter(), X, Y)
    np.testing.assert_allclose(world.ask(router, X).mean(axis=0), Y.mean(axis=0), atol=1e-4)


def test_models_without_two_classes_by_hand(world):
    """Always right on 3: (3 + 1)/(3 + 2) = .8; never on 3: .2; right on its only known one: 2/3; known nowhere: 0."""
    nan = np.nan
    Y = np.array([[1, 0, 1, nan, 1], [1, 0, nan, nan, 0], [1, 0, nan, nan, 1]], np.float32)
    X = np.random.default_rng(0).normal(size=(3, 2))
    router = world.fit_closed(OneVsRestRouter(), X, Y)
    np.testing.assert_allclose(world.ask(router, X * 9)[:, :4], [[0.8, 0.2, 2 / 3, 0.0]] * 3, atol=1e-6)


def test_expected_utility_by_hand(world):
    """p̂ = (3/4, 1/4) from uninformative features, costs 4e-4 and 1e-4, λ = .5, c₀ = 2e-4: .75 − 1 and .25 − .25."""
    X, Y = np.ones((4, 2)), np.array([[1, 0], [1, 1], [1, 0], [0, 0]])
    C = np.array([[4e-4, 1e-4]] * 4)
    for lam, expected in ((0.5, [-0.25, 0.0]), (0.0, [0.75, 0.25]), (math.inf, [-2.0, -0.5])):
        router = world.fit_closed(OneVsRestRouter(), X, Y, C, TradeOff(lam, cost_scale=1 / 2e-4))
        np.testing.assert_allclose(world.ask(router, X[:1])[0], expected, atol=1e-5)


def test_gradient_against_finite_differences():
    rng = np.random.default_rng(0)
    X, Z, W = (torch.from_numpy(a) for a in (rng.normal(size=(12, 4)), rng.random((12, 3)), rng.random((12, 3))))
    objective = BinaryLogistic(X, Z, W, C=0.7)
    x = rng.normal(size=15)
    _, gradient = objective(x)
    for i in range(15):
        step = np.zeros(15)
        step[i] = 1e-6
        slope = (objective(x + step)[0] - objective(x - step)[0]) / 2e-6
        assert gradient[i] == pytest.approx(slope, abs=1e-7)


def test_the_optimum_does_not_depend_on_the_seed(world):
    X, Y = make(80, 4, 3)
    one, other = (world.ask(world.fit_closed(OneVsRestRouter(), X, Y, seed=seed), X) for seed in (0, 1))
    np.testing.assert_array_equal(one, other)


def test_too_few_iterations_are_reported(world, capsys):
    X, Y = make(80, 4, 3)
    world.fit_closed(OneVsRestRouter(max_iterations=1, C=100.0), X, Y)
    assert "router 'ovr' stopped after 1 iterations" in capsys.readouterr().out


def test_nothing_left_to_learn_from_is_an_error(world):
    with pytest.raises(DataError, match="no training sample has a correct model"):
        world.fit_closed(OneVsRestRouter(drop_unsolved=True), np.ones((3, 2)), np.zeros((3, 2)))


@pytest.mark.parametrize("settings", [{"C": 0}, {"max_iterations": 0}, {"tolerance": 0}, {"rule": "vote"}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(ConfigError, match="router\\."):
        OneVsRestRouter(**settings)
