"""The reference layout: what is read from folders written by hand, file by file."""

import json
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vlrb.sources.base import RecordSet
from vlrb.sources.reference.source import ReferenceSource
from vlrb.utils.errors import ConfigError, DataError

NAN = float("nan")
SAMPLES = {"MMStar": ["MMStar/2", "MMStar/10"], "OCRBench": ["OCRBench/1"]}  # natural order; sorted as text: 10, 2
MODELS = ["large", "small"]
# rows MMStar/2, MMStar/10, OCRBench/1; columns large, small
Y = np.array([[1.0, 0.0], [0.4, NAN], [1.0, 0.75]])
C = np.array([[0.02, 0.001], [0.03, 0.002], [0.04, 0.0]])
META = ["MMStar/10", "MMStar/2", "OCRBench/1"]  # sorted as text, as the reference's pivot leaves them
IN_META_ORDER = [1, 0, 2]


class Layout:
    """A folder in the reference layout."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def text(self, name: str, text: str) -> None:
        self.path(name).write_text(text, encoding="utf-8")

    def lines(self, name: str, records: list[dict[str, Any]]) -> None:
        self.text(name, "".join(json.dumps(record) + "\n" for record in records))

    def samples(self, assets: dict[str, list[dict[str, Any]]] | None = None) -> None:
        for dataset, ids in SAMPLES.items():
            records = [
                {
                    "sample_id": sample_id,
                    "dataset": dataset,
                    "task_type": "vqa_mc",
                    "modality": ["image", "text"],
                    "prompt": f"About {sample_id}?",
                    "assets": (assets or {}).get(sample_id, []),
                }
                for sample_id in ids
            ]
            self.lines(f"BENCHMARKS/vqa_mc/{dataset.lower()}_samples.jsonl", records)

    def scores(self, changes: dict[tuple[str, str], float] | None = None) -> None:
        ids = [sample_id for group in SAMPLES.values() for sample_id in group]
        rows = [(i, m, Y[r, c]) for r, i in enumerate(ids) for c, m in enumerate(MODELS) if not np.isnan(Y[r, c])]
        frame = pd.DataFrame(rows, columns=["sample_id", "model_id", "quality"])
        for (sample_id, model), value in (changes or {}).items():
            frame.loc[(frame.sample_id == sample_id) & (frame.model_id == model), "quality"] = value
        frame.insert(2, "quality_raw", frame["quality"].astype(int))  # the reference cuts grades
        for dataset in SAMPLES:
            self.path("ORACLE/score/x")
            part = frame[frame.sample_id.str.startswith(dataset)]
            part.to_parquet(self.root / f"ORACLE/score/{dataset.lower()}.parquet", index=False)

    def matrices(self, y: np.ndarray | None = None, c: np.ndarray | None = None) -> None:
        np.savez_compressed(self.path("data/matrices/Y.npz"), Y=Y[IN_META_ORDER] if y is None else y)
        np.save(self.path("data/matrices/C.npy"), (C[IN_META_ORDER] if c is None else c).astype(np.float32))
        sides = ["test", "train", "unknown"]
        meta = {"sample_id": META, "dataset": ["MMStar", "MMStar", "OCRBench"], "split": sides, "task": "vqa_mc"}
        self.path("data/registry/x")
        pd.DataFrame(meta).to_parquet(self.root / "data/registry/meta.parquet", index=False)

    def read(self, **options: Any) -> RecordSet:
        given: dict[str, Any] = {"pictures": None, "models": None, "quality_max": {}, "unreadable": "error"} | options
        return ReferenceSource(str(self.root), **given).read()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Everything that the reference writes for three samples and two models; no registry of models."""
    found = Layout(tmp_path / "reference")
    found.samples()
    found.scores()
    found.matrices()
    return found


def matrix(found: RecordSet, column: str) -> np.ndarray:
    table = {(r.sample_id, r.model_id): getattr(r, column) for r in found.records.itertuples()}
    return np.array([[table.get((s, m), NAN) for m in found.model_ids] for s in found.samples["sample_id"]])


def kinds(found: RecordSet) -> dict[str, int]:
    return {note.kind: note.count for note in found.notes}


def test_samples_quality_and_costs_by_hand(layout: Layout) -> None:
    found = layout.read()
    assert found.samples["sample_id"].tolist() == ["MMStar/2", "MMStar/10", "OCRBench/1"]
    assert found.samples["prompt"].tolist() == [f"About {i}?" for i in found.samples["sample_id"]]
    assert found.samples["group"].tolist() == ["General", "General", "Charts & OCR"]
    assert found.model_ids == MODELS
    assert matrix(found, "quality") == pytest.approx(Y, nan_ok=True)
    # C's rows are in the order of meta.parquet; a cost of 0 is how the reference writes a missing one
    assert matrix(found, "recorded_cost") == pytest.approx(np.where(C == 0, NAN, C), nan_ok=True)
    assert kinds(found) == {"missing_cells": 1, "zero_costs": 1}
    ungraded = found.records[found.records["flags"] == "ungraded"]
    assert ungraded["sample_id"].tolist() == ["MMStar/10"]  # its cost is known, its grade is not


def test_cut_grades_are_counted_and_oracle_wins(layout: Layout) -> None:
    layout.matrices(y=np.nan_to_num(Y[IN_META_ORDER]).astype(np.int8))
    found = layout.read()
    assert matrix(found, "quality") == pytest.approx(Y, nan_ok=True)
    assert kinds(found)["quality_differs"] == 2  # 0.4 and 0.75 are 0 in int8; the hole cannot be compared


def test_y_alone_needs_names_and_never_opens_a_pickle(layout: Layout) -> None:
    for path in (layout.root / "ORACLE/score").iterdir():
        path.unlink()
    (layout.root / "data/registry/model_index.pkl").write_bytes(pickle.dumps(MODELS))
    with pytest.raises(DataError, match=r"which models its 2 columns are\n.*model_index\.pkl is a pickle.*models="):
        layout.read()
    expected = matrix(layout.read(models=["large", "small"]), "quality")
    assert expected == pytest.approx(Y, nan_ok=True)
    swapped = layout.read(models=["small", "large"])  # names in column order: the columns change places
    assert matrix(swapped, "quality") == pytest.approx(Y[:, ::-1], nan_ok=True)
    layout.text("data/registry/models.txt", "large\nsmall\n")
    assert matrix(layout.read(), "quality") == pytest.approx(Y, nan_ok=True)
    layout.text("data/registry/models.json", json.dumps({"models": [{"name": "small"}, {"name": "large"}]}))
    assert matrix(layout.read(), "quality") == pytest.approx(Y[:, ::-1], nan_ok=True)


@pytest.mark.parametrize("key", ["Y", "data", "arr_0"])
def test_the_keys_of_y(layout: Layout, key: str) -> None:
    for path in (layout.root / "ORACLE/score").iterdir():
        path.unlink()
    np.savez(layout.root / "data/matrices/Y.npz", **{key: Y[IN_META_ORDER]})
    assert matrix(layout.read(models=MODELS), "quality") == pytest.approx(Y, nan_ok=True)


def test_a_sparse_y_is_read_whole(layout: Layout) -> None:
    from scipy.sparse import csr_matrix, save_npz

    for path in (layout.root / "ORACLE/score").iterdir():
        path.unlink()
    dense = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    save_npz(layout.root / "data/matrices/Y.npz", csr_matrix(dense))
    assert np.array_equal(matrix(layout.read(models=MODELS), "quality"), dense[IN_META_ORDER])


def test_shapes_that_do_not_fit_are_both_named(layout: Layout) -> None:
    layout.matrices(c=np.ones((2, 2)))
    with pytest.raises(DataError, match=r"C\.npy has shape \(2, 2\), but samples × models is \(3, 2\)\n.*sample_ids"):
        layout.read()
    layout.text("data/matrices/sample_ids.txt", "OCRBench/1\nMMStar/2\n")
    costs = matrix(layout.read(), "recorded_cost")
    assert np.isnan(costs).tolist() == [[False, False], [True, True], [False, False]]
    layout.matrices(y=np.ones((3, 5)))
    with pytest.raises(DataError, match=r"Y\.npz has shape \(3, 5\), but meta\.parquet × models is \(3, 2\)"):
        layout.read()


def test_columns_of_c_can_be_named(layout: Layout) -> None:
    layout.text("data/matrices/model_names.json", json.dumps(["small", "large"]))
    assert matrix(layout.read(), "recorded_cost")[0].tolist() == pytest.approx([0.001, 0.02])
    layout.text("data/matrices/model_names.json", json.dumps(["small", "other"]))
    found = layout.read()
    assert np.isnan(matrix(found, "recorded_cost")).tolist()[0] == [True, False]
    assert kinds(found)["unknown_models"] == 1


TOGETHER = '{"train": ["MMStar/2"], "test": ["OCRBench/1", "gone/1"]}'
SPLIT_FORMS = {
    "jsonl": {
        "SPLITS/train.jsonl": '{"sample_id": "MMStar/2"}\n',
        "SPLITS/test.jsonl": '{"sample_id": "OCRBench/1"}\n{"sample_id": "gone/1"}\n',
    },
    "txt": {"SPLITS/train.txt": "MMStar/2\n\n", "SPLITS/test.txt": "OCRBench/1\ngone/1\n"},
    "json": {"SPLITS/train.json": '["MMStar/2"]', "SPLITS/test.json": '["OCRBench/1", "gone/1"]'},
    "one file": {"SPLITS/splits.json": TOGETHER},
    "registry": {"data/registry/splits.json": TOGETHER},
    "data": {"data/splits.json": TOGETHER},
}


@pytest.mark.parametrize("form", SPLIT_FORMS)
def test_forms_of_the_split(layout: Layout, form: str) -> None:
    for name, text in SPLIT_FORMS[form].items():
        layout.text(name, text)
    found = layout.read()
    assert found.samples["given_split"].tolist() == ["train", "", "test"]
    assert kinds(found)["unknown_samples"] == 1


def test_the_split_of_meta_is_the_last_resort(layout: Layout) -> None:
    assert layout.read().samples["given_split"].tolist() == ["train", "test", ""]  # "unknown" is no side
    (layout.root / "data/registry/meta.parquet").unlink()
    (layout.root / "data/matrices/Y.npz").unlink()
    assert "given_split" not in layout.read().samples


def test_a_sample_on_two_sides(layout: Layout) -> None:
    layout.text("SPLITS/train.txt", "MMStar/2\n")
    layout.text("SPLITS/dev.txt", "MMStar/2\n")
    with pytest.raises(DataError, match="sample MMStar/2 is in dev and in train"):
        layout.read()


def test_without_benchmarks_the_samples_are_those_of_meta(layout: Layout) -> None:
    for path in layout.root.glob("BENCHMARKS/*/*"):
        path.unlink()
    found = layout.read()
    assert found.samples["sample_id"].tolist() == ["MMStar/2", "MMStar/10", "OCRBench/1"]
    assert set(found.samples["prompt"]) == {""}
    assert kinds(found)["no_prompts"] == 3
    (layout.root / "data/registry/meta.parquet").unlink()
    with pytest.raises(DataError, match="neither BENCHMARKS"):
        layout.read()


# ---------------------------------------------------------------------------------------------------- pictures


def test_pictures_of_rows_and_files(
    layout: Layout, make_picture: Callable[..., str], make_picture_bytes: Callable[..., bytes]
) -> None:
    tsv = f"index\timage\n10\t{make_picture(1)}\n2\t{make_picture(2, (20, 10))}\n7\t10\n"
    layout.text("TSV_images/MMStar.tsv", tsv)
    layout.path("images/ocr/1.png").write_bytes(make_picture_bytes(3))
    layout.samples(
        {
            # rows are counted from 0; paths are those of another machine
            "MMStar/2": [{"type": "image_tsv", "tsv_file": "/root/LMUData/MMStar.tsv", "index": 1}],
            "MMStar/10": [{"type": "image_tsv", "tsv_file": "/root/LMUData/MMStar.tsv", "index": 2}],
            "OCRBench/1": [{"type": "image", "uri": "/elsewhere/images/ocr/1.png"}],
        }
    )
    images = layout.read().samples["images"].tolist()
    assert [(refs[0]["path"], refs[0]["width"]) for refs in images] == [
        ("TSV_images/MMStar.tsv", 20),
        ("TSV_images/MMStar.tsv", 40),  # row 2 refers to the row of index 10
        ("images/ocr/1.png", 40),
    ]


@pytest.mark.parametrize(
    ("asset", "message"),
    [
        ({"type": "image_tsv", "tsv_file": "/root/MMStar.tsv", "index": 0}, r"no file /root/MMStar\.tsv\n.*pictures="),
        ({"type": "image_tsv", "tsv_file": "T.tsv", "index": 1}, "row 1 of T.tsv, which has 1 rows"),
        ({"type": "image_tsv", "tsv_file": "T.tsv", "index": "0"}, "row '0' of T.tsv"),
        ({"type": "image", "uri": "/x/absent.png"}, "no file /x/absent.png"),
        ({"type": "image", "uri": "x" * 5000}, "no file xxx"),
        ({"type": "image", "uri": "../outside.png"}, "leads outside"),
        ({"type": "video", "uri": "a.mp4"}, "unknown type 'video'"),
    ],
)
def test_bad_assets(layout: Layout, make_picture: Callable[..., str], asset: dict[str, Any], message: str) -> None:
    layout.text("T.tsv", f"index\timage\n1\t{make_picture(1)}\n")
    (layout.root.parent / "outside.png").write_bytes(b"secret")
    layout.samples({"MMStar/2": [asset]})
    with pytest.raises(DataError, match=message):
        layout.read()
    if "outside" not in message:
        found = layout.read(unreadable="report")
        assert found.samples["images"][0] == []
        assert kinds(found)["unreadable_picture"] == 1


# ---------------------------------------------------------------------------------------------------- bad files


def test_bad_files_are_named(layout: Layout) -> None:
    layout.text("BENCHMARKS/vqa_mc/mmstar_samples.jsonl", '{"sample_id": "MMStar/2"}\n{"sample_id": "MMS')
    with pytest.raises(DataError, match=r"mmstar_samples\.jsonl: line 2: not JSON"):
        layout.read()
    layout.text("BENCHMARKS/vqa_mc/mmstar_samples.jsonl", '{"prompt": "?"}\n')
    with pytest.raises(DataError, match="line 1: no sample_id"):
        layout.read()
    layout.text("BENCHMARKS/vqa_mc/mmstar_samples.jsonl", '{"sample_id": "MMStar/2"}\n' * 2)
    with pytest.raises(DataError, match=r"line 2: sample MMStar/2 is in .*line 1 already"):
        layout.read()
    layout.text("BENCHMARKS/vqa_mc/mmstar_samples.jsonl", '{"sample_id": "MMStar/2"}\n')
    with pytest.raises(DataError, match=r"mmstar\.parquet: sample MMStar/10 is not in BENCHMARKS \(1 such rows\)"):
        layout.read()


def test_bad_scores_are_named(layout: Layout) -> None:
    layout.scores({("OCRBench/1", "small"): 75.0, ("OCRBench/1", "large"): 100.0})
    with pytest.raises(DataError, match=r"ocrbench\.parquet: quality 100 of .*\n.*quality_max=\{OCRBench: 100"):
        layout.read()
    (layout.root / "data/matrices/Y.npz").unlink()
    assert matrix(layout.read(quality_max={"OCRBench": 100}), "quality") == pytest.approx(Y, nan_ok=True)
    again = pd.read_parquet(layout.root / "ORACLE/score/ocrbench.parquet")
    again.to_parquet(layout.root / "ORACLE/score/more.parquet")
    with pytest.raises(DataError, match=r"a second score of model (large|small) on sample OCRBench/1"):
        layout.read(quality_max={"OCRBench": 100})


def test_pickled_arrays_are_refused(layout: Layout) -> None:
    np.save(layout.root / "data/matrices/C.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(DataError, match="holds pickled objects, which are never opened"):
        layout.read()
    (layout.root / "data/matrices/C.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(DataError, match="not a readable array"):
        layout.read()


def test_folders_and_settings_are_checked(layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"neither ORACLE/score nor data/matrices/Y\.npz"):
        Layout(tmp_path).read()
    with pytest.raises(DataError, match=r"no scores of model 'smal'\n.*did you mean 'small'"):
        layout.read(models=["smal"])
    for wrong in ({"unreadable": "skip"}, {"quality_max": {"A": 0}}):
        with pytest.raises(ConfigError):
            layout.read(**wrong)


def test_one_model_can_be_asked_for(layout: Layout) -> None:
    found = layout.read(models=["small"])
    assert found.model_ids == ["small"]
    assert matrix(found, "quality") == pytest.approx(Y[:, 1:], nan_ok=True)
    assert matrix(found, "recorded_cost")[0, 0] == pytest.approx(0.001)


def test_the_fingerprint_follows_every_file_but_pickles(layout: Layout) -> None:
    def now() -> dict[str, Any]:
        return ReferenceSource(str(layout.root), None, None, {}, "error").fingerprint()

    first = now()
    (layout.root / "data/registry/model_index.pkl").write_bytes(b"x")
    assert now() == first
    layout.text("SPLITS/train.txt", "MMStar/2\n")
    assert now() != first


@pytest.mark.parametrize("seed", range(20))
def test_damaged_files_are_errors_of_the_data(layout: Layout, seed: int) -> None:
    """Bytes changed or cut anywhere: it is read, or refused with a reason, and never crashes."""
    rng = np.random.default_rng(seed)
    layout.text("SPLITS/train.jsonl", '{"sample_id": "MMStar/2"}\n')
    for path in sorted(p for p in layout.root.rglob("*") if p.is_file()):
        whole = path.read_bytes()
        if not whole:
            continue
        broken = bytearray(whole)
        for place in rng.integers(0, len(broken), 3):
            broken[place] = rng.integers(256)
        path.write_bytes(bytes(broken[: rng.integers(1, len(broken) + 1)]) if seed % 2 else bytes(broken))
        with suppress(DataError):
            layout.read(unreadable="report")
        path.write_bytes(whole)
