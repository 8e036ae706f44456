"""Comparing the rows of a table: by hand on six groups, invariants, seeds, and what cannot be compared."""

import dataclasses
from itertools import product
from typing import Any

import numpy as np
import pytest

from vlrb.evaluation.contest import Contender, Contest, contest
from vlrb.evaluation.judge import Units, judge
from vlrb.evaluation.seeds import across_seeds, seeds_note
from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.outcomes import Chosen
from vlrb.metrics.rank_score import rank_score

BOUNDS = CostBounds(1e-5, 1e-3, "h")


def chooser(right: Any, cost: float = 1e-4) -> Chosen:
    quality = np.asarray(right, dtype=np.float64)
    return Chosen(quality, np.full(len(quality), cost))


def world(seed: int = 0, n: int = 240, routers: int = 5) -> tuple[dict[str, Contender], Units]:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n // 2), 2)
    shared = rng.normal(0, 1, n // 2)[group]
    found = {}
    for k in range(routers):
        right = shared + rng.normal(0, 1, n) < 0.9 - 0.25 * k
        found[f"r{k}"] = Contender((Chosen(right.astype(float), rng.uniform(0.5, 1.5, n) * 1e-4),))
    return found, Units(group, group % 3)


def compared(contenders: dict[str, Contender], units: Units, top: str = "r0", **changes: Any) -> Contest:
    found = contest(contenders, top, units, BOUNDS, **{"resamples": 500, **changes})
    assert found is not None
    return found


def test_six_groups_by_hand() -> None:
    """One sample a group, equal costs: b loses 4 groups to a and wins 1, c loses 3.

    Sums of five signs: |±1 ±1 ±1 ±1 ±1| ≥ 3 in 2·(1 + 5) of 32 → p_b = .375; of three: |…| ≥ 3 in 2 of 8 → p_c = .25.
    Holm over two: c 2 · .25 = .5, b max(1 · .375, .5) = .5.
    """
    a, b, c = [1, 1, 1, 1, 0, 1], [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 0, 1]
    units = Units(np.arange(6), np.zeros(6, int))
    found = compared({name: Contender((chooser(y),)) for name, y in (("a", a), ("b", b), ("c", c))}, units, "a")
    standings = found.standings
    assert (found.figure, found.compared) == ("rank_score", 2)
    assert standings["b"].p_accuracy == 0.5
    assert standings["c"].p_accuracy == 0.5
    alone = compared({"a": Contender((chooser(a),)), "b": Contender((chooser(b),))}, units, "a").standings["b"]
    assert alone.p_accuracy == 12 / 32
    assert standings["a"].p is None  # the top is not compared with itself
    assert standings["a"].may_be_best
    # one right of a and b on 5 of 6, of a and c on 3 of 6: median 4/6
    assert found.detectable is not None
    assert found.detectable.disagreement == pytest.approx(4 / 6)
    assert found.detectable.against is None


def test_the_score_is_tested_too() -> None:
    """All right at twice the price, in 12 groups: accuracy p = 1, Rank Score as low as 2 of 4,096 signs go."""
    right = np.ones(12)
    pair = {"cheap": Contender((chooser(right, 1e-4),)), "dear": Contender((chooser(right, 2e-4),))}
    found = compared(pair, Units(np.arange(12), np.zeros(12, int)), "cheap")
    assert found.standings["dear"].p_accuracy == 1
    assert found.standings["dear"].p == 2 / 2**12
    assert (found.standings["cheap"].rank_low, found.standings["cheap"].rank_high) == (1, 1)
    assert (found.standings["dear"].rank_low, found.standings["dear"].rank_high) == (2, 2)
    assert found.detectable is not None
    assert found.detectable.accuracy is None  # they never differ
    assert found.detectable.against == "dear"


def test_p_of_the_score_against_enumerated_signs_of_parts() -> None:
    rng = np.random.default_rng(5)
    costs = rng.uniform(1e-5, 9e-4, (2, 6))
    right = np.array([[1, 1, 0, 1, 1, 0], [1, 0, 0, 1, 0, 1.0]])
    parts = []
    for y, c in zip(right, costs, strict=True):
        score = rank_score(y.mean(), c.mean(), BOUNDS).value
        assert score is not None
        h = 1e-7
        up = [rank_score(y.mean() + h, c.mean(), BOUNDS).value, rank_score(y.mean(), c.mean() * (1 + h), BOUNDS).value]
        assert None not in up
        slopes = [(float(up[0] or 0) - score) / h, (float(up[1] or 0) - score) / (h * c.mean())]
        parts.append((score + slopes[0] * (y - y.mean()) + slopes[1] * (c - c.mean())) / 6)
    difference = parts[1] - parts[0]
    sums = [abs(np.dot(signs, difference)) for signs in product((1, -1), repeat=6)]
    expected = np.mean(np.array(sums) >= abs(difference.sum()) - 1e-9)
    contenders = {str(k): Contender((Chosen(right[k], costs[k]),)) for k in (0, 1)}
    found = compared(contenders, Units(np.arange(6), np.zeros(6, int)), "0")
    assert found.standings["1"].p == expected


def test_order_does_not_matter() -> None:
    contenders, units = world()
    found = compared(contenders, units)
    turned = compared(dict(reversed(contenders.items())), units)
    assert found.standings == turned.standings
    assert found.detectable == turned.detectable
    shuffled = np.random.default_rng(1).permutation(240)
    moved = {
        name: Contender((Chosen(c.seeds[0].quality[shuffled], c.seeds[0].cost[shuffled]),))
        for name, c in contenders.items()
    }
    again = compared(moved, Units(units.split_group[shuffled], units.dataset[shuffled]))
    assert again.standings == found.standings


def test_a_twin_of_the_top_has_p_1_and_shares_rank_1() -> None:
    contenders, units = world()
    found = compared({**contenders, "twin": contenders["r0"]}, units)
    assert (found.standings["twin"].p, found.standings["twin"].p_accuracy) == (1, 1)
    assert found.standings["twin"].may_be_best
    assert found.standings["r0"].may_be_best
    p = {s.p_single: s.p for name, s in found.standings.items() if name != "r0" and s.p_single and s.p}
    assert all(0 < single <= adjusted <= 1 for single, adjusted in p.items())
    assert sorted(p.values()) == [p[single] for single in sorted(p)]  # the order of the single p values is kept


def test_references_are_compared_and_not_ranked() -> None:
    contenders, units = world()
    weak = Contender(contenders["r4"].seeds, ranked=False)
    found = compared({**contenders, "r4": weak}, units)
    assert found.standings["r4"].p is not None
    assert found.standings["r4"].rank_low is None
    assert found.standings["r4"].may_be_best is None
    assert {s.rank_high for name, s in found.standings.items() if name != "r4"} <= {1, 2, 3, 4}
    alone = compared({"r0": contenders["r0"], "r4": weak, "r3": contenders["r3"]._replace(ranked=False)}, units)
    assert alone.standings["r0"].rank_low is None  # nothing to rank
    assert alone.detectable is not None
    assert alone.detectable.against == "r3"  # the better reference


def test_nothing_to_resample_nothing_said() -> None:
    contenders, units = world()
    n = len(units.dataset)
    assert contest(contenders, "r0", Units(np.zeros(n, int), np.zeros(n, int)), BOUNDS) is None  # one group
    assert contest(contenders, "r0", Units(np.arange(n), np.arange(n)), BOUNDS) is None  # one group a dataset
    assert contest(contenders, "r0", units, BOUNDS, resamples=0) is None
    assert contest(contenders, "nobody", units, BOUNDS) is None


def test_a_row_with_unknown_cells_is_left_out() -> None:
    contenders, units = world()
    quality = contenders["r1"].seeds[0].quality.copy()
    quality[3] = np.nan
    holed = {**contenders, "r1": Contender((Chosen(quality, contenders["r1"].seeds[0].cost),))}
    found = compared(holed, units)
    assert "r1" not in found.standings
    assert found.compared == 3
    rest = {name: contender for name, contender in contenders.items() if name != "r1"}
    assert compared(rest, units).standings == found.standings
    assert contest(holed, "r1", units, BOUNDS) is None


def test_without_a_score_accuracy_decides() -> None:
    contenders, units = world()
    found = contest(contenders, "r0", units, dataclasses.replace(BOUNDS, reason="all models cost the same"), 500)
    assert found is not None
    assert found.figure == "accuracy"
    assert all(s.p == s.p_accuracy for s in found.standings.values())
    assert found.detectable is not None
    assert found.detectable.rank_score is None
    assert found.detectable.accuracy is not None


def test_a_router_that_costs_nothing_has_no_score_and_no_rank() -> None:
    contenders, units = world()
    free = Chosen(contenders["r1"].seeds[0].quality, np.zeros(240))
    found = compared({**contenders, "r1": Contender((free,))}, units)
    assert found.figure == "rank_score"
    assert "r1" not in found.standings


def test_detectable_difference_agrees_with_the_spread_of_resamples() -> None:
    contenders, units = world(n=600)
    pair = {name: contenders[name] for name in ("r0", "r1")}
    seen = compared(pair, units, resamples=4000).detectable
    judged = judge({name: c.seeds[0] for name, c in pair.items()}, units, BOUNDS, 7, 4000)
    assert seen is not None
    for figure, value in (("accuracy", seen.accuracy), ("rank_score", seen.rank_score)):
        difference = judged["r0"].resampled[figure] - judged["r1"].resampled[figure]
        assert value == pytest.approx(2.8016 * difference.std(), rel=0.06)


def test_seeds_are_one_contender() -> None:
    contenders, units = world()
    runs = tuple(contenders[f"r{k}"].seeds[0] for k in (1, 2, 3))
    found = compared({"r0": contenders["r0"], "seeds": Contender(runs), "r4": contenders["r4"]}, units)
    twin = compared({"seeds": Contender(runs), "same": Contender(runs[::-1])}, units, "seeds")
    assert found.standings["seeds"].p is not None
    assert twin.standings["same"].p == 1
    assert twin.standings["same"].may_be_best


def test_judgements_over_seeds() -> None:
    contenders, units = world()
    names = ["r1", "r2", "r3"]
    judged = judge({name: contenders[name].seeds[0] for name in names}, units, BOUNDS, 0, 300)
    mean = across_seeds([judged[name] for name in names])
    for figure in ("accuracy", "cost", "rank_score"):
        values = [judged[name].values[figure].value for name in names]
        assert mean.values[figure].value == pytest.approx(np.mean(np.array(values, dtype=float)))
        parts = np.mean([judged[name].resampled[figure] for name in names], axis=0)
        assert mean.resampled[figure] == pytest.approx(parts)  # three seeds are not drawn
    assert across_seeds([judged["r1"]]) is judged["r1"]


def test_five_seeds_are_drawn_and_widen_the_interval() -> None:
    contenders, units = world()
    names = list(contenders)  # five routers of very different accuracy stand in for five seeds
    judged = judge({name: contenders[name].seeds[0] for name in names}, units, BOUNDS, 0, 2000)
    figures = [judged[name] for name in names]
    two_level, fixed = across_seeds(figures), np.mean([j.resampled["accuracy"] for j in figures], axis=0)
    between = np.var([float(j.values["accuracy"].value or 0) for j in figures], ddof=1) / 5
    assert two_level.resampled["accuracy"].var() > fixed.var() + 0.8 * between


def test_an_undefined_seed_makes_the_mean_undefined() -> None:
    contenders, units = world()
    holed = contenders["r1"].seeds[0]._replace(quality=np.where(np.arange(240) == 0, np.nan, 1.0))
    judged = judge({"a": contenders["r0"].seeds[0], "b": holed}, units, BOUNDS, 0, 100)
    mean = across_seeds(list(judged.values()))
    assert mean.values["accuracy"].value is None
    assert "1 of 2 seeds: 1 of 240 samples" in str(mean.values["accuracy"].reason)
    assert mean.flat(("accuracy",))["accuracy_low"] is None


def test_what_is_said_of_seeds() -> None:
    assert seeds_note([1, 1]) is None
    assert seeds_note([3, 1, 3]) == "means over several seeds (3); intervals are conditional on them (fewer than 5)"
    assert seeds_note([5, 1]) == "means over several seeds (5); intervals draw seeds, then split groups"
    assert seeds_note([5, 3]) == "means over several seeds (3, 5); intervals draw seeds too from 5 on"
