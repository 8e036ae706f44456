"""The enumerated population gives the figures the demo was designed for."""

import numpy as np
import pytest

from vlrb.demo import constants as k
from vlrb.demo.population import (
    ATTRIBUTES,
    PICTURE_ATTRIBUTES,
    TEXT_ATTRIBUTES,
    ability_margin,
    expected_output_tokens,
    population,
)

CELLS = population()


def rank_score(accuracy: np.ndarray, cost: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    cheap = np.clip(np.log2(bounds[1] / cost) / np.log2(bounds[1] / bounds[0]), 0, 1)
    return 1.1 * accuracy * cheap / (0.1 * accuracy + cheap)


def test_tables_are_complete_and_shares_sum_to_one() -> None:
    assert (len(k.MODELS), len(k.DATASETS)) == (17, 14)
    for mix in k.DATASETS:
        for shares, size in ((mix.skills, 6), (mix.kinds, 5), (mix.depths, 3), (mix.fines, 3)):
            assert len(shares) == size
            assert sum(shares) == pytest.approx(1)
    assert CELLS.weights.sum() == pytest.approx(1)
    assert CELLS.weights.sum(axis=1) == pytest.approx(np.full(14, 1 / 14))


def test_margin_of_one_cell_by_hand() -> None:
    """GPT4o: calculate, depth 2, whole picture; chart, fine 1, panels.

    .89 + 0 − .18 − .7·1.3·1.2·(1.15 − .6) − .7·.4·(1.15 − .4) + .25·.7·(1)(−1) = −.2756
    """
    codes = np.array([[k.SKILLS.index("calculate"), 2, 0, k.KINDS.index("chart"), 1, 1]])
    assert ability_margin(codes)[0, k.MODEL_IDS.index("GPT4o")] == pytest.approx(-0.2756)


def test_accuracies() -> None:
    accuracy = CELLS.cell_weights @ CELLS.p
    printed = [.33, .42, .38, .56, .47, .57, .41, .60, .36, .60, .55, .57, .66, .73, .70, .69, .65]  # fmt: skip
    assert np.round(accuracy, 2).tolist() == printed
    assert accuracy.max() == pytest.approx(0.729, abs=5e-4)
    assert k.MODEL_IDS[accuracy.argmax()] == "Qwen2.5-VL-72B-Instruct"


@pytest.mark.parametrize(
    ("seen", "dataset", "accuracy"),
    [
        ((), False, 0.729),
        ((), True, 0.793),
        (TEXT_ATTRIBUTES, False, 0.821),
        (PICTURE_ATTRIBUTES, False, 0.812),
        (ATTRIBUTES, False, 0.861),
    ],
)
def test_restricted_bayes(seen: tuple[str, ...], dataset: bool, accuracy: float) -> None:
    assert CELLS.restricted_accuracy(seen, dataset=dataset) == pytest.approx(accuracy, abs=5e-4)


def test_product_of_focus_and_layout_matters_and_dataset_adds_nothing() -> None:
    assert CELLS.additive_accuracy() == pytest.approx(0.850, abs=5e-4)
    everything = CELLS.restricted_accuracy(ATTRIBUTES)
    assert CELLS.restricted_accuracy(ATTRIBUTES, dataset=True) == pytest.approx(everything)


def test_oracle() -> None:
    assert CELLS.oracle_accuracy() == pytest.approx(0.950, abs=5e-4)
    assert CELLS.oracle_accuracy(nodes=40) == pytest.approx(CELLS.oracle_accuracy(), abs=1e-4)


def test_costs_and_rank_scores() -> None:
    weights = CELLS.cell_weights
    cost = weights @ CELLS.cost
    per_thousand = dict(zip(k.MODEL_IDS, 1000 * cost, strict=True))
    assert per_thousand["Janus-Pro-1B"] == pytest.approx(0.016, abs=5e-4)
    assert per_thousand["GPT4o"] == pytest.approx(1.59, abs=5e-3)
    assert per_thousand["GeminiFlash2-5"] == pytest.approx(1.09, abs=5e-3)
    bounds = (float(cost.min()), float(cost.max()))
    single = rank_score(weights @ CELLS.p, cost, bounds)
    assert single.max() == pytest.approx(0.668, abs=5e-4)
    cell = np.arange(len(CELLS.p))
    best = CELLS.p.argmax(axis=1)
    assert 1000 * weights @ CELLS.cost[cell, best] == pytest.approx(0.545, abs=5e-4)
    frontier = []
    for price in [0.0, *np.logspace(0, 5, 200)]:
        choice = (CELLS.p - price * CELLS.cost).argmax(axis=1)
        accuracy, spent = weights @ CELLS.p[cell, choice], weights @ CELLS.cost[cell, choice]
        frontier.append(float(rank_score(accuracy, spent, bounds)))
    assert frontier[0] == pytest.approx(0.691, abs=5e-4)
    assert max(frontier) == pytest.approx(0.795, abs=5e-4)


def test_expected_length_is_the_mean_of_draws() -> None:
    table = expected_output_tokens(np.arange(3))
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(400_000)
    for column, sigma in ((k.MODEL_IDS.index("Janus-Pro-1B"), 0.5), (k.MODEL_IDS.index("MiMo-VL-7B-RL"), 0.6)):
        median = k.MODELS[column].output_median
        for depth in (0, 2):
            drawn = np.maximum(1, np.round(median * np.exp(0.35 * depth + sigma * noise)))
            assert table[depth, column] == pytest.approx(drawn.mean(), rel=5 * sigma / np.sqrt(len(noise)) * 2)
