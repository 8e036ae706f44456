"""Orders and shares."""

import pytest
import torch

from vlrb.data.sampling import EpochBatches, derive_seed, epoch_order


def test_epoch_order_is_a_permutation_and_fixed_for_ever():
    order = epoch_order(7, seed=0, epoch=0)
    assert sorted(order.tolist()) == list(range(7))
    assert order.tolist() == epoch_order(7, seed=0, epoch=0).tolist()
    assert epoch_order(100, 0, 1).tolist() != epoch_order(100, 0, 2).tolist()
    assert epoch_order(100, 1, 0).tolist() != epoch_order(100, 0, 1).tolist()


def test_derived_seeds_are_distinct_and_in_range():
    seeds = {derive_seed("x", a, b) for a in range(50) for b in range(50)}
    assert len(seeds) == 2500
    assert all(0 <= s < 2**63 for s in seeds)


@pytest.mark.parametrize("n", [0, 1, 5, 6, 7])
@pytest.mark.parametrize("devices", [1, 2, 3])
@pytest.mark.parametrize("even", [False, True])
def test_devices_share_an_epoch(n, devices, even):
    samplers = [EpochBatches(range(n), 2, 4, devices, rank, even=even) for rank in range(devices)]
    shares = [s.order().tolist() for s in samplers]
    assert [len(s) for s in samplers] == [len(list(s)) for s in samplers]
    visited = [i for share in shares for i in share]
    assert set(visited) == set(range(n))
    if even:
        assert len({len(share) for share in shares}) == 1
    else:
        assert len(visited) == n


def test_devices_together_see_what_one_device_would():
    alone = EpochBatches(range(12), 5, seed=4)
    shared = [EpochBatches(range(12), 5, 4, 3, rank) for rank in range(3)]
    for sampler in (alone, *shared):
        sampler.set_epoch(9)
    woven = torch.stack([s.order() for s in shared], dim=1).reshape(-1)
    assert woven.tolist() == alone.order().tolist()


def test_batches_cut_the_order():
    assert [batch.tolist() for batch in EpochBatches(range(5), 2)] == [[0, 1], [2, 3], [4]]
    assert len(EpochBatches(range(5), 2)) == 3
