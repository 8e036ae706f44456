"""What the integrity report finds between splits, and how pictures take part in a build."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vlrb.benchmark.build import stale_parts
from vlrb.benchmark.integrity import samples as sample_checks
from vlrb.benchmark.integrity import splits as split_checks
from vlrb.benchmark.integrity.copycat import copycat
from vlrb.benchmark.integrity.findings import Subject
from vlrb.benchmark.likeness import table
from vlrb.benchmark.likeness.marks import THUMBNAIL_BYTES
from vlrb.benchmark.likeness.table import PictureTable, as_frame
from vlrb.benchmark.splits import LeaveDatasetOut, ReferenceSplit, Splitter
from vlrb.utils.errors import DataError


def picture_rows(hashes, same=()):
    """Blank pictures with given perceptual hashes; names listed in `same` have equal pixels."""
    return PictureTable(
        as_frame(
            [
                {
                    "content_hash": name,
                    "problem": "",
                    "pixel_hash": "same" if name in same else name,
                    "width": 8,
                    "height": 8,
                    "phash": value,
                    "thumbnail": bytes(THUMBNAIL_BYTES),
                }
                for name, value in sorted(hashes.items())
            ]
        )
    )


def subject(rows, pictures=None, rule=None, Y=None):
    """rows: (sample_id, picture hashes, split key, split); every sample is its own recorded group."""
    samples = pd.DataFrame(
        {
            "sample_id": [row[0] for row in rows],
            "dataset": [row[0].split("/")[0] for row in rows],
            "images": [[{"content_hash": name, "width": 8} for name in row[1]] for row in rows],
            "split_key": [row[2] for row in rows],
        }
    )
    counts = pd.DataFrame({"pictures": [len(row[1]) for row in rows]})
    split = pd.DataFrame({"split": [row[3] for row in rows], "split_group": np.arange(len(rows))})
    bench = SimpleNamespace(samples=samples, sample_tokens=counts, Y=Y)
    return Subject(bench, None, split, rule or Splitter(), pictures)


LEAKY = [
    ("A/0", ["p"], "", "train"),
    ("A/1", ["q"], "", "test"),  # q has the pixels of p
    ("A/2", ["r"], "k", "train"),
    ("A/3", ["s"], "k", "dev"),
    ("A/4", ["t"], "", "test"),
]


@pytest.mark.parametrize(("rule", "level"), [(Splitter(), "error"), (ReferenceSplit(), "warning")])
def test_related_samples_in_two_splits(rule, level):
    s = subject(LEAKY, picture_rows(dict.fromkeys("pqrst", 0), same="pq"), rule)
    (found,) = split_checks.related(s)
    assert (found.level, found.count) == (level, 2)  # p – q, and the key k; the recorded groups are one sample each
    assert found.samples == ["A/0", "A/1", "A/2", "A/3"]
    assert "(1 samples of test among them)" in found.message
    (near,) = split_checks.near_duplicates(s)
    assert (near.level, near.count, near.samples) == (level, 1, ["A/0", "A/1"])


def test_recorded_groups_that_part():
    s = subject([(*row[:3], "train") for row in LEAKY[:2]] + [("A/9", ["z"], "", "test")])
    s.split["split_group"] = [0, 1, 1]
    (found,) = split_checks.related(s)
    assert "recorded groups" in found.message
    assert found.samples == ["A/1", "A/9"]


def test_near_duplicates_within_train_are_no_leak():
    rows = [("A/0", ["p"], "", "train"), ("A/1", ["q"], "", "train"), ("A/2", ["r"], "", "test")]
    s = subject(rows, picture_rows(dict.fromkeys("pqr", 0), same="pq"))
    assert list(split_checks.near_duplicates(s)) == list(split_checks.related(s)) == []


def test_unused_samples_are_no_leak_and_are_counted():
    rows = [
        ("A/0", ["p"], "", "unused"),
        ("B/0", ["p"], "", "test"),
        ("A/1", ["q"], "", "train"),
        ("A/2", [], "", "dev"),
    ]
    s = subject(rows, rule=LeaveDatasetOut(holdout="B"))
    assert list(split_checks.related(s)) == []
    (found,) = split_checks.sizes(s)
    assert (found.level, found.count, found.samples) == ("note", 1, ["A/0"])


def test_a_split_that_does_not_exist_and_an_empty_one():
    s = subject([("A/0", [], "", "train"), ("A/1", [], "", "validation"), ("A/2", [], "", "test")])
    assert [(f.level, f.count, f.samples) for f in split_checks.sizes(s)] == [
        ("warning", 1, []),  # dev
        ("error", 1, ["A/1"]),
    ]


def test_large_groups_are_warned_of_and_the_largest_is_named():
    rows = [(f"A/{i}", [], "big" if i < 30 else "", "train") for i in range(400)]  # 30 of 400 are 7.5 %
    rows += [(f"B/{i}", [], "", "train") for i in range(400)]  # and 3.75 % of all
    s = subject(rows)
    (found,) = split_checks.large_groups(s)
    assert (found.level, found.count) == ("warning", 1)
    assert "5% of A, the largest 8%" in found.message
    assert found.samples == [f"A/{i}" for i in range(5)]
    largest = split_checks.largest_group(s)
    assert (largest["key"], largest["samples"], largest["datasets"]) == ("key:big", 30, "A")
    small = subject([(f"A/{i}", [], "k" if i < 24 else "", "train") for i in range(100)])
    assert list(split_checks.large_groups(small)) == []  # 24 samples are few, though 24 %


def test_copying_by_hand():
    """Models x, y, z. Train: x is right on A/0, y on A/1 and A/2, z never: y is the best single model.

    Test B/0 has the hash of A/0 (0) but for a bit, B/1 is nearest to A/1 (255), B/2 shows the very picture of A/0.
    Copied: x, y, x. Right are x on B/0, z on B/1, x on B/2: 2/3. B/2 may not copy A/0 (its group), so it copies A/2
    (hash 3, at 2 bits; A/1 is at 8), which says y: wrong. Without the group: 1/3. Always y: 0.
    """
    rows = [
        ("A/0", ["p"], "", "train"),
        ("A/1", ["q"], "", "train"),
        ("A/2", ["r"], "", "train"),
        ("B/0", ["s"], "", "test"),
        ("B/1", ["t"], "", "test"),
        ("B/2", ["p"], "", "test"),
        ("B/3", [], "", "test"),  # no picture: not counted
    ]
    pictures = picture_rows({"p": 0, "q": 255, "r": 3, "s": 1 << 60, "t": 127})
    right = {"A/0": "x", "A/1": "y", "A/2": "y", "B/0": "x", "B/1": "z", "B/2": "x", "B/3": "y"}
    Y = np.array([[right[row[0]] == model for model in "xyz"] for row in rows], dtype=np.float32)
    Y[0, 2] = np.nan  # unknown counts as wrong
    found = copycat(subject(rows, pictures, Y=Y))
    assert found == {
        "samples": 3,
        "accuracy": pytest.approx(2 / 3),
        "accuracy_without_group": pytest.approx(1 / 3),
        "gain": pytest.approx(1 / 3),
        "best_single": 0.0,
    }


def test_copying_falls_back_on_the_best_single_model():
    rows = [("A/0", ["p"], "", "train"), ("A/1", ["p"], "", "test")]
    Y = np.array([[0, 1], [0, 1]], dtype=np.float32)
    found = copycat(subject(rows, picture_rows({"p": 5}), Y=Y))  # no sample of another group to copy from
    assert (found["accuracy"], found["accuracy_without_group"], found["best_single"]) == (1.0, 1.0, 1.0)
    assert copycat(subject(rows[:1], picture_rows({"p": 5}), Y=Y[:1])) == {}
    assert copycat(subject(rows, None, Y=Y)) == {}


def test_what_can_be_said_of_pictures():
    pictures = picture_rows({"p": 0, "q": 0})
    pictures = PictureTable(pictures.frame.assign(problem=["", "x.tsv at byte 9: damaged"]))
    s = subject([("A/0", ["p"], "", "train"), ("A/1", ["q"], "", "test"), ("A/2", [""], "", "dev")], pictures)
    found = [(f.level, f.count, f.samples) for f in sample_checks.pictures(s)]
    assert found == [("warning", 1, ["A/2"]), ("warning", 1, ["A/1"])]
    assert "x.tsv at byte 9" in list(sample_checks.pictures(s))[-1].message
    unseen = list(sample_checks.pictures(subject([("A/0", ["p"], "", "train")])))
    assert [f.level for f in unseen] == ["note"]


def noise(seed):
    cells = np.random.default_rng(seed).integers(0, 255, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(cells).resize((96, 72), Image.Resampling.BICUBIC)


def test_the_same_picture_in_two_files_is_one_group(build, source):
    noise(0).save(source.root / "p.png")
    noise(0).resize((48, 36)).save(source.root / "q.png")  # A/0 and A/2 show p, A/1 shows q, B/0 shows q and r
    groups = build().split("grouped", 0)["split_group"].tolist()
    assert groups == [0, 0, 0, 0, 1, 2]
    apart = build(split=Splitter(near_duplicates=False))
    label = Splitter(near_duplicates=False).label
    assert apart.split(label, 0)["split_group"].tolist() == [0, 1, 0, 1, 2, 3]


def test_an_unreadable_picture_is_named_and_stops_nothing(build, root, source):
    (source.root / "s.png").write_bytes(b"damaged")
    build()
    report = json.loads((root / "reports/integrity.json").read_text())
    (found,) = [f for f in report["findings"] if "cannot be read" in f["message"]]
    assert (found["level"], found["count"], found["samples"]) == ("warning", 1, ["B/2"])
    assert "s.png at byte 0" in found["message"]
    with pytest.raises(DataError, match="integrity problems"):
        build(strict=True)


def test_a_build_decodes_new_pictures_only(build, root, source, monkeypatch):
    build()
    decoded = []
    real = table.marks.mark
    monkeypatch.setattr(table.marks, "mark", lambda data: decoded.append(data) or real(data))
    before = (root / "pictures.parquet").read_bytes()
    source.version = 2
    build()
    assert decoded == []
    assert (root / "pictures.parquet").read_bytes() == before
    build(split=Splitter(seed=1))
    (root / "pictures.parquet").write_bytes(b"cut short")
    build()
    assert len(decoded) == 4
    assert (root / "pictures.parquet").read_bytes() == before


def test_nothing_is_decoded_without_near_duplicates(build, root, source, choices):
    plain = Splitter(near_duplicates=False)
    assert "pictures" not in stale_parts(root, source, **{**choices, "split": plain})
    for path in source.root.glob("*.png"):
        path.write_bytes(b"damaged")
    source.fingerprint = lambda: {"version": 1, "damaged": True}
    bench = build(split=plain)
    assert not (root / "pictures.parquet").exists()
    assert bench.split(plain.label, 0)["split_group"].tolist() == [0, 1, 0, 1, 2, 3]


def test_strict_fails_for_the_leak_of_the_reference_split(build, source):
    source.quality["large"][5] = 1
    source.predictions["large"][5] = "Hello"
    rule = ReferenceSplit(train=0.4, dev=0.3, seed=0)  # 2, 1 and 3 samples
    report = build(split=rule).root / "reports/integrity.json"
    findings = json.loads(report.read_text())["findings"]
    assert {f["level"] for f in findings if f["check"] == "split"} == {"warning"}
    with pytest.raises(DataError, match="integrity problem"):
        build(split=rule, strict=True)


def test_less_than_is_published_is_a_warning(build, root, source):
    from vlrb.sources.base import Note

    read = source.read

    def with_note():
        found = read()
        found.notes.append(Note("incomplete", "A", "3 samples, 5 are published", 2))
        return found

    source.read = with_note
    build()
    report = json.loads((root / "reports/integrity.json").read_text())
    (found,) = [f for f in report["findings"] if f["check"] == "counts"]
    assert (found["level"], found["count"]) == ("warning", 2)
    assert "A: 3 samples, 5 are published" in found["message"]


def test_a_benchmark_without_pictures(build, root, source, monkeypatch):
    samples = source._samples
    monkeypatch.setattr(source, "_samples", lambda: samples().assign(images=[[]] * 6))
    assert build().split("grouped", 0)["split_group"].tolist() == list(range(6))
    report = json.loads((root / "reports/integrity.json").read_text())
    assert report["split"]["copycat"] == {}
    assert report["split"]["pictures_that_show_the_same"] == 0
    assert not [f for f in report["findings"] if f["level"] == "error"]
    assert list(split_checks.near_duplicates(subject([], picture_rows({})))) == []
