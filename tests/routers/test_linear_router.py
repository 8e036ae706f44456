"""The linear router against scikit-learn and against the optimality condition."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from vlrb.data.spec import DataSpec
from vlrb.data.tradeoff import TradeOff
from vlrb.metrics.bounds import CostBounds
from vlrb.routers.base import TrainingArrays
from vlrb.routers.linear import LinearRouter, SoftLogistic
from vlrb.utils.errors import ConfigError

BOUNDS = CostBounds(1e-5, 1e-3, "x")


def fitted(X, T, w=None, **settings) -> LinearRouter:
    n, m = T.shape
    spec = DataSpec(
        tuple(f"m{i}" for i in range(m)),
        ("one",),
        X.shape[1],
        (1e-4,) * m,
        TradeOff(0.5, cost_scale=1.0),
        BOUNDS,
        0,
        "x",
    )
    router = LinearRouter(**settings).bind(spec)
    weight = np.ones(n) if w is None else w
    parts = [
        torch.from_numpy(np.array(a, dtype=np.float32)) for a in (X, T, weight, np.zeros((n, m)), np.zeros((n, m)))
    ]
    with torch.no_grad():
        router.fit_arrays(TrainingArrays(*parts, torch.zeros(n, dtype=torch.int64)))
    return router


def probabilities(router, X) -> np.ndarray:
    with torch.no_grad():
        return torch.softmax(router({"features": torch.from_numpy(np.array(X, dtype=np.float32))}), dim=1).numpy()


@pytest.mark.parametrize(("n", "d", "m", "C"), [(300, 6, 4, 1.0), (40, 60, 3, 0.1), (200, 5, 17, 10.0)])
def test_hard_labels_against_scikit_learn(n, d, m, C):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, d)).astype(np.float32)
    label = (X @ rng.normal(size=(d, m)) + rng.gumbel(size=(n, m))).argmax(axis=1)
    label[:m] = np.arange(m)  # every class occurs
    reference = LogisticRegression(C=C, tol=1e-10, max_iter=5000).fit(X.astype(np.float64), label)
    router = fitted(X, np.eye(m)[label], C=C, standardize=False, tolerance=1e-9, max_iterations=5000)
    np.testing.assert_allclose(probabilities(router, X), reference.predict_proba(X.astype(np.float64)), atol=2e-5)


def test_standardised_features_against_scikit_learn():
    """C acts on features of unit spread divided by √D."""
    rng = np.random.default_rng(4)
    X = (rng.normal(size=(200, 9)) * rng.uniform(0.1, 50, 9) + rng.normal(size=9) * 10).astype(np.float32)
    label = rng.integers(0, 3, 200)
    Z = (X - X.mean(axis=0, dtype=np.float64)) / X.std(axis=0, dtype=np.float64) / 3  # √9
    reference = LogisticRegression(C=2.0, tol=1e-10, max_iter=5000).fit(Z, label)
    router = fitted(X, np.eye(3)[label], C=2.0, tolerance=1e-9)
    np.testing.assert_allclose(probabilities(router, X), reference.predict_proba(Z), atol=2e-5)


def test_weights_count_as_scikit_learns_sample_weights():
    rng = np.random.default_rng(0)
    X, label = rng.normal(size=(150, 5)).astype(np.float32), rng.integers(0, 3, 150)
    w = rng.choice([0.0, 1.0, 3.0], 150)
    reference = LogisticRegression(C=0.5, tol=1e-10, max_iter=5000).fit(X.astype(np.float64), label, sample_weight=w)
    router = fitted(X, np.eye(3)[label], w, C=0.5, standardize=False, tolerance=1e-9)
    np.testing.assert_allclose(probabilities(router, X), reference.predict_proba(X.astype(np.float64)), atol=2e-5)


def test_soft_targets_equal_weighted_hard_ones():
    """A row with targets (0.25, 0.75, 0) is that row with label 0, weight 0.25, and again with label 1, weight 0.75."""
    rng = np.random.default_rng(1)
    X, T = rng.normal(size=(60, 4)).astype(np.float32), rng.choice([[0.25, 0.75, 0.0], [0.0, 0.25, 0.75]], size=60)
    rows = np.repeat(np.arange(60), 3)
    label = np.tile([0, 1, 2], 60)
    kept = T[rows, label] > 0
    reference = LogisticRegression(C=1.0, tol=1e-10, max_iter=5000).fit(
        X[rows[kept]].astype(np.float64), label[kept], sample_weight=T[rows, label][kept]
    )
    router = fitted(X, T, C=1.0, standardize=False, tolerance=1e-9)
    np.testing.assert_allclose(probabilities(router, X), reference.predict_proba(X.astype(np.float64)), atol=2e-5)


def test_gradient_against_finite_differences():
    rng = np.random.default_rng(0)
    T = torch.softmax(torch.from_numpy(rng.normal(size=(12, 3))), dim=1)
    objective = SoftLogistic(
        torch.from_numpy(rng.normal(size=(12, 4))), T, torch.from_numpy(rng.random(12) + 0.1), C=0.7
    )
    x = rng.normal(size=15)
    _, gradient = objective(x)
    for i in range(15):
        step = np.zeros(15)
        step[i] = 1e-6
        slope = (objective(x + step)[0] - objective(x - step)[0]) / 2e-6
        assert gradient[i] == pytest.approx(slope, abs=1e-7)


def test_without_information_the_mean_target_is_found():
    """All features equal: the optimum is the mean target, here (0.7, 0.3, 0)."""
    T = np.array([[1.0, 0, 0]] * 7 + [[0, 1.0, 0]] * 3)
    p = probabilities(fitted(np.ones((10, 2)), T, C=1.0), np.ones((1, 2)))
    np.testing.assert_allclose(p, [[0.7, 0.3, 0.0]], atol=1e-4)


def test_one_class_alone_is_chosen_everywhere():
    X = np.random.default_rng(0).normal(size=(20, 3))
    assert (probabilities(fitted(X, np.eye(3)[[1] * 20]), X).argmax(axis=1) == 1).all()


def test_too_few_iterations_are_reported(capsys):
    rng = np.random.default_rng(0)
    fitted(rng.normal(size=(50, 4)), np.eye(3)[rng.integers(0, 3, 50)], max_iterations=1, C=100.0)
    assert "before its optimum" in capsys.readouterr().out


@pytest.mark.parametrize("settings", [{"C": 0}, {"C": float("nan")}, {"max_iterations": 0}, {"tolerance": 0}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(ConfigError, match="router\\."):
        LinearRouter(**settings)


# --- the published objective ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "d", "m", "C"), [(120, 5, 4, 1.0), (50, 20, 3, 100.0)])
def test_published_penalty_against_scikit_learn(n, d, m, C):
    """Mean loss + ‖(A, b)‖²/(2C) is scikit-learn's objective for C/n, the intercept being a column of ones."""
    rng = np.random.default_rng(n)
    X = (rng.normal(size=(n, d)) * 5 + 2).astype(np.float32)
    label = np.r_[np.arange(m), rng.integers(0, m, n - m)]
    Z = (X - X.mean(axis=0, dtype=np.float64)) / X.std(axis=0, dtype=np.float64)
    ones = np.c_[Z, np.ones(n)]
    reference = LogisticRegression(C=C / n, fit_intercept=False, tol=1e-10, max_iter=5000).fit(ones, label)
    settings = {"scale_by_width": False, "penalty": "published", "tolerance": 1e-9, "max_iterations": 5000}
    router = fitted(X, np.eye(m)[label], C=C, **settings)
    np.testing.assert_allclose(probabilities(router, X), reference.predict_proba(ones), atol=2e-5)


def test_published_penalty_flattens():
    """Samples that one feature separates: all but certain at C = 1 of scikit-learn, hardly told apart as published."""
    X = np.repeat([[-1.0], [1.0]], 100, axis=0)
    T = np.repeat(np.eye(2), 100, axis=0)
    standard, published = (
        probabilities(fitted(X, T, penalty=penalty), X).max(axis=1).min() for penalty in ("standard", "published")
    )
    assert standard > 0.97
    assert published < 0.8


def test_published_gradient_against_finite_differences():
    rng = np.random.default_rng(0)
    T = torch.softmax(torch.from_numpy(rng.normal(size=(12, 3))), dim=1)
    X, w = torch.from_numpy(rng.normal(size=(12, 4))), torch.from_numpy(rng.random(12) + 0.1)
    objective = SoftLogistic(X, T, w, C=0.7, published=True)
    x = rng.normal(size=15)
    _, gradient = objective(x)
    for i in range(15):
        step = np.zeros(15)
        step[i] = 1e-6
        slope = (objective(x + step)[0] - objective(x - step)[0]) / 2e-6
        assert gradient[i] == pytest.approx(slope, abs=1e-7)


def test_reference_leaves_unsolved_samples_out_whatever_the_fallback(world):
    """With `fallback: cheapest` unsolved samples have a target; the published linear router drops them all the same."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 4))
    Y = (rng.random((90, 3)) < 0.5).astype(float)
    Y[:40] = 0
    C = rng.uniform(1e-4, 1e-3, (90, 3))
    found = [
        world.ask(world.fit_closed(world.build("linear_reference"), X, Y, C, TradeOff(100.0, "exp", 1.0, fallback)), X)
        for fallback in ("cheapest", "drop")
    ]
    np.testing.assert_array_equal(*found)
    kept = world.ask(world.fit_closed(LinearRouter(), X, Y, C, TradeOff(100.0, "exp", 1.0, "cheapest")), X)
    dropped = world.ask(world.fit_closed(LinearRouter(), X, Y, C, TradeOff(100.0, "exp", 1.0, "drop")), X)
    assert abs(kept - dropped).max() > 0.1


def test_reference_hard_labels_are_the_cheapest_right_model(world):
    """λ=∞, on features that tell the samples apart: A is right and cheapest left, C (then the only one) right."""
    X = np.repeat([[-1.0], [1.0]], 20, axis=0)
    Y = np.repeat([[1, 1, 0], [0, 0, 1]], 20, axis=0)
    C = np.tile([1e-4, 2e-4, 3e-4], (40, 1))
    router = world.fit_closed(world.build("linear_reference"), X, Y, C, TradeOff(np.inf, cost_scale=1.0))
    assert world.ask(router, [[-1.0], [1.0]]).argmax(axis=1).tolist() == [0, 2]


def test_an_unknown_penalty_is_refused():
    with pytest.raises(ConfigError, match="router\\.penalty"):
        LinearRouter(penalty="l1")
