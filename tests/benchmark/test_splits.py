import hashlib
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from vlrb.benchmark.splits import Splitter, hash_fraction, sample_groups
from vlrb.utils.errors import ConfigError


def frame(rows):
    """rows: (sample_id, picture hashes, split key)."""
    return pd.DataFrame(
        {
            "sample_id": [sample_id for sample_id, _, _ in rows],
            "dataset": [sample_id.split("/")[0] for sample_id, _, _ in rows],
            "images": [[{"content_hash": name} for name in names] for _, names, _ in rows],
            "split_key": [key for _, _, key in rows],
        }
    )


def random_frame(seed, count, pictures, datasets=3):
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        names = [f"h{k}" for k in rng.integers(0, pictures, rng.integers(0, 3))]
        key = f"k{rng.integers(0, pictures)}" if rng.random() < 0.2 else ""
        rows.append((f"D{rng.integers(0, datasets)}/{i}", names, key))
    return frame(rows)


def brute_force_groups(samples):
    """Merge sets of related samples until nothing changes."""
    links = [
        {("p", p["content_hash"]) for p in images} | ({("k", key)} if key else set())
        for images, key in zip(samples["images"], samples["split_key"], strict=True)
    ]
    group = list(range(len(links)))
    changed = True
    while changed:
        changed = False
        for i in range(len(links)):
            for j in range(i):
                if links[i] & links[j] and group[i] != group[j]:
                    low, high = sorted((group[i], group[j]))
                    group = [low if g == high else g for g in group]
                    changed = True
    return group


def test_groups_by_hand():
    samples = frame(
        [
            ("A/0", ["p"], ""),
            ("A/1", ["q"], ""),
            ("B/0", ["p", "r"], ""),  # with A/0 by p, across datasets
            ("B/1", [], "key"),
            ("B/2", ["q"], "key"),  # joins A/1 and B/1
            ("B/3", [], ""),
            ("B/4", [None, ""], None),  # nothing known about its pictures: alone
        ]
    )
    group, keys = sample_groups(samples)
    assert group.tolist() == [0, 1, 0, 1, 1, 2, 3]
    assert keys == ["picture:p", "key:key", "sample:B/3", "sample:B/4"]


@pytest.mark.parametrize("seed", range(4))
def test_groups_against_brute_force(seed):
    samples = random_frame(seed, 80, pictures=60)
    group, _ = sample_groups(samples)
    slow = brute_force_groups(samples)
    assert len(set(zip(group, slow, strict=True))) == len(set(group)) == len(set(slow))


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_no_group_lies_in_two_splits(seed, exact):
    samples = random_frame(seed, 600, pictures=400)
    split = Splitter(seed=seed, exact=exact).assign(samples)
    assert split["sample_id"].tolist() == samples["sample_id"].tolist()
    assert (split.groupby("split_group")["split"].nunique() == 1).all()
    where = {}
    for images, side in zip(samples["images"], split["split"], strict=True):
        for picture in images:
            assert where.setdefault(picture["content_hash"], side) == side


def test_the_draw_is_the_stated_hash():
    digest = hashlib.sha256(b"5|picture:p").hexdigest()
    assert hash_fraction(5, "picture:p") == int(digest, 16) / 2**256
    rows = [(f"A/{i}", [f"h{i}"], "") for i in range(300)]
    split = Splitter(train=0.5, dev=0.2, test=0.3, seed=5).assign(frame(rows))["split"]
    for i, side in enumerate(split):
        u = hash_fraction(5, f"picture:h{i}")
        assert side == ("test" if u < 0.3 else "dev" if u < 0.5 else "train")


def test_adding_samples_moves_no_group():
    old = random_frame(1, 400, pictures=900)
    more = [(f"D0/new{i}", [f"new{i}"], "") for i in range(200)]
    # New questions about known pictures, with ids that sort before all others.
    more += [(f"A/{i}", [images[0]["content_hash"]], "") for i, images in enumerate(old["images"][:100]) if images]
    new = pd.concat([frame(more), old]).sample(frac=1.0, random_state=0)
    before = Splitter(seed=3).assign(old).set_index("sample_id")["split"]
    after = Splitter(seed=3).assign(new).set_index("sample_id")["split"]
    assert (after[before.index] == before).all()


def test_shares_are_near_the_target_for_many_groups():
    rows = [(f"A/{i}", [f"h{i}"], "") for i in range(20_000)]
    shares = Splitter().assign(frame(rows))["split"].value_counts(normalize=True)
    # sd of a share of .2 over 20,000 groups is sqrt(.2 · .8 / 20000) = .0028
    assert shares["test"] == pytest.approx(0.2, abs=0.012)
    assert shares["dev"] == pytest.approx(0.1, abs=0.009)
    assert shares["train"] == pytest.approx(0.7, abs=0.013)


def test_seeds_differ_and_repeat():
    samples = random_frame(0, 300, pictures=300)
    one, again, other = (Splitter(seed=seed).assign(samples)["split"] for seed in (0, 0, 1))
    assert one.tolist() == again.tolist()
    assert one.tolist() != other.tolist()


def test_exact_meets_the_quotas_of_every_dataset():
    rows = [
        (f"{name}/{i}", [f"{name}{i}"], "") for name, count in (("A", 50), ("B", 30), ("C", 7)) for i in range(count)
    ]
    samples = frame(rows)
    split = Splitter(exact=True, seed=2).assign(samples)["split"]
    counts = {name: Counter(split[samples["dataset"] == name]) for name in "ABC"}
    assert counts["A"] == {"train": 35, "dev": 5, "test": 10}
    assert counts["B"] == {"train": 21, "dev": 3, "test": 6}
    assert counts["C"] == {"train": 5, "dev": 1, "test": 1}  # quotas round(1.4) = 1 and round(2.1) = 2
    assert split.tolist() != Splitter(exact=True, seed=3).assign(samples)["split"].tolist()


def test_exact_with_large_groups_is_as_near_as_whole_groups_allow():
    rows = [(f"A/{g}-{i}", [f"h{g}"], "") for g in range(40) for i in range(5)]
    shares = Splitter(exact=True).assign(frame(rows))["split"].value_counts()
    assert shares.to_dict() == {"train": 140, "dev": 20, "test": 40}


def test_an_empty_benchmark_and_a_single_sample():
    assert Splitter().assign(frame([])).empty
    assert Splitter(exact=True).assign(frame([("A/0", [], "")]))["split"].tolist() == ["train"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": 0.8}, "must be 1, not 1.1"),
        ({"train": 1.0, "dev": 0.0, "test": 0.0}, "split.train must be between"),
        ({"train": 1.1, "dev": -0.2, "test": 0.1}, "split.train"),
        ({"seed": -1}, "split.seed"),
        ({"name": "a/b"}, "file name"),
    ],
)
def test_settings_out_of_range_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        Splitter(**options)
