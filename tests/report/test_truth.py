"""Expectations from the generator's truth: by hand, aligned by key, bounded by Bayes."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vlrb.metrics.bayes import bayes_value
from vlrb.metrics.bounds import CostBounds
from vlrb.report.truth import ObservedCosts, Truth, expected_metrics, read_truth, truth_landscape
from vlrb.utils.errors import DataError

BOUNDS = CostBounds(0.001, 0.008, "h")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    table = {
        "sample_id": ["d/2", "d/1", "d/3"],
        "p/a": [0.2, 0.1, 0.3],
        "p/b": [0.8, 0.9, 0.7],
        "output_tokens/a": [20.0, 10.0, 30.0],
        "output_tokens/b": [200.0, 100.0, 300.0],
        "attribute/skill": ["count", "read", "know"],
    }
    pd.DataFrame(table).to_parquet(tmp_path / "truth.parquet", index=False)
    return tmp_path / "truth.parquet"


def observed(n: int) -> ObservedCosts:
    return ObservedCosts(np.full((n, 2), 0.001), np.full((n, 2), 50.0), np.array([2.0, 10.0]))


def test_rows_and_columns_are_joined_by_name(path: Path) -> None:
    truth = read_truth(path, ["d/1", "d/2"], ["b", "a"], observed(2))
    assert truth.p.tolist() == [[0.9, 0.1], [0.8, 0.2]]
    # E[cost] = .001 + (E[tokens] − 50) · price / 10⁶: b: 100 tokens at $2, a: 10 tokens at $10
    assert truth.cost[0] == pytest.approx([0.001 + 50 * 2e-6, 0.001 - 40 * 10e-6])


def test_unknown_samples_models_and_files_are_named(path: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"knows nothing about 1 samples, e\.g\. d/9"):
        read_truth(path, ["d/1", "d/9"], ["a", "b"], observed(2))
    with pytest.raises(DataError, match="no column p/z"):
        read_truth(path, ["d/1"], ["z", "a"], observed(1))
    with pytest.raises(DataError, match="no such file"):
        read_truth(tmp_path / "none.parquet", ["d/1"], ["a", "b"], observed(1))
    path.write_bytes(b"x")
    with pytest.raises(DataError, match="not a readable parquet file"):
        read_truth(path, ["d/1"], ["a", "b"], observed(1))


def test_expected_figures_by_hand() -> None:
    truth = Truth(np.array([[0.9, 0.6], [0.5, 0.7]]), np.array([[0.004, 0.002], [0.004, 0.002]]))
    found = expected_metrics(truth, np.array([0, 1]), 0, BOUNDS)
    assert found["expected_accuracy"] == pytest.approx(0.8)  # (.9 + .7) / 2
    assert found["expected_cost"] == pytest.approx(0.003)
    assert found["expected_best_single_accuracy"] == pytest.approx(0.7)
    assert found["bayes_accuracy"] == pytest.approx(0.8)
    assert found["share_of_attainable_gain"] == pytest.approx(1.0)
    assert found["frontier_distance"] == pytest.approx(0.0, abs=1e-9)
    same = expected_metrics(truth, np.array([1, 1]), 1, BOUNDS)
    assert same["share_of_attainable_gain"] == pytest.approx(0.0)


def test_nothing_attainable_has_a_reason() -> None:
    truth = Truth(np.array([[0.9, 0.6]]), np.array([[0.001, 0.002]]))
    found = expected_metrics(truth, np.array([1]), 0, BOUNDS)
    assert found["share_of_attainable_gain"] is None
    assert found["share_of_attainable_gain_reason"] == "nothing to gain over the best single model"


def test_no_decision_on_the_demo_exceeds_the_bound(world: Any) -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        decision = (world.truth.p + rng.normal(0, 0.3, world.Y.shape)).argmax(axis=1)
        found = expected_metrics(world.truth, decision, 13, world.bounds)
        accuracy, cost = found["expected_accuracy"], found["expected_cost"]
        assert isinstance(accuracy, float)
        assert isinstance(cost, float)
        for mu in (0.0, 10.0, 100.0, 1000.0, 1e5):
            assert accuracy - mu * cost <= bayes_value(*world.truth, mu) + 1e-12
        assert isinstance(found["frontier_distance"], float)
        assert found["frontier_distance"] >= -1e-12


def test_landscape_is_plain_and_thinned(world: Any) -> None:
    found = truth_landscape(world.truth, {"one": np.zeros(len(world.Y), int)})
    frontier = found["frontier"]
    assert frontier["weights"][0] == 0.0
    assert len(frontier["cost"]) == len(frontier["accuracy"]) < 182
    assert found["expected"]["one"]["accuracy"] == pytest.approx(world.truth.p[:, 0].mean())
