"""The shells: batches add up, devices add up, and the figures are those of the pure functions."""

import numpy as np
import pytest
import torch

from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.means import accuracy, mean_cost
from vlrb.metrics.rank_score import rank_score
from vlrb.metrics.torchmetrics_shells import RoutingAccuracy, RoutingCost, RoutingRankScore

BOUNDS = CostBounds(0.1, 0.9, "h")


@pytest.fixture(scope="module")
def data() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    return (
        torch.randint(0, 4, (101,), generator=rng),
        torch.rand(101, 4, generator=rng),
        torch.rand(101, 4, generator=rng),
    )


def test_batches_give_the_figures_of_the_pure_functions(data: tuple[torch.Tensor, ...]) -> None:
    decision, Y, C = data
    right, cost, score = RoutingAccuracy(), RoutingCost(), RoutingRankScore(BOUNDS)
    for rows in torch.arange(101).split(17):
        right.update(decision[rows], Y[rows])
        cost.update(decision[rows], C[rows])
        score.update(decision[rows], Y[rows], C[rows])
    rows = np.arange(101)
    quality, dollars = Y.numpy()[rows, decision], C.double().numpy()[rows, decision]
    a, c = accuracy(quality).value, mean_cost(dollars).value
    assert right.compute().item() == a
    assert cost.compute().item() == pytest.approx(c, rel=1e-12)
    assert score.compute().item() == pytest.approx(rank_score(a, c, BOUNDS).value, rel=1e-12)


def test_states_of_two_devices_sum_to_the_whole(data: tuple[torch.Tensor, ...]) -> None:
    decision, Y, C = data
    whole, parts = RoutingRankScore(BOUNDS), [RoutingRankScore(BOUNDS) for _ in range(2)]
    whole.update(decision, Y, C)
    parts[0].update(decision[:40], Y[:40], C[:40])
    parts[1].update(decision[40:], Y[40:], C[40:])
    merged = RoutingRankScore(BOUNDS)
    for name in merged._defaults:
        assert merged._reductions[name] is not None  # a declared reduction is what DDP applies
        setattr(merged, name, sum(getattr(part, name) for part in parts))
    merged._update_count = 1
    assert merged.compute().item() == pytest.approx(whole.compute().item(), rel=1e-12)


def test_an_unknown_chosen_cell_makes_the_mean_undefined() -> None:
    Y, C = torch.tensor([[1.0, torch.nan], [1.0, 0.0]]), torch.ones(2, 2)
    for decision, known in ((torch.tensor([0, 1]), True), (torch.tensor([1, 1]), False)):
        metric = RoutingAccuracy()
        metric.update(decision, Y)
        assert metric.compute().isfinite().item() is known
    score = RoutingRankScore(CostBounds(1.0, 1.0, "h"))
    score.update(torch.tensor([0, 1]), Y, C)
    assert score.compute().isnan()


def test_directions() -> None:
    assert RoutingAccuracy.higher_is_better
    assert RoutingRankScore.higher_is_better
    assert RoutingCost.higher_is_better is False
