"""PRkNN against plain loops over neighbours and pairs."""

import math
from math import nan

import numpy as np
import pytest
import torch

from vlrb.data.spec import DataSpec
from vlrb.data.tradeoff import TradeOff
from vlrb.metrics.bounds import CostBounds
from vlrb.routers import pairwise
from vlrb.routers.base import TrainingArrays
from vlrb.routers.neighbours import KNNRouter
from vlrb.routers.pairwise import PRkNNRouter, win_shares
from vlrb.utils.errors import ConfigError, DataError

SCALE = 5e3  # 1 / c₀
PUBLISHED = {"rule": "lexicographic", "weights": "distance", "k": 7}
RULES = {"margin": {"k": 9}, "published": PUBLISHED}
LAMBDAS = [0.0, 0.5, 3.0, math.inf]


def data(n, m, d, seed=0, missing=0.0, right=0.5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)).astype(np.float32)
    Y = (rng.random((n, m)) < right).astype(np.float32)
    C = rng.uniform(1e-5, 5e-4, (n, m)).astype(np.float32)
    C[rng.random((n, m)) < 0.1] = np.float32(1e-4)  # some equal costs
    Y[rng.random((n, m)) < missing] = nan
    C[rng.random((n, m)) < missing] = nan
    return X, Y, C


def fitted(X, Y, C, lam=0.5, scheme="exp", kind=PRkNNRouter, **settings):
    n, m = Y.shape
    means = tuple(
        float(np.nan_to_num(c)) for c in (np.nanmean(C[:, i]) if (C[:, i] > 0).any() else 0 for i in range(m))
    )
    names = tuple(f"m{i}" for i in range(m))
    spec = DataSpec(
        names, ("one",), X.shape[1], means, TradeOff(lam, scheme, SCALE), CostBounds(1e-5, 1e-3, "x"), 0, "x"
    )
    router = kind(**{"standardize": False, **settings}).bind(spec)
    parts = [torch.from_numpy(np.array(a, dtype=np.float32)) for a in (X, np.zeros((n, m)), np.ones(n), Y, C)]
    router.fit_arrays(TrainingArrays(*parts, torch.zeros(n, dtype=torch.int64)))
    return router


def scores(router, queries) -> np.ndarray:
    return router({"features": torch.from_numpy(np.array(queries, dtype=np.float32))}).numpy()


# --- the independent reference: loops ---------------------------------------------------------------------------------


def meeting(ya, yb, ca, cb, lam, scheme) -> float:
    """What a gets when it meets b on one sample."""
    if lam == 0:
        lead = ya - yb
    elif math.isinf(lam):
        lead = math.inf * np.sign(cb - ca) if ca != cb else ya - yb
    elif scheme == "exp":
        lead = (ya - lam * ca * SCALE) - (yb - lam * cb * SCALE)
    else:
        lead = (ya - lam * math.log(ca * SCALE)) - (yb - lam * math.log(cb * SCALE))
    return min(1.0, max(0.0, 0.5 + lead / 2))


def published_meeting(ya, yb, ca, cb) -> float:
    return float(ya > yb or (ya == yb and ca < cb))


def shares_of_row(y, c, lam, scheme, published) -> list[float]:
    m = len(y)
    needs_cost = published or lam > 0
    known = [not math.isnan(y[a]) and not (needs_cost and math.isnan(c[a])) for a in range(m)]
    out = []
    for a in range(m):
        got = [
            published_meeting(y[a], y[b], c[a], c[b]) if published else meeting(y[a], y[b], c[a], c[b], lam, scheme)
            for b in range(m)
            if b != a and known[a] and known[b]
        ]
        out.append(sum(got) / len(got) if got else nan)
    return out


def by_loops(queries, X, Y, C, k, lam, scheme="exp", published=False):
    X, Y, C = (np.asarray(a, dtype=np.float64) for a in (X, Y, C))
    if published:
        solved = np.nansum(Y, axis=1) > 0
        X, Y, C = X[solved], Y[solved], C[solved]
    lengths = np.linalg.norm(X, axis=1, keepdims=True)
    bank = X / np.where(lengths > 0, lengths, 1)
    rows = [shares_of_row(y, c, lam, scheme, published) for y, c in zip(Y, C, strict=True)]
    out = np.zeros((len(queries), Y.shape[1]))
    for i, q in enumerate(np.asarray(queries, dtype=np.float64)):
        cosine = bank @ (q / (np.linalg.norm(q) or 1))
        near = sorted(range(len(bank)), key=lambda j: -cosine[j])[:k]
        for a in range(Y.shape[1]):
            seen = [(1 / (1e-6 + 1 - cosine[j]) if published else 1.0, rows[j][a]) for j in near]
            seen = [(w, s) for w, s in seen if not math.isnan(s)]
            everywhere = [r[a] for r in rows if not math.isnan(r[a])]
            if seen:
                out[i, a] = sum(w * s for w, s in seen) / sum(w for w, _ in seen)
            else:
                out[i, a] = sum(everywhere) / len(everywhere) if everywhere else 0.0
    return out


SIZES = [(120, 5, 6), (40, 17, 20), (30, 2, 3), (6, 3, 4), (1, 4, 3)]  # k > N in the last two


@pytest.mark.parametrize(("n", "m", "d"), SIZES)
@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("lam", LAMBDAS)
def test_margin_rule_against_loops(n, m, d, missing, lam):
    X, Y, C = data(n, m, d, seed=n, missing=missing)
    queries = np.random.default_rng(1).normal(size=(12, d)).astype(np.float32)
    got = scores(fitted(X, Y, C, lam, k=9), queries)
    np.testing.assert_allclose(got, by_loops(queries, X, Y, C, 9, lam), atol=2e-6)
    assert got.min() >= 0
    assert got.max() <= 1 + 1e-6


@pytest.mark.parametrize(("n", "m", "d"), SIZES)
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_published_rule_against_loops(n, m, d, missing):
    X, Y, C = data(n, m, d, seed=n, missing=missing)
    Y[0, 0] = 1  # at least one sample that a model solves
    queries = np.random.default_rng(1).normal(size=(12, d)).astype(np.float32)
    got = scores(fitted(X, Y, C, **PUBLISHED), queries)
    np.testing.assert_allclose(got, by_loops(queries, X, Y, C, 7, 0.0, published=True), atol=1e-5)


def test_power_scheme_against_loops():
    X, Y, C = data(60, 4, 5, missing=0.1)
    got = scores(fitted(X, Y, C, 0.3, "power", k=9), X[:10] + 1)
    np.testing.assert_allclose(got, by_loops(X[:10] + 1, X, Y, C, 9, 0.3, "power"), atol=2e-6)


def test_power_scheme_with_costs_of_zero():
    """ln 0 = −∞: a free answer beats any other at any λ; two free answers are told apart by y."""
    y, C = torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor([[0.0, 1e-4, 0.0]])
    assert win_shares(y, C, TradeOff(0.5, "power", SCALE))[0].tolist() == [0.75, 0.0, 0.75]


def test_one_sample_by_hand():
    """y = (1, 1, 0), c·scale = (1.0, 0.2, 0.4), λ = 0.5: u = (1 − .5, 1 − .1, 0 − .2) = (.5, .9, −.2).

    A meets B: ½ + (.5 − .9)/2 = .3; A meets C: ½ + .7/2 = .85; B meets C: ½ + 1.1/2 > 1, so 1.
    Shares: A (.3 + .85)/2 = .575; B (.7 + 1)/2 = .85; C (.15 + 0)/2 = .075.
    """
    y, C = torch.tensor([[1.0, 1.0, 0.0]]), torch.tensor([[1.0, 0.2, 0.4]]) / SCALE
    got = win_shares(y, C, TradeOff(0.5, "exp", SCALE))[0].tolist()
    assert got == pytest.approx([0.575, 0.85, 0.075], abs=1e-6)


def test_published_rule_by_hand():
    """Two neighbours of q = (1, 0): n₁ = (1, 0) at distance 0, n₂ = (3, 4)/5 at distance 1 − 0.6 = 0.4; k = 7 > N.

    Weights 1/1e-6 and 1/(0.4 + 1e-6): their shares 0.9999975 and 0.0000025, so n₁ decides. The sample that nobody
    solves, also at distance 0, is left out. On n₁: y = (1, 1, 0), c = (3, 2, 1): A beats C, B beats A and C, C none:
    wins (1, 2, 0) of 2 → (.5, 1, 0). On n₂: y = (0, 0, 1), c = (1, 1, 9): A and B tie in y and cost, C beats both.
    """
    X = [[1, 0], [3, 4], [1, 0]]
    Y = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0]], np.float32)
    C = np.array([[3, 2, 1], [1, 1, 9], [1, 2, 3]], np.float32) * 1e-5
    router = fitted(np.array(X, np.float32), Y, C, **PUBLISHED)
    np.testing.assert_allclose(scores(router, [[1.0, 0.0]]), [[0.5, 1.0, 0.0]], atol=1e-5)
    far = fitted(np.array(X, np.float32), Y, C, **{**PUBLISHED, "weights": "uniform"})
    np.testing.assert_allclose(scores(far, [[1.0, 0.0]]), [[0.25, 0.5, 0.5]], atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_without_a_trade_off_it_decides_as_knn(seed):
    """λ=0, all known, r of M right: a right model gets (M − r) + (r − 1)/2, a wrong one (M − r − 1)/2, of M − 1.

    The difference, M/2 of M − 1, is the same on every sample: gaps between models are those of their mean y, scaled.
    """
    X, Y, C = data(150, 6, 5, seed=seed)
    queries = np.random.default_rng(9).normal(size=(200, 5)).astype(np.float32)
    pairs, mean = fitted(X, Y, C, 0.0, k=21), fitted(X, Y, C, 0.0, kind=KNNRouter, k=21)
    a, b = scores(pairs, queries), scores(mean, queries)
    gap_a, gap_b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(gap_a, gap_b * 6 / (2 * 5), atol=1e-6)  # the factor is M / 2(M − 1)
    clear = np.diff(np.sort(b, axis=1)[:, -2:], axis=1)[:, 0] > 1e-5
    chosen = [r.decide(torch.from_numpy(s)).numpy() for r, s in ((pairs, a), (mean, b))]
    np.testing.assert_array_equal(chosen[0][clear], chosen[1][clear])


def test_without_a_trade_off_costs_are_not_looked_at():
    X, Y, C = data(50, 4, 5)
    one, other = fitted(X, Y, C, 0.0), fitted(X, Y, np.full_like(C, nan), 0.0)
    np.testing.assert_array_equal(scores(one, X), scores(other, X))


@pytest.mark.parametrize("scheme", ["exp", "power"])
def test_scores_move_smoothly_with_the_trade_off(scheme):
    """From λ=0 (accuracy) to λ=∞ (cost) without a jump: the limits are those of small and of large λ."""
    X, Y, C = data(80, 5, 5)
    limits = {1e-7: 0.0, 1e9: math.inf}
    for lam, limit in limits.items():
        near, at = scores(fitted(X, Y, C, lam, scheme), X), scores(fitted(X, Y, C, limit, scheme), X)
        np.testing.assert_allclose(near, at, atol=1e-5)


def test_the_cheaper_wins_at_infinity():
    X, Y, C = data(60, 4, 5)
    C[:] = C.argsort(axis=1).argsort(axis=1) * 1e-5 + 1e-5  # no equal costs
    share = (C[:, None, :] > C[:, :, None]).sum(axis=2) / 3  # how many are dearer
    np.testing.assert_allclose(scores(fitted(X, Y, C, math.inf, k=60), X[:3]), [share.mean(axis=0)] * 3, atol=1e-6)


def test_one_absurd_cost_counts_for_no_more_than_a_defeat():
    """k = 10 neighbours; A right on all, B on none; once A costs $1: mean utility prefers B, comparisons prefer A."""
    X, Y = np.ones((10, 2), np.float32), np.tile(np.float32([1, 0]), (10, 1))
    C = np.full((10, 2), 1e-4, np.float32)
    C[0, 0] = 1.0
    assert scores(fitted(X, Y, C, 0.5, k=10), X[:1])[0] == pytest.approx([0.9, 0.1], abs=1e-5)
    assert scores(fitted(X, Y, C, 0.5, k=10, kind=KNNRouter), X[:1])[0].argmax() == 1


@pytest.mark.parametrize("lam", LAMBDAS)
def test_all_equal_is_a_tie_everywhere(lam):
    X, Y, C = np.eye(8, 3, dtype=np.float32), np.ones((8, 4), np.float32), np.full((8, 4), 1e-4, np.float32)
    np.testing.assert_allclose(scores(fitted(X, Y, C, lam), X), 0.5, atol=1e-6)
    np.testing.assert_allclose(scores(fitted(X, Y, C, **PUBLISHED), X), 0, atol=1e-6)  # only wins count there


@pytest.mark.parametrize("lam", LAMBDAS)
def test_one_model_has_nobody_to_meet(lam):
    X, Y, C = data(10, 1, 3)
    assert scores(fitted(X, Y, C, lam), X).tolist() == [[0.0]] * 10


def test_no_correct_model():
    X, Y, C = data(20, 3, 4, right=0.0)
    np.testing.assert_allclose(scores(fitted(X, Y, C, 0.0), X), 0.5)
    with pytest.raises(DataError, match="no training sample has a correct model"):
        fitted(X, Y, C, **PUBLISHED)


def test_a_model_that_nobody_knows_scores_nothing():
    X, Y, C = data(20, 3, 4)
    Y[:, 1] = nan
    assert (scores(fitted(X, Y, C, 0.5), X)[:, 1] == 0).all()


@pytest.mark.parametrize("rule", list(RULES))
def test_order_and_copies_of_the_bank(rule):
    """Half of the bank are copies with other outcomes: ties are everywhere, and must be shared."""
    X, Y, C = data(60, 4, 5, right=0.6)
    X[30:] = X[:30]
    order, queries = np.random.default_rng(0).permutation(60), np.random.default_rng(3).normal(size=(30, 5))
    one = scores(fitted(X, Y, C, **RULES[rule]), queries)
    other = scores(fitted(X[order], Y[order], C[order], **RULES[rule]), queries)
    np.testing.assert_allclose(one, other, atol=1e-5)
    permuted = np.random.default_rng(1).permutation(4)
    models = scores(fitted(X, Y[:, permuted], C[:, permuted], **RULES[rule]), queries)
    np.testing.assert_allclose(one[:, permuted], models, atol=1e-5)


@pytest.mark.parametrize("rule", list(RULES))
@pytest.mark.parametrize("kind", [PRkNNRouter, KNNRouter])
def test_batch_size_and_threads(rule, kind):
    """Copies, zero rows and queries that are bank rows: hard for a search whose kernels change with the batch."""
    settings = dict(RULES[rule])
    if kind is KNNRouter and rule == "published":
        settings["rule"] = "vote"
    X, Y, C = data(300, 5, 64)
    X[100:200], X[290:] = X[:100], 0
    router = fitted(X, Y, C, kind=kind, **settings)
    queries = np.concatenate([X[90:110], X[285:295], np.random.default_rng(1).normal(size=(15, 64))])
    together, alone = scores(router, queries), np.concatenate([scores(router, q[None]) for q in queries])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        np.testing.assert_allclose(scores(router, queries), together, atol=1e-5)
    finally:
        torch.set_num_threads(before)


def test_meetings_in_pieces(monkeypatch):
    X, Y, C = data(50, 4, 5, missing=0.2)
    whole = fitted(X, Y, C).outcomes
    monkeypatch.setattr(pairwise, "PAIR_CELLS", 100)
    assert torch.equal(fitted(X, Y, C).outcomes, whole)


@pytest.mark.parametrize("settings", [{"k": 0}, {"rule": "copeland"}, {"weights": "gauss"}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(ConfigError, match="router\\."):
        PRkNNRouter(**settings)
