import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vlrb.benchmark.likeness.marks import Mark, perceptual_hash
from vlrb.benchmark.likeness.table import PictureTable, as_frame
from vlrb.benchmark.splits import KFold, LeaveDatasetOut, ReferenceSplit, Splitter, related_pictures, sample_groups
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


def one_each(datasets, count):
    return frame([(f"{name}/{i}", [f"{name}{i}"], "") for name in datasets for i in range(count)])


def looks(shapes):
    """A picture table: content hash → number of the scene that it shows (slightly brighter each time)."""
    rows = []
    for k, (name, scene) in enumerate(sorted(shapes.items())):
        cells = np.random.default_rng(scene).integers(0, 200, (8, 8, 3), dtype=np.uint8)
        cells = np.asarray(Image.fromarray(cells).resize((32, 32))) + np.uint8(k % 7)
        found = Mark(f"pixels {name}", 64, 64, perceptual_hash(cells), cells.tobytes())
        rows.append({"content_hash": name, "problem": "", **found._asdict()})
    return PictureTable(as_frame(rows))


ROWS = [("A/0", ["p"], ""), ("A/1", ["q"], ""), ("B/0", ["r", "s"], ""), ("B/1", ["t"], "key"), ("B/2", [], "key")]


def test_near_duplicates_join_groups_and_change_no_other_key():
    samples = frame(ROWS)
    assert sample_groups(samples).keys == ["picture:p", "picture:q", "picture:r", "key:key"]
    # p and s show scene 1, q and t show scene 2: A/0 – B/0 and A/1 – B/1 – B/2
    found = sample_groups(samples, related_pictures(looks({"p": 1, "q": 2, "r": 3, "s": 1, "t": 2})))
    assert found.of_sample.tolist() == [0, 1, 0, 1, 1]
    assert found.keys == ["picture:p", "key:key"]


def test_pictures_of_no_sample_and_unreadable_ones_relate_nothing():
    pictures = looks({"p": 1, "elsewhere": 1, "q": 2})
    pictures = PictureTable(pictures.frame.assign(problem=["", "", "damaged"]))
    assert sample_groups(frame(ROWS), related_pictures(pictures)).of_sample.tolist() == [0, 1, 2, 3, 3]
    nothing = "cae66941d9efbd404e4d88758ea67670"  # BLAKE2b of no bytes: pictures whose cell is no base64
    lost = frame([("A/0", [nothing], ""), ("A/1", [nothing], "")])
    assert sample_groups(lost).of_sample.tolist() == [0, 1]


def test_near_duplicates_can_be_left_out():
    pictures = looks({"p": 1, "q": 1, "r": 2, "s": 3, "t": 4})
    joined = Splitter().assign(frame(ROWS), pictures)["split_group"].tolist()
    apart = Splitter(near_duplicates=False).assign(frame(ROWS), pictures)["split_group"].tolist()
    assert (joined, apart) == ([0, 0, 1, 2, 2], [0, 1, 2, 3, 3])


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=25), st.lists(st.integers(0, 12), max_size=8), st.integers(0, 5)
)
@settings(max_examples=60, deadline=None)
def test_growth_moves_only_groups_that_a_new_sample_joins(scenes, new_scenes, seed):
    """Samples show scenes, each in a file of its own; new samples come, some with known scenes, some with new ones."""

    def named(scenes, prefix):
        return {f"{prefix}{i:02d}": scene for i, scene in enumerate(scenes)}

    old, new = named(scenes, "m"), named(new_scenes, "a")  # the new hashes sort before all old ones: the worst case
    rows = [(f"D{scene % 2}/{name}", [name], "") for name, scene in {**old, **new}.items()]
    rules = (Splitter(seed=seed), KFold(seed=seed, folds=3))
    for rule in rules:
        before = rule.assign(frame(rows[: len(old)]), looks(old))["split"].tolist()
        after = rule.assign(frame(rows), looks({**old, **new}))["split"].tolist()[: len(old)]
        moved = {scene for scene, a, b in zip(scenes, before, after, strict=True) if a != b}
        assert moved <= set(new_scenes)


def test_the_reference_split_is_the_published_rule():
    ids = [f"{name}/{i}" for name in "BA" for i in range(57)]
    samples = frame([(sample_id, [], "") for sample_id in ids])
    order = sorted(ids)
    np.random.seed(42)
    np.random.shuffle(order)
    train, dev = int(0.7 * 114), int(0.1 * 114)  # 79 and 11, 24 left
    expected = dict.fromkeys(order[:train], "train") | dict.fromkeys(order[train : train + dev], "dev")
    expected |= dict.fromkeys(order[train + dev :], "test")
    split = ReferenceSplit().assign(samples)
    assert dict(zip(split["sample_id"], split["split"], strict=True)) == expected
    assert split["split"].value_counts().to_dict() == {"train": 79, "dev": 11, "test": 24}
    shuffled = samples.sample(frac=1, random_state=1)
    again = ReferenceSplit().assign(shuffled).set_index("sample_id")["split"]
    assert again.to_dict() == expected


def test_the_reference_split_parts_related_samples_and_records_their_groups():
    samples = frame([(f"A/{i}", [f"h{i // 4}"], "") for i in range(200)])
    split = ReferenceSplit().assign(samples)
    assert split["split_group"].tolist() == [i // 4 for i in range(200)]
    assert (split.groupby("split_group")["split"].nunique() > 1).sum() > 25


def test_a_held_out_dataset_is_test_and_nothing_related_to_it_is_trained_on():
    rows = [(f"{name}/{i}", [f"{name}{i}"], "") for name in "ABC" for i in range(200)]
    rows += [("A/x", ["B7"], ""), ("C/y", ["new"], "k"), ("A/z", ["new"], ""), ("B/k", [], "k")]
    split = LeaveDatasetOut(holdout=["B"]).assign(frame(rows)).set_index("sample_id")["split"]
    assert set(split[[i.startswith("B/") for i in split.index]]) == {"test"}
    assert (split != "test").sum() == 403  # 400 of A and C, and A/x, C/y, A/z
    # A/x shows a picture of B; C/y has a key of B; A/z shows the picture of C/y
    assert sorted(split.index[split == "unused"]) == ["A/x", "A/z", "C/y"]
    shares = split[split.isin(["train", "dev"])].value_counts(normalize=True)
    assert shares["dev"] == pytest.approx(0.125, abs=0.05)  # sd over 400 groups: .017


def test_held_out_datasets_have_near_duplicates_elsewhere():
    samples = frame([("A/0", ["p"], ""), ("B/0", ["q"], ""), ("A/1", ["r"], "")])
    split = LeaveDatasetOut(holdout="B").assign(samples, looks({"p": 1, "q": 1, "r": 2}))
    assert split["split"].tolist()[:2] == ["unused", "test"]
    assert split["split"].iloc[2] in ("train", "dev")


def test_unknown_datasets_to_hold_out_are_named():
    samples = one_each(["MathVista_MINI", "DocVQA_VAL"], 3)
    with pytest.raises(ConfigError, match="no dataset 'MathVista_MIN'") as error:
        LeaveDatasetOut(holdout=["MathVista_MIN"]).assign(samples)
    assert "did you mean 'MathVista_MINI'" in error.value.hint
    with pytest.raises(ConfigError, match="every dataset"):
        LeaveDatasetOut(holdout=["MathVista_MINI", "DocVQA_VAL"]).assign(samples)


@pytest.mark.parametrize("folds", [2, 5])
def test_folds_are_a_partition_of_whole_groups(folds):
    samples = frame([(f"A/{i}", [f"h{i // 3}"], "") for i in range(900)])
    tested = np.zeros(900, dtype=int)
    devs = []
    for fold in range(folds):
        split = KFold(folds=folds, fold=fold, seed=1).assign(samples)
        assert (split.groupby("split_group")["split"].nunique() == 1).all()
        tested += split["split"] == "test"
        devs.append(set(split.index[split["split"] == "dev"]))
        assert len(devs[-1]) / (split["split"] != "test").sum() == pytest.approx(0.125, abs=0.07)
    assert tested.tolist() == [1] * 900
    assert devs[0] != devs[1]  # each fold chooses on other samples


def test_every_rule_takes_no_samples_but_the_one_that_needs_a_dataset():
    for rule in (ReferenceSplit(), KFold(), Splitter(exact=True)):
        assert rule.assign(frame([])).empty


LABELS = {
    "grouped": Splitter(),
    "grouped_exact": Splitter(exact=True),
    "mine_exact": Splitter("mine", exact=True),
    "reference": ReferenceSplit(),
    "leave_dataset_out-A": LeaveDatasetOut(holdout="A"),
    "kfold-0of5": KFold(),
    "kfold-2of3": KFold(folds=3, fold=2),
}


def test_labels_say_what_a_split_is():
    assert {label: rule.label for label, rule in LABELS.items()} == {label: label for label in LABELS}
    assert Splitter("grouped_exact", exact=True).label == "grouped_exact"


def test_different_settings_never_share_a_file_and_seeds_have_their_own():
    rules = [
        *LABELS.values(),
        Splitter(train=0.6, dev=0.2),
        Splitter(train=0.5, dev=0.3),
        Splitter(near_duplicates=False),
        Splitter("grouped_exact", exact=False),
        Splitter(near_duplicates=False, exact=True),
        ReferenceSplit(train=0.8),
        LeaveDatasetOut(holdout=["A"], dev=0.2),
        LeaveDatasetOut(holdout=["A", "B"]),
        LeaveDatasetOut(holdout=["A/B"]),
        LeaveDatasetOut(holdout=["A", "C"]),
        KFold(dev=0.2),
    ]
    assert len({rule.label for rule in rules}) == len(rules)
    assert LeaveDatasetOut(holdout=["B", "A", "A"]).label == LeaveDatasetOut(holdout=["A", "B"]).label
    assert KFold(seed=1).label == KFold().label  # the seed is a part of the file name of its own


@pytest.mark.parametrize(
    ("rule", "options", "message"),
    [
        (KFold, {"folds": 1}, "split.folds"),
        (KFold, {"folds": 2.5}, "split.folds"),
        (KFold, {"fold": 5}, "0 … 4, not 5"),
        (KFold, {"fold": -1}, "split.fold must"),
        (KFold, {"dev": 0}, "split.dev"),
        (KFold, {"seed": 1.5}, "split.seed"),
        (LeaveDatasetOut, {}, "split.holdout names no dataset"),
        (LeaveDatasetOut, {"holdout": []}, "split.holdout"),
        (LeaveDatasetOut, {"holdout": "A", "dev": 1}, "split.dev"),
        (ReferenceSplit, {"train": 0.9, "dev": 0.1}, "below 1"),
        (ReferenceSplit, {"seed": 2**32}, "2³²"),
        (Splitter, {"train": "most"}, "split.train"),
    ],
)
def test_settings_out_of_range_are_refused(rule, options, message):
    with pytest.raises(ConfigError, match=message):
        rule(**options)
