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


@pytest.mark.parametrize("n", [0, 1, 3, 5, 6, 7, 8, 9])
@pytest.mark.parametrize("devices", [1, 2, 3])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_devices_share_each_batch(n, devices, batch_size):
    samplers = [EpochBatches(range(n), batch_size, 4, devices, rank) for rank in range(devices)]
    shares = [[batch.tolist() for batch in sampler] for sampler in samplers]
    assert {len(sampler) for sampler in samplers} == {len(share) for share in shares} == {len(shares[0])}
    batches = [[i for part in parts for i in part] for parts in zip(*shares, strict=True)]  # seen together
    assert sorted(i for batch in batches for i in batch) == list(range(n))  # every sample once, none twice
    assert all(len(batch) == max(batch_size, devices) for batch in batches[:-1])
    if n >= devices:
        assert all(batch for share in shares for batch in share)  # no device waits with nothing to do


def test_devices_together_see_what_one_device_would():
    alone = EpochBatches(range(12), 5, seed=4)
    shared = [EpochBatches(range(12), 5, 4, 2, rank) for rank in range(2)]
    for sampler in (alone, *shared):
        sampler.set_epoch(9)
    for whole, *parts in zip(alone, *shared, strict=True):  # batches of 5, 5 and 2 are cut 3 + 2, 3 + 2 and 1 + 1
        assert sorted(torch.cat(parts).tolist()) == sorted(whole.tolist())
        assert [len(part) for part in parts] == [-(-len(whole) // 2), len(whole) // 2]


def test_a_remainder_too_small_to_share_joins_the_batch_before():
    sizes = [[len(batch) for batch in EpochBatches(range(9), 4, None, 3, rank)] for rank in range(3)]
    assert sizes == [[2, 2], [1, 2], [1, 1]]  # 4 + 5 samples, not 4 + 4 + 1


def test_batches_cut_the_order():
    assert [batch.tolist() for batch in EpochBatches(range(5), 2)] == [[0, 1], [2, 3], [4]]
    assert len(EpochBatches(range(5), 2)) == 3
