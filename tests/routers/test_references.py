"""The five reference routers, by hand."""

import numpy as np
import pytest
import torch

from vlrb.data.spec import DataSpec
from vlrb.data.tradeoff import TradeOff
from vlrb.metrics.baselines import best_single, oracle_decision
from vlrb.metrics.bounds import CostBounds
from vlrb.routers.base import TrainingArrays
from vlrb.routers.references import (
    CheapestGlobalRouter,
    OracleRouter,
    RandomRouter,
    StrongestGlobalRouter,
    StrongestPerDatasetRouter,
)

NAN = float("nan")

BOUNDS = CostBounds(1e-5, 1e-3, "x")


def spec(costs=(3e-4, 1e-4, 2e-4), seed=0) -> DataSpec:
    ids = tuple("ABCDEFGH"[: len(costs)])
    return DataSpec(ids, ("one", "two", "three"), 0, tuple(costs), TradeOff(0.5, cost_scale=1e4), BOUNDS, seed, "x")


def arrays(Y, C=None, dataset=None) -> TrainingArrays:
    Y = torch.tensor(Y)
    n, m = Y.shape
    C = torch.tensor([3e-4, 1e-4, 2e-4]).repeat(n, 1) if C is None else torch.tensor(C)
    codes = torch.zeros(n, dtype=torch.int64) if dataset is None else torch.tensor(dataset)
    return TrainingArrays(torch.empty(n, 0), torch.zeros(n, m), torch.ones(n), Y, C, codes)


def batch(n=2, **columns):
    return {"index": torch.arange(n), **columns}


def test_oracle_takes_the_cheapest_correct_then_the_cheapest():
    Y = torch.tensor([[1.0, 0, 1], [0, 0, 0], [0.6, 0.4, 0.2], [NAN, NAN, 1]])
    C = torch.tensor([[3.0, 1, 2], [3, 1, 2], [3, 1, 2], [1, 2, 3]])
    router = OracleRouter().bind(spec())
    assert router.decide(router(batch(4, Y=Y, C=C))).tolist() == [2, 1, 0, 2]


def test_oracle_against_a_plain_loop():
    rng = np.random.default_rng(0)
    Y = rng.choice([0, 0.4, 0.5, 1], size=(300, 3)).astype(np.float32)
    C = rng.choice([1e-4, 2e-4, 3e-4], size=(300, 3)).astype(np.float32)  # many cost ties
    router = OracleRouter().bind(spec())
    got = router.decide(router(batch(300, Y=torch.from_numpy(Y), C=torch.from_numpy(C)))).tolist()
    for i, column in enumerate(got):
        correct = [m for m in range(3) if Y[i, m] >= 0.5] or [0, 1, 2]
        lowest = min(C[i, m] for m in correct)
        tied = [m for m in correct if C[i, m] == lowest]
        assert column == min(tied, key=lambda m: (3e-4, 1e-4, 2e-4)[m])  # ties: lower mean training cost


def test_strongest_global_counts_correct_not_quality():
    """B: 0.5, 0.5 → 2 correct of 2; A: 1, 0.4 → 1 of 2, though its mean quality (0.7) is higher than B's (0.5)."""
    router = StrongestGlobalRouter().bind(spec())
    router.fit_arrays(arrays([[1.0, 0.5, 0.0], [0.4, 0.5, 0.0]]))
    assert router(batch())[0].tolist() == [0.5, 1.0, 0.0]
    assert router.decide(router(batch())).tolist() == [1, 1]


def test_strongest_global_ties_go_to_the_cheaper():
    router = StrongestGlobalRouter().bind(spec())
    router.fit_arrays(arrays([[1.0, 0.0, 1.0]]))
    assert router.decide(router(batch(1))).tolist() == [2]  # A costs 3, C costs 2


def test_cheapest_global_takes_the_lowest_mean_cost():
    router = CheapestGlobalRouter().bind(spec())
    router.fit_arrays(arrays([[1.0, 0.0, 1.0]]))
    assert router.decide(router(batch())).tolist() == [1, 1]


def test_references_are_those_of_the_metrics():
    """The routers and `metrics.baselines` must never disagree on what is strongest or hindsight-best."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        Y = rng.choice([0, 0.5, 1], size=(12, 3)).astype(np.float32)
        C = rng.uniform(1e-4, 1e-3, (12, 3)).astype(np.float32)
        bound = spec(costs=tuple(C.astype(np.float64).mean(axis=0)))
        strongest = StrongestGlobalRouter().bind(bound)
        strongest.fit_arrays(arrays(Y.tolist(), C.tolist()))
        assert strongest.decide(strongest(batch(1))).item() == best_single(Y, C)
        oracle = OracleRouter().bind(bound)
        seen = batch(12, Y=torch.from_numpy(Y), C=torch.from_numpy(C))
        assert oracle.decide(oracle(seen)).tolist() == oracle_decision(Y, C).tolist()


def test_a_model_without_any_cost_is_never_the_cheapest():
    router = CheapestGlobalRouter().bind(spec(costs=(float("inf"), 2e-4, 3e-4)))
    router.fit_arrays(arrays([[1.0, 0.0, 1.0]]))
    assert router.decide(router(batch(1))).tolist() == [1]


def test_strongest_per_dataset_and_unseen_datasets():
    """Dataset 0: A 1/1. Dataset 1: B 2/2. Overall: A 1/3, B 2/3, C 0/3. Dataset 2 and unknown (−1): overall, so B."""
    router = StrongestPerDatasetRouter().bind(spec())
    router.fit_arrays(arrays([[1.0, 0, 0], [0, 1, 0], [0, 1, 0]], dataset=[0, 1, 1]))
    out = router(batch(4, dataset=torch.tensor([0, 1, 2, -1])))
    assert router.decide(out).tolist() == [0, 1, 1, 1]
    torch.testing.assert_close(out[3], torch.tensor([1 / 3, 2 / 3, 0.0]))


def test_a_model_unseen_on_a_dataset_is_judged_overall():
    """On dataset 0 nothing is known of B; its overall 1.0 stands, above A's 0.5 there."""
    router = StrongestPerDatasetRouter().bind(spec())
    router.fit_arrays(arrays([[1.0, NAN, 0], [0.0, NAN, 0], [0, 1, 0]], dataset=[0, 0, 1]))
    assert router(batch(1, dataset=torch.tensor([0])))[0].tolist() == [0.5, 1.0, 0.0]


def test_random_is_near_uniform_and_depends_on_the_seed():
    keys = torch.from_numpy(np.random.default_rng(0).integers(-(2**62), 2**62, 3000))
    chosen = [RandomRouter().bind(spec(seed=s))(batch(3000, sample_key=keys)).argmax(dim=1) for s in (0, 1)]
    counts = torch.bincount(chosen[0], minlength=3)
    assert ((counts - 1000).abs() < 4 * (3000 * 2 / 9) ** 0.5).all()  # 4 sd of a count: sqrt(3000 · 1/3 · 2/3) = 25.8
    assert (chosen[0] == chosen[1]).float().mean() == pytest.approx(1 / 3, abs=0.05)
