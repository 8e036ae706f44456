import math

import numpy as np
import pytest

from vlrb.benchmark.targets import auto_cost_scale, soft_targets
from vlrb.utils.errors import ConfigError, DataError

NAN = float("nan")
INF = float("inf")


def row(y, c, lam, **options):
    result = soft_targets(np.array([y], float), np.array([c], float), lam, **options)
    return result.targets[0], result.weight[0]


def test_exp_by_hand():
    # correct: A (cost 1), C (cost 2); λ·s = .5·2 = 1: masses e^-1 and e^-2 → 1/(1+e^-1) and e^-1/(1+e^-1)
    t, w = row([1, 0, 1], [1, 5, 2], 0.5, cost_scale=2.0)
    share = 1 / (1 + math.exp(-1))
    assert t == pytest.approx([share, 0, 1 - share], abs=1e-7)
    assert w == 1


def test_power_by_hand():
    # costs 1, 4 and 9, λ = .5: masses 1, 1/2, 1/3 → 6/11, 3/11, 2/11, whatever the scale
    for scale in (1.0, 1e5):
        t, _ = row([1, 1, 1], [1, 4, 9], 0.5, scheme="power", cost_scale=scale)
        assert t == pytest.approx([6 / 11, 3 / 11, 2 / 11], abs=1e-7)


def test_power_with_epsilon():
    # (0 + 1)^-1 = 1 and (3 + 1)^-1 = 1/4 → 4/5 and 1/5
    t, _ = row([1, 1], [0, 3], 1.0, scheme="power", eps=1.0)
    assert t == pytest.approx([0.8, 0.2], abs=1e-7)


def test_power_gives_all_mass_to_a_free_model():
    t, _ = row([1, 1, 1], [0, 3, 0], 0.1, scheme="power")
    assert t.tolist() == [0.5, 0, 0.5]
    t, _ = row([0, 1, 1], [0, 3, 3], 0.1, scheme="power")
    assert t.tolist() == [0, 0.5, 0.5]


@pytest.mark.parametrize("scheme", ["exp", "power"])
def test_lambda_zero_is_uniform_over_the_correct_models(scheme):
    t, _ = row([1, 0, 1, 1], [1, 2, 0, 1e9], 0.0, scheme=scheme)
    assert t == pytest.approx([1 / 3, 0, 1 / 3, 1 / 3])


@pytest.mark.parametrize("scheme", ["exp", "power"])
def test_lambda_infinite_is_the_cheapest_correct_model_ties_shared(scheme):
    t, _ = row([1, 1, 0, 1], [2, 2, 1, 3], INF, scheme=scheme)
    assert t.tolist() == [0.5, 0.5, 0, 0]


@pytest.mark.parametrize("lam", [1e6, 1e300])
def test_huge_lambda_neither_underflows_nor_overflows(lam):
    t, w = row([1, 1], [1e-3, 1.0], lam, cost_scale=1e5)
    assert t.tolist() == [1, 0]
    assert w == 1


def test_graded_quality_counts_from_one_half():
    t, _ = row([0.5, 0.49, 1], [1, 1, 1], 0.0)
    assert t.tolist() == [0.5, 0, 0.5]


def test_unknown_cells_get_no_mass_and_the_rest_is_renormalised():
    t, w = row([1, NAN, 1, 1], [1, 1, 1, NAN], 0.0)
    assert t.tolist() == [0.5, 0, 0.5, 0]
    assert w == 1
    t, w = row([NAN, 0, 1], [1, 1, NAN], 0.0)  # no model is known to be right
    assert t.tolist() == [0, 0, 0]
    assert w == 0


def test_fallbacks_for_a_row_without_a_correct_model():
    y, c = [0, 0, 0, NAN], [1, 2, 1, 0.5]
    assert row(y, c, 1.0, fallback="drop") == (pytest.approx([0, 0, 0, 0]), 0)
    t, w = row(y, c, math.log(2), fallback="cost_soft")  # 1/2, 1/4, 1/2 → .4, .2, .4
    assert t == pytest.approx([0.4, 0.2, 0.4, 0], abs=1e-7)
    assert w == 1
    t, w = row(y, c, 0.0, fallback="cheapest")  # whatever λ; the tie is shared, the unknown model is not cheapest
    assert t.tolist() == [0.5, 0, 0.5, 0]
    assert w == 1


def test_a_row_without_any_known_cell_never_has_a_weight():
    for fallback in ("drop", "cost_soft", "cheapest"):
        t, w = row([NAN, NAN], [1, 2], 1.0, fallback=fallback)
        assert t.tolist() == [0, 0]
        assert w == 0


def test_fallback_leaves_solved_rows_alone():
    y, C = np.array([[1.0, 1.0], [0.0, 0.0]]), np.array([[1.0, 2.0], [2.0, 1.0]])
    dropped = soft_targets(y, C, 0.3, fallback="drop").targets
    kept = soft_targets(y, C, 0.3, fallback="cheapest").targets
    assert kept[0].tolist() == dropped[0].tolist()
    assert kept[1].tolist() == [0, 1]


def test_boolean_outcomes_and_empty_input():
    result = soft_targets(np.array([[True, False]]), np.array([[1.0, 1.0]]), 1.0)
    assert result.targets.tolist() == [[1, 0]]
    empty = soft_targets(np.zeros((0, 3)), np.zeros((0, 3)), 1.0)
    assert empty.targets.shape == (0, 3)
    assert empty.weight.shape == (0,)


def reference_row(y, c, lam, scheme, scale, fallback):
    """The definition, one model at a time, in plain Python."""
    known = [not (math.isnan(a) or math.isnan(b)) for a, b in zip(y, c, strict=True)]
    support = [k and a >= 0.5 for k, a in zip(known, y, strict=True)]
    solved = any(support)
    if not solved:
        if fallback == "drop" or not any(known):
            return [0.0] * len(y), 0.0
        support = known
        if fallback == "cheapest":
            lam = INF
    lowest = min(b for s, b in zip(support, c, strict=True) if s)
    mass = []
    for s, b in zip(support, c, strict=True):
        if not s:
            mass.append(0.0)
        elif lam == 0:
            mass.append(1.0)
        elif lam == INF:
            mass.append(1.0 if b == lowest else 0.0)
        elif scheme == "exp":
            mass.append(math.exp(max(-lam * (b - lowest) * scale, -700)))
        else:
            mass.append(math.exp(max(-lam * (math.log(b) - math.log(lowest)), -700)))
    return [m / sum(mass) for m in mass], 1.0


@pytest.mark.parametrize("scheme", ["exp", "power"])
@pytest.mark.parametrize("fallback", ["drop", "cost_soft", "cheapest"])
@pytest.mark.parametrize("lam", [0.0, 0.1, 0.5, 2.0, 50.0, INF])
def test_against_a_plain_loop(scheme, fallback, lam):
    rng = np.random.default_rng(7)
    y = rng.choice([0.0, 0.3, 0.5, 1.0, NAN], size=(300, 6), p=[0.45, 0.1, 0.1, 0.25, 0.1])
    C = rng.choice([1e-5, 2e-5, 1e-3, NAN], size=(300, 6), p=[0.4, 0.3, 0.2, 0.1])  # many ties
    y[:10] = 0.0
    y[10:15] = NAN
    scale = auto_cost_scale(C)
    result = soft_targets(y, C, lam, scheme=scheme, cost_scale=scale, fallback=fallback)
    for i in range(len(y)):
        targets, weight = reference_row(y[i].tolist(), C[i].tolist(), lam, scheme, scale, fallback)
        assert result.targets[i] == pytest.approx(targets, abs=1e-6), i
        assert result.weight[i] == weight
    sums = result.targets.sum(axis=1)
    assert np.allclose(sums, result.weight, atol=1e-6)
    assert result.targets.dtype == result.weight.dtype == np.float32


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 17), (2, 2), (40, 1), (200, 17), (3, 60)])
@pytest.mark.parametrize("fallback", ["drop", "cost_soft", "cheapest"])
def test_sizes_and_degenerate_rows_against_a_plain_loop(n, m, fallback):
    """Random rows, then rows that are all wrong, all right, all at one price, all unknown, known in one cell only."""
    rng = np.random.default_rng(1000 * n + m)
    y = rng.choice([0.0, 1.0, NAN], size=(n + 6, m), p=[0.5, 0.4, 0.1])
    C = rng.uniform(1e-6, 1e-2, size=(n + 6, m))
    C[rng.random(C.shape) < 0.1] = NAN
    y[n], y[n + 1], y[n + 2], y[n + 3], C[n + 3] = 0, 1, 1, 1, 2e-4
    y[n + 4] = NAN
    y[n + 5, 1:], y[n + 5, 0], C[n + 5, 0] = NAN, 1, 1e-3
    for lam in (0.0, 0.5, 30.0, INF):
        result = soft_targets(y, C, lam, cost_scale=5e3, fallback=fallback)
        for i in range(len(y)):
            targets, weight = reference_row(y[i].tolist(), C[i].tolist(), lam, "exp", 5e3, fallback)
            assert result.targets[i] == pytest.approx(targets, abs=1e-6), i
            assert result.weight[i] == weight


def test_auto_cost_scale_is_the_mean_of_model_means_not_of_cells():
    # means: (1 + 3)/2 = 2 and 10 → c0 = 6; the mean of cells would be 14/3
    assert auto_cost_scale(np.array([[1.0, 10.0], [3.0, NAN]])) == pytest.approx(1 / 6)
    assert auto_cost_scale(np.array([[1.0, NAN], [3.0, NAN]])) == pytest.approx(1 / 2)
    for useless in (np.full((2, 2), NAN), np.zeros((2, 2)), np.zeros((0, 2))):
        with pytest.raises(DataError, match="training cost"):
            auto_cost_scale(useless)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lam": -1.0}, "lambda"),
        ({"lam": NAN}, "lambda"),
        ({"lam": 1.0, "scheme": "linear"}, "scheme"),
        ({"lam": 1.0, "fallback": "none"}, "fallback"),
        ({"lam": 1.0, "cost_scale": 0.0}, "cost_scale"),
        ({"lam": 1.0, "cost_scale": INF}, "cost_scale"),
        ({"lam": 1.0, "eps": -1.0}, "eps"),
    ],
)
def test_settings_out_of_range_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        soft_targets(np.ones((1, 1)), np.ones((1, 1)), **options)
