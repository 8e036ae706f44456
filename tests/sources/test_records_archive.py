"""An archive of many models and datasets: only what is wanted is opened, the rest is told in few words."""

import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vlrb import schema
from vlrb.sources.base import RecordSet
from vlrb.sources.vlmevalkit import tables
from vlrb.utils.errors import DataError

Write = Any
CHOICES: dict[str, Any] = {
    "index": [0, 1],
    "question": ["q0", "q1"],
    "A": ["x"] * 2,
    "B": ["y"] * 2,
    "answer": ["A", "B"],
}
DATASETS: dict[str, dict[str, Any]] = {
    "MMStar": {**CHOICES, "prediction": ["A", "neither"]},
    "ChartQA_TEST": {"index": [1], "question": ["q"], "answer": ["10"], "prediction": ["10.2"]},
    "MathVerse_MINI": {"index": [1], "question": ["q"], "answer": ["A"], "prediction": ["A"]},
    "MMVet": {"index": [1], "question": ["q"], "answer": ["10"], "prediction": ["10"]},
    "SEEDBench2": {"index": [1], "question": ["q"], "answer": ["A"], "prediction": ["A"]},
}


def archive(root: Path, xlsx: Write, models: int, datasets: dict[str, dict[str, Any]] | None = None) -> Path:
    for dataset, columns in (datasets or DATASETS).items():
        first = xlsx(root / "mmeval" / "model-0" / f"model-0_{dataset}.xlsx", columns)
        for model in range(1, models):
            path = root / "mmeval" / f"model-{model}" / f"model-{model}_{dataset}.xlsx"
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(first, path)
    return root


def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often the tables of each model are opened."""
    counts: Counter[str] = Counter()
    read = tables.read_rows

    def counted(path: Path, name: str) -> list[list[Any]]:
        counts[path.parent.name] += 1
        return read(path, name)

    monkeypatch.setattr(tables, "read_rows", counted)
    return counts


def kinds(read: RecordSet) -> set[str]:
    return {note.kind for note in read.notes}


def test_bare_predictions_are_graded_where_a_rule_exists(tree: Any, tmp_path: Path, xlsx: Write) -> None:
    read = tree.source(archive(tmp_path, xlsx, 2), unknown="skip").read()
    assert read.model_ids == ["model-0", "model-1"]
    first = read.records[read.records[schema.MODEL_ID] == "model-0"].set_index(schema.SAMPLE_ID)
    assert first[schema.QUALITY].dropna().to_dict() == {"ChartQA_TEST/1": 1, "MMStar/0": 1}
    assert first[schema.FLAGS].to_dict() == {
        "ChartQA_TEST/1": "",
        "MMStar/0": "",
        "MMStar/1": "ungraded",  # no rule finds a letter in "neither"
        "MathVerse_MINI/1": "ungraded",  # only a judge can grade it
    }
    assert first[schema.SOURCE]["MMStar/0"] == "mmeval/model-0/model-0_MMStar.xlsx"
    assert read.samples[schema.PROMPT].tolist()[1] == "Question: q0\nOptions:\nA. x\nB. y"  # from the logs: no TSV file
    (skipped,) = [note for note in read.notes if note.kind == "unknown_dataset"]
    assert (skipped.where, skipped.count) == ("MMVet, SEEDBench2", 4)


def test_only_the_wanted_models_and_datasets_are_opened(
    tree: Any, tmp_path: Path, xlsx: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = archive(tmp_path, xlsx, 6)
    counts = opened(monkeypatch)
    read = tree.source(root, models=["model-4", "model-1"], datasets=["MMStar"]).read()
    assert read.model_ids == ["model-1", "model-4"]
    # One opening for the grades of each, one more for the texts of the questions.
    assert dict(counts) == {"model-1": 2, "model-4": 1}
    counts.clear()
    tree.source(root, unknown="skip").read()
    assert set(counts) == {f"model-{i}" for i in range(6)}
    assert max(counts.values()) <= 2 * 3


def test_the_fingerprint_does_not_depend_on_models_that_are_not_read(tree: Any, tmp_path: Path, xlsx: Write) -> None:
    source = tree.source(archive(tmp_path, xlsx, 2), models=["model-0"])
    before = source.fingerprint()
    archive(tmp_path, xlsx, 3, {"MMStar": DATASETS["MMStar"]})
    xlsx(tmp_path / "mmeval" / "model-0" / "model-0_MMStar.xlsx", DATASETS["MMStar"])
    assert len(source.fingerprint()["files"]) == len(before["files"]) == len(DATASETS)


def test_a_misspelt_model_is_found_among_all_folders(tree: Any, tmp_path: Path, xlsx: Write) -> None:
    with pytest.raises(DataError, match=r"no logs of model 'Model-1'") as caught:
        tree.source(archive(tmp_path, xlsx, 2), models=["Model-1"]).read()
    assert "did you mean 'model-1'" in caught.value.hint


def test_notes_of_many_files_are_few_lines(tree: Any, tmp_path: Path, xlsx: Write) -> None:
    root = archive(tmp_path, xlsx, 30, {**DATASETS, "Other_Set": {"index": [1], "prediction": ["x"]}})
    for model in range(30):
        (root / "mmeval" / f"model-{model}" / f"model-{model}_MMStar_notes.txt").write_text("x")
    read = tree.source(root).read()
    assert {"ungraded", "unused_logs", "ignored_files"} <= kinds(read)
    assert len(read.notes) < 20
    (ungraded,) = [note for note in read.notes if note.kind == "ungraded"]
    assert ungraded.count == 30 * 2


def test_an_organisations_models_lie_one_folder_deeper(tree: Any, tmp_path: Path, xlsx: Write) -> None:
    table = DATASETS["MMStar"]
    xlsx(tmp_path / "org" / "one" / "one_MMStar.xlsx", table)
    xlsx(tmp_path / "org" / "two" / "T20260409-081500" / "org" / "two_MMStar.xlsx", table)  # the kit's local mode
    xlsx(tmp_path / "org" / "three" / "T20260409-081500" / "org--three_MMStar.xlsx", table)
    xlsx(tmp_path / "org--four" / "org--four_MMStar.xlsx", table)
    xlsx(tmp_path / "a model" / "a model_MMStar.xlsx", table)
    read = tree.source(tmp_path, work=[]).read()
    assert read.model_ids == ["a model", "org--four", "org/one", "org/three", "org/two"]
    assert set(read.records.groupby(schema.MODEL_ID, observed=True).size()) == {2}
    assert tree.source(tmp_path, work=[], models=["org/two"]).read().model_ids == ["org/two"]


def test_logs_and_dataset_files_in_different_corners_of_one_root(tree: Any, tmp_path: Path, xlsx: Write) -> None:
    """A home folder as root: ~/VLMEvalKit/outputs and ~/LMUData."""
    xlsx(tmp_path / "VLMEvalKit" / "outputs" / "M" / "M_MMStar.xlsx", DATASETS["MMStar"])
    (tmp_path / "LMUData").mkdir()
    picture = __import__("base64").b64encode(b"x").decode()
    (tmp_path / "LMUData" / "MMStar.tsv").write_text(f"index\timage\tquestion\n0\t{picture * 30}\tfrom the TSV\n")
    changes = {"work": ["VLMEvalKit/outputs"], "pictures": ["LMUData"], "evaluation": [], "inference": []}
    read = tree.source(tmp_path, **changes, unreadable="report").read()
    assert read.samples[schema.QUESTION].tolist() == ["from the TSV", "q1"]
    assert read.records[schema.SOURCE].unique().tolist() == ["VLMEvalKit/outputs/M/M_MMStar.xlsx"]


def test_an_empty_table_and_a_model_without_a_dataset(tree: Any, tmp_path: Path, xlsx: Write) -> None:
    root = archive(tmp_path, xlsx, 2, {"MMStar": DATASETS["MMStar"]})
    xlsx(root / "mmeval" / "model-0" / "model-0_ChartQA_TEST.xlsx", DATASETS["ChartQA_TEST"])
    xlsx(root / "mmeval" / "model-1" / "model-1_ChartQA_TEST.xlsx", {name: [] for name in DATASETS["ChartQA_TEST"]})
    read = tree.source(root).read()
    sizes = read.records.groupby(schema.MODEL_ID, observed=True).size().to_dict()
    assert sizes == {"model-0": 3, "model-1": 2}
    assert [note.where for note in read.notes if note.kind == "unused_logs"] == ["model-1 on ChartQA_TEST"]


@pytest.mark.slow
def test_three_hundred_models_in_seconds(
    tree: Any, tmp_path: Path, xlsx: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["MMStar", "RealWorldQA", "AI2D_TEST", "SEEDBench_IMG", "BLINK", "MMMU_DEV_VAL", "ScienceQA_VAL"]
    tables_of: dict[str, dict[str, Any]] = dict.fromkeys(names, DATASETS["MMStar"])
    tables_of |= dict.fromkeys(("ChartQA_TEST", "DocVQA_VAL", "InfoVQA_VAL", "TextVQA_VAL"), DATASETS["ChartQA_TEST"])
    tables_of |= {f"Unknown{i}": DATASETS["MMVet"] for i in range(20 - len(tables_of))}
    root = archive(tmp_path, xlsx, 300, tables_of)
    counts = opened(monkeypatch)
    start = time.perf_counter()
    read = tree.source(root, unknown="skip", models=[f"model-{i}" for i in range(0, 300, 15)]).read()
    assert time.perf_counter() - start < 20
    assert set(counts) == {f"model-{i}" for i in range(0, 300, 15)}
    assert len(read.model_ids) == 20
    start = time.perf_counter()
    read = tree.source(root, unknown="skip").read()
    assert time.perf_counter() - start < 120
    assert len(read.model_ids) == 300
    assert np.isnan(read.records[schema.QUALITY]).mean() < 0.5
    assert len(read.notes) < 40
