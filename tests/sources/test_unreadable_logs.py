"""Trees that cannot be read: one error that names the file and says what to do."""

from pathlib import Path
from typing import Any

import pytest

from vlrb import schema
from vlrb.utils.errors import DataError

QUESTIONS: dict[str, Any] = {
    "index": [0, 1],
    "question": ["q0", "q1"],
    "A": ["x", "x"],
    "B": ["y", "y"],
    "answer": ["A", "B"],
}


def test_missing_root_says_where_to_get_it(tree: Any) -> None:
    with pytest.raises(DataError, match=r"no such folder") as caught:
        tree.source(where="ask the authors").fingerprint()
    assert caught.value.hint == "ask the authors"


def test_a_root_without_logs_says_what_was_expected_and_found(tree: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"it is empty"):
        tree.source(tmp_path).read()
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "sub").mkdir()
    with pytest.raises(DataError, match=r"no VLMEvalKit tables in it \(it holds notes.txt, sub/\)") as caught:
        tree.source(tmp_path).fingerprint()
    assert "VLMEvalKit_evaluation/<model>" in caught.value.hint


def test_a_corrupt_workbook_is_named(tree: Any) -> None:
    tree.star()
    path = tree.result("Beta", "MMStar_openai_result", {"index": [1], "hit": [1]})
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(
        DataError, match=r"^VLMEvalKit_evaluation/Beta/.*/Beta_MMStar_openai_result.xlsx: not a readable xlsx"
    ):
        tree.source().read()


def test_a_result_file_without_usable_column_is_named(tree: Any) -> None:
    tree.result("M", "MMStar_openai_result", {**QUESTIONS, "prediction": ["A", "B"]})
    with pytest.raises(
        DataError, match=r"M_MMStar_openai_result.xlsx: no right/wrong column \(hit, is_correct, correct\)"
    ) as caught:
        tree.source().read()
    assert "evaluate it again" in caught.value.hint


def test_repeated_samples_are_named(tree: Any) -> None:
    tree.result("M", "MMStar_openai_result", {"index": [3, 4, 3], "prediction": ["A"] * 3, "hit": [1, 1, 0]})
    with pytest.raises(DataError, match=r"M_MMStar_openai_result.xlsx: .*'3' in rows 2, 4"):
        tree.source().read()


def test_nothing_that_can_be_graded(tree: Any) -> None:
    tree.predictions("M", "Unknown_Set", {"index": [1], "prediction": ["x"]})
    with pytest.raises(DataError, match=r"nothing in its logs can be graded") as caught:
        tree.source().read()
    assert "Unknown_Set" in caught.value.hint


def test_an_unreadable_picture_is_an_error_or_reported(tree: Any) -> None:
    tree.star()
    columns = {"index": [0, 1, 2], "image": ["QUFB" * 40, "0", "QUFB" * 40], "question": ["a", "b", "c"]}
    tree.tsv("MMStar", columns)
    with pytest.raises(
        DataError, match=r"TSV_images/MMStar.tsv: the picture of row '0' cannot be used: .*at byte"
    ) as caught:
        tree.source().read()
    assert "unreadable=report" in caught.value.hint
    read = tree.source(unreadable="report").read()
    assert [note.where for note in read.notes if note.kind == "unreadable_picture"] == [
        "TSV_images/MMStar.tsv"
    ] * 2  # row 1 shows the picture of row 0
    assert read.samples[schema.IMAGES].iloc[0][0]["width"] == 0
