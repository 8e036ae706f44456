"""What an archive lacks is listed at once, in few words, before anything large is read."""

from typing import Any

import pytest

from vlrb.sources.vlmevalkit import tables
from vlrb.sources.vlmevalkit.complete import check_files
from vlrb.sources.vlmevalkit.settings import Expected
from vlrb.utils.errors import DataError


def message(found: set[tuple[str, str]], tsv: list[str], expected: Expected) -> str:
    with pytest.raises(DataError) as caught:
        check_files(found, tsv, expected)
    assert "incomplete=report" in caught.value.hint
    return caught.value.message.removeprefix("the archive is incomplete: ")


def test_whole_models_and_datasets_are_named_once() -> None:
    models, datasets = ["a", "b", "c"], ["X", "Y", "Z"]
    expected = Expected(dict.fromkeys(datasets, 10), models)
    everything = {(dataset, model) for dataset in datasets for model in models}
    assert check_files(everything, [], expected) == []
    assert message(set(), [], expected) == "no logs of a, b, c on any dataset"
    # All of c, all of Z, and b on Y.
    assert message({("X", "a"), ("X", "b"), ("Y", "a")}, [], expected) == (
        "no logs of c on any dataset; no logs of any model on Z; no logs of b on Y"
    )
    assert message(everything - {("Y", "a"), ("Y", "c"), ("X", "b")}, [], expected) == (
        "no logs of b on X; no logs of a, c on Y"
    )


def test_missing_dataset_files_are_listed() -> None:
    expected = Expected({"X": 1, "Y": 1}, ["a"], tsv=True)
    assert message({("X", "a"), ("Y", "a")}, ["Y"], expected) == "no TSV file of X"
    assert message({("X", "a")}, [], expected) == "no logs of any model on Y; no TSV file of X, Y"


def test_the_reader_says_so_before_it_reads_a_table(tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.star("Alpha")
    monkeypatch.setattr(tables, "read_rows", lambda *_: pytest.fail("a table was read"))
    expected = Expected({"MMStar": 2, "OCRBench": 1000}, ["Alpha", "Beta"], tsv=True)
    selected = ["MMStar", "OCRBench"]  # as the shipped configuration names them
    with pytest.raises(DataError, match=r"Beta on any dataset; no logs of any model on OCRBench; no TSV file of OCRBe"):
        tree.source(expected=expected, datasets=selected).read()


def test_other_numbers_of_samples_are_listed(tree: Any) -> None:
    tree.star("Alpha")
    tree.result("Beta", "MMStar_openai_result", {"index": [0], "prediction": ["A"], "hit": [1]})
    expected = Expected({"MMStar": 3}, ["Alpha", "Beta"])
    with pytest.raises(DataError, match=r"MMStar: 2 samples instead of 3; Beta on MMStar: 1 of 2 samples"):
        tree.source(expected=expected).read()
    unknown = Expected({"MMStar": None}, ["Alpha"])
    assert tree.source(expected=unknown).read().model_ids == ["Alpha", "Beta"]


def test_more_samples_than_expected_are_a_warning(tree: Any) -> None:
    tree.star("Alpha")
    read = tree.source(expected=Expected({"MMStar": 1}, ["Alpha"])).read()
    assert [(note.message, note.level) for note in read.notes] == [("MMStar: 2 samples instead of 1", "warning")]


def test_going_on_without_what_is_missing(tree: Any) -> None:
    tree.star("Alpha")
    expected = Expected({"MMStar": 3, "OCRBench": 9}, ["Alpha", "Beta"], "report", tsv=True)
    read = tree.source(expected=expected, datasets=["MMStar", "OCRBench"]).read()
    notes = [(note.message, note.level) for note in read.notes if note.kind == "incomplete"]
    assert notes == [
        ("no logs of Beta on any dataset", "warning"),
        ("no logs of any model on OCRBench", "warning"),
        ("no TSV file of OCRBench", "warning"),
        ("MMStar: 2 samples instead of 3", "warning"),
    ]
    # What was not asked for is not missed; what nobody expects still has to be there.
    strict = Expected({"MMStar": 2, "OCRBench": 9}, ["Alpha", "Beta"])
    assert tree.source(expected=strict, datasets=["MMStar"], models=["Alpha"]).read().model_ids == ["Alpha"]
    with pytest.raises(DataError, match=r"no logs of dataset 'MMstar'"):
        tree.source(expected=strict, datasets=["MMstar"]).read()


def test_the_leaderboards_rows_of_mmmu_are_not_counted_against_all(tree: Any) -> None:
    rows = {"index": [0, 1], "split": ["dev", "validation"], "prediction": ["A", "B"], "hit": [1, 0]}
    tree.result("M", "MMMU_DEV_VAL_openai_result", rows)
    expected = Expected({"MMMU_DEV_VAL": 2}, ["M"])
    assert len(tree.source(expected=expected).read().samples) == 2
    assert len(tree.source(expected=expected, mmmu="validation").read().samples) == 1
