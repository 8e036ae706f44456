"""Headline metrics by hand, intervals, undefined figures."""

import dataclasses
import json
import time

import numpy as np
import pytest

from vlrb.evaluation.headline import headline_metrics
from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.outcomes import Outcomes


def test_every_figure_by_hand(outcomes: Outcomes, decision: np.ndarray) -> None:
    found = headline_metrics(outcomes, decision, best_single_column=2, resamples=0)
    # chosen: 1, 1, 1, .6, 0, 1 → 5/6 right, quality 4.6/6; cost (1+2+8+2+2+1)/6 = 16/6 thousandths
    assert found["accuracy"] == pytest.approx(5 / 6)
    assert found["quality"] == pytest.approx(4.6 / 6)
    assert found["cost"] == pytest.approx(0.016 / 6)
    K = np.log2(8 / (16 / 6)) / 3  # .528321
    assert found["rank_score"] == pytest.approx(1.1 * (5 / 6) * K / (0.1 * 5 / 6 + K))
    # large alone: 4/6 at $.008 (dearest: score 0); oracle: small, middle, large, middle, small (none right), small
    assert found["best_single_accuracy"] == pytest.approx(4 / 6)
    assert found["best_single_rank_score"] == 0.0
    assert found["oracle_accuracy"] == pytest.approx(5 / 6)
    assert found["oracle_cost"] == pytest.approx((1 + 2 + 8 + 2 + 1 + 1) / 6000)
    assert found["gap_closed"] == pytest.approx(1.0)
    assert found["accuracy_gain"] == pytest.approx(1 / 6)
    assert found["best_single_hindsight_accuracy"] == pytest.approx(4 / 6)
    assert (found["n"], found["groups"]) == (6, 5)
    assert found["accuracy_low"] is None  # no resamples asked for


def test_the_contract_of_names(outcomes: Outcomes, decision: np.ndarray) -> None:
    found = headline_metrics(outcomes, decision, 2, resamples=200)
    headline = ["accuracy", "quality", "cost", "rank_score", "gap_closed", "best_single_hindsight_accuracy"]
    headline += [f"{who}_{what}" for who in ("best_single", "oracle") for what in ("accuracy", "cost", "rank_score")]
    for name in headline:
        assert {name, f"{name}_low", f"{name}_high"} <= set(found)
    json.dumps(found, allow_nan=False)


def test_intervals_surround_the_figure_and_repeat(outcomes: Outcomes) -> None:
    rng = np.random.default_rng(0)
    big = dataclasses.replace(
        outcomes,
        Y=rng.integers(0, 2, (300, 3)).astype(float),
        C=np.tile([0.001, 0.002, 0.008], (300, 1)) * rng.lognormal(0, 0.3, (300, 1)),
        split_group=np.arange(300) // 3,
        dataset=np.repeat([0, 1], 150),
    )
    decision = rng.integers(0, 3, 300)
    found = headline_metrics(big, decision, 1, seed=4, resamples=500)
    for name in ("accuracy", "quality", "cost", "rank_score", "accuracy_gain", "oracle_accuracy"):
        low, value, high = (found[f"{name}{end}"] for end in ("_low", "", "_high"))
        assert isinstance(low, float)
        assert isinstance(value, float)
        assert isinstance(high, float)
        assert low < value < high
    assert headline_metrics(big, decision, 1, seed=4, resamples=500) == found
    assert headline_metrics(big, decision, 1, seed=5, resamples=500)["accuracy_low"] != found["accuracy_low"]


def test_a_paired_difference_is_narrower_than_its_parts(outcomes: Outcomes) -> None:
    rng = np.random.default_rng(1)
    Y = np.repeat(rng.integers(0, 2, (400, 1)), 3, axis=1).astype(float)
    Y[:20, 0] = 1 - Y[:20, 0]  # models 0 and 1 agree on all but 20 samples
    big = dataclasses.replace(
        outcomes, Y=Y, C=np.ones((400, 3)), split_group=np.arange(400), dataset=np.zeros(400, int)
    )
    found = headline_metrics(big, np.zeros(400, int), 1, resamples=500)
    width = {
        name: float(found[f"{name}_high"] or 0) - float(found[f"{name}_low"] or 0)
        for name in ("accuracy", "accuracy_gain")
    }
    assert width["accuracy_gain"] < 0.5 * width["accuracy"]


def test_unknown_chosen_cells_leave_the_rest_defined(outcomes: Outcomes, decision: np.ndarray) -> None:
    Y = outcomes.Y.copy()
    Y[0, 0] = np.nan
    found = headline_metrics(dataclasses.replace(outcomes, Y=Y), decision, 2, resamples=100)
    assert found["accuracy"] is None
    assert found["accuracy_reason"] == "1 of 6 samples have no quality for the chosen model"
    assert found["gap_closed"] is None
    assert found["accuracy_gain_reason"] == found["accuracy_reason"]
    assert found["cost"] is not None
    assert found["best_single_accuracy"] == pytest.approx(4 / 6)
    assert found["best_single_accuracy_low"] is not None


def test_equal_prices_leave_only_the_rank_score_undefined(outcomes: Outcomes, decision: np.ndarray) -> None:
    flat = dataclasses.replace(outcomes, C=np.ones((6, 3)), bounds=CostBounds(1.0, 1.0, "flat"))
    found = headline_metrics(flat, decision, 2, resamples=100)
    assert found["rank_score"] is None
    assert found["rank_score_reason"] == "all models cost the same"
    assert found["rank_score_gain"] is None
    assert found["accuracy_low"] is not None


def test_one_group_has_no_interval(outcomes: Outcomes, decision: np.ndarray) -> None:
    one = dataclasses.replace(outcomes, split_group=np.zeros(6, int))
    found = headline_metrics(one, decision, 2, resamples=100)
    assert found["accuracy"] is not None
    assert found["accuracy_low"] is None


def test_an_empty_split_is_undefined_everywhere(outcomes: Outcomes) -> None:
    nothing = dataclasses.replace(
        outcomes,
        Y=np.zeros((0, 3)),
        C=np.zeros((0, 3)),
        split_group=np.zeros(0, int),
        dataset=np.zeros(0, int),
    )
    found = headline_metrics(nothing, np.zeros(0, int), 0)
    assert found["n"] == 0
    assert found["accuracy_reason"] == "no samples"


def test_full_size_takes_a_fraction_of_a_second(outcomes: Outcomes) -> None:
    rng = np.random.default_rng(0)
    n, m = 6108, 17
    full = dataclasses.replace(
        outcomes,
        Y=rng.integers(0, 2, (n, m)).astype(np.float32),
        C=rng.lognormal(-8, 1, (n, m)),
        split_group=rng.integers(0, 3500, n),
        dataset=rng.integers(0, 2, n),
        model_ids=tuple(map(str, range(m))),
        bounds=CostBounds(1e-5, 1e-2, "h"),
    )
    started = time.perf_counter()
    headline_metrics(full, rng.integers(0, m, n), 3)
    assert time.perf_counter() - started < 5.0  # about .6 s on one idle core
