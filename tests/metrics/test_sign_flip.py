"""Sign-flip tests: by hand, against enumeration, invariants, and (slow) the level under true hypotheses."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from vlrb.metrics import sign_flip
from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.parts import mean_parts, rank_score_parts
from vlrb.metrics.rank_score import rank_score, rank_score_slopes
from vlrb.metrics.sign_flip import holm, sign_flip_p_values

BOUNDS = CostBounds(1.6e-5, 1.6e-3, "h")


def enumerated(differences: np.ndarray) -> float:
    """All assignments of signs, one by one."""
    observed = abs(differences.sum())
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in product((1, -1), repeat=6)]
    return float(np.mean([total >= observed - 1e-12 for total in sums]))


def test_six_groups_are_enumerated() -> None:
    rng = np.random.default_rng(0)
    for scale in (1.0, 1e-3):
        differences = scale * rng.integers(-2, 4, (40, 6)).astype(float)
        assert sign_flip_p_values(differences).tolist() == [enumerated(row) for row in differences]


def test_by_hand() -> None:
    """Sums of ±.2 ±.1 ±.1: ±.4 (1 each), ±.2 (2 each), 0 (2). Observed .2: 6 of 8; observed .4: 2 of 8; 0: 8 of 8."""
    rows = np.array([[0.2, 0.1, -0.1, 0], [0.2, 0.1, 0.1, 0], [0.2, -0.1, -0.1, 0]])
    assert sign_flip_p_values(rows).tolist() == [0.75, 0.25, 1.0]
    assert (sign_flip_p_values(np.array([[0.3, 0.0], [0.0, 0.0]])) == 1).all()  # one group cannot show anything


def test_random_signs_agree_with_all_signs() -> None:
    differences = np.random.default_rng(1).normal(0.25, 1, (8, 13))  # 8,192 assignments
    exact = sign_flip_p_values(differences, flips=8192)
    sampled = sign_flip_p_values(differences, flips=8191)  # one too few to try them all
    assert len(set(exact)) == 8
    assert sampled == pytest.approx(exact, abs=5 * np.sqrt(0.25 / 8191))
    assert (exact != sampled).any()


def test_more_groups_against_the_normal_approximation() -> None:
    rng = np.random.default_rng(2)
    differences = rng.choice([-1.0, 0.0, 1.0], (5, 2000), p=[0.12, 0.75, 0.13])
    z = np.abs(differences.sum(axis=1)) / np.sqrt((differences**2).sum(axis=1))
    normal = 2 * norm.sf(z)  # with half a step for the lattice this would agree still better
    assert sign_flip_p_values(differences) == pytest.approx(normal, abs=0.04)


def test_the_smallest_p_and_a_router_against_itself() -> None:
    clear = np.ones((1, 300))
    assert sign_flip_p_values(clear, flips=999).tolist() == [0.001]  # no hit: (1 + 0) / (999 + 1)
    assert sign_flip_p_values(np.zeros((1, 300))).tolist() == [1.0]


def test_neither_order_nor_sides_nor_company_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = np.random.default_rng(3).normal(0.1, 1, (5, 77))
    p = sign_flip_p_values(differences, seed=1)
    order = np.array([3, 0, 4, 1, 2])
    assert (sign_flip_p_values(differences[order], seed=1) == p[order]).all()
    assert (sign_flip_p_values(-differences, seed=1) == p).all()
    assert (sign_flip_p_values(differences[2:3], seed=1) == p[2]).all()
    monkeypatch.setattr(sign_flip, "CHUNK_CELLS", 500)
    assert (sign_flip_p_values(differences, seed=1) == p).all()
    assert (sign_flip_p_values(differences, seed=2) != p).any()


def test_groups_change_sides_as_one() -> None:
    """Five questions on one picture are one coin toss: p is 1, not 2/32."""
    y = np.ones(5)
    assert sign_flip_p_values(mean_parts(y, np.zeros(5, int))[None]).tolist() == [1.0]
    assert sign_flip_p_values(mean_parts(y, np.arange(5))[None]).tolist() == [2 / 32]


def test_holm_by_hand_and_monotone() -> None:
    # sorted .001 .01 .02 .9: 4·.001 = .004, 3·.01 = .03, 2·.02 = .04, 1·.9 = .9
    assert holm(np.array([0.9, 0.01, 0.001, 0.02])) == pytest.approx([0.9, 0.03, 0.004, 0.04])
    rng = np.random.default_rng(4)
    for _ in range(50):
        p = rng.random(9) ** 3
        adjusted = holm(p)
        assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
        assert (adjusted >= p).all()
        assert (adjusted <= 1).all()
        assert (adjusted <= np.minimum(1, 9 * p) + 1e-15).all()  # never worse than Bonferroni
    assert np.isnan(holm(np.array([np.nan, np.nan]))).all()
    assert holm(np.array([])).size == 0


def test_hopeless_rows_cost_the_others_nothing() -> None:
    close = np.array([0.02, 0.04])
    assert holm(np.append(close, [1e-4] * 5))[:2].tolist() == holm(close).tolist()


def example(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(20), rng.integers(1, 5, 20))
    return (rng.random(len(group)) < 0.7).astype(float), rng.uniform(1e-5, 1e-3, len(group)), group


def test_parts_sum_to_the_figure() -> None:
    correct, cost, group = example()
    parts = rank_score_parts(correct, cost, group, BOUNDS)
    assert parts is not None
    assert parts.sum() == pytest.approx(rank_score(correct.mean(), cost.mean(), BOUNDS).value, abs=1e-12)
    assert mean_parts(correct, group).sum() == pytest.approx(correct.mean())
    assert rank_score_parts(correct, cost * 0, group, BOUNDS) is None  # the mean cost is not positive
    assert rank_score_parts(correct, cost, group, CostBounds(1e-3, 1e-3, "h")) is None
    assert rank_score_parts(np.zeros(0), np.zeros(0), np.zeros(0, int), BOUNDS) is None


def test_parts_say_what_leaving_a_group_out_does() -> None:
    """To first order S without group g is S − (ψ_g − S·n_g/n) · n/(n − n_g): a jackknife by brute force."""
    correct, cost, group = example(1)
    parts = rank_score_parts(correct, cost, group, BOUNDS)
    assert parts is not None
    score, n = parts.sum(), len(group)
    for g in range(20):
        kept = group != g
        without = rank_score(correct[kept].mean(), cost[kept].mean(), BOUNDS).value
        assert without is not None
        size = (~kept).sum()
        assert without - score == pytest.approx(-(parts[g] - score * size / n) * n / (n - size), abs=2e-3)


def test_slopes_are_the_derivatives() -> None:
    for accuracy, cost in ((0.8, 1.5e-4), (0.3, 1e-3), (0.95, 2e-5), (0.5, 5e-3), (0.5, 1e-5)):
        by_accuracy, by_cost = rank_score_slopes(accuracy, cost, BOUNDS)

        def score(a: float, c: float) -> float:
            value = rank_score(a, c, BOUNDS).value
            assert value is not None
            return value

        h = 1e-6
        assert by_accuracy == pytest.approx((score(accuracy + h, cost) - score(accuracy - h, cost)) / (2 * h), rel=1e-5)
        k = cost * h
        assert by_cost == pytest.approx((score(accuracy, cost + k) - score(accuracy, cost - k)) / (2 * k), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("cheap", "dear"), [(2e-4, 2e-4), (1e-4, 5e-4), (5e-5, 4e-4)])
def test_true_hypotheses_about_the_score_are_rejected_at_the_level(cheap: float, dear: float) -> None:
    """Two routers with equal Rank Scores, also where they reach it in different ways; questions share pictures."""

    def score(accuracy: float, cost: float) -> float:
        value = rank_score(accuracy, cost, BOUNDS).value
        assert value is not None
        return value

    first = 0.75
    second = brentq(lambda a: score(a, dear) - score(first, cheap), 0.01, 0.999)
    rng = np.random.default_rng(0)
    p = []
    for trial in range(1000):
        group = np.repeat(np.arange(120), rng.integers(1, 5, 120))
        shared = np.sqrt(0.5) * rng.standard_normal(120)[group] + 0.5 * rng.standard_normal(len(group))
        parts = []
        for accuracy, cost in ((first, cheap), (second, dear)):
            right = shared + 0.5 * rng.standard_normal(len(group)) < norm.ppf(accuracy)
            costs = cost * rng.lognormal(-0.5, 1, len(group))
            own = rank_score_parts(right.astype(float), costs, group, BOUNDS)
            assert own is not None
            parts.append(own)
        p.append(sign_flip_p_values((parts[0] - parts[1])[None], flips=499, seed=trial)[0])
    assert 0.03 <= np.mean(np.array(p) <= 0.05) <= 0.07  # binomial sd .007
