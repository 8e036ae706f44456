"""Several runs of one model, several judges of one run: what counts, what is kept beside it, what is compared."""

import os
import shutil
from typing import Any

import numpy as np
import pytest

from vlrb import schema
from vlrb.sources.base import RecordSet

OLD, NEW = "T20250101_Ga", "T20260409-081500"
ROWS: dict[str, Any] = {
    "index": [0, 1, 2, 3],
    "question": ["q"] * 4,
    "A": ["x"] * 4,
    "B": ["y"] * 4,
    "answer": ["A"] * 4,
}


def notes(read: RecordSet, kind: str) -> list[str]:
    return [note.message for note in read.notes if note.kind == kind]


def add_run(
    tree: Any, run: str, said: list[str], hits: list[int] | None, judge: str = "openai", model: str = "M"
) -> None:
    tree.predictions(model, "MMStar", {**ROWS, "prediction": said}, run)
    if hits is not None:
        tree.result(model, f"MMStar_{judge}_result", {**ROWS, "prediction": said, "hit": hits}, run)


def test_the_newest_graded_run_counts_and_others_are_replicates(tree: Any) -> None:
    add_run(tree, OLD, ["A", "B", "B", "A"], [1, 0, 0, 1])
    add_run(tree, NEW, ["A", "A", "B", "B"], [1, 1, 0, 0])
    add_run(tree, "T20270101-000000", ["A", "A", "A", "hm"], None)  # newer, but nobody graded it
    read = tree.source().read()
    assert read.records[schema.QUALITY].tolist() == [1, 1, 0, 0]
    assert set(read.records[schema.RUN]) == {NEW}
    assert read.replicates is not None
    assert schema.PREDICTION not in read.replicates
    assert [note.count for note in read.notes if note.kind == "replicates"] == [8]
    kept = dict(list(read.replicates.groupby(schema.RUN, observed=True)))
    assert kept[OLD][schema.QUALITY].tolist() == [1, 0, 0, 1]
    np.testing.assert_array_equal(kept["T20270101-000000"][schema.QUALITY], [1, 1, 1, np.nan])
    assert set(kept["T20270101-000000"][schema.GRADED_BY]) == {"letter matching", ""}
    assert tree.source(replicates="skip").read().replicates is None


def test_a_copy_of_a_run_is_no_replicate(tree: Any) -> None:
    """The kit's --reuse copies the answers into the new run's folder; trees copied without links hold files twice."""
    add_run(tree, OLD, ["A", "B", "B", "A"], [1, 0, 0, 1])
    add_run(tree, NEW, ["A", "B", "B", "A"], [1, 0, 0, 1], "gpt-4o-mini")
    read = tree.source().read()
    assert read.replicates is None
    assert notes(read, "copied_run") == [f"run {OLD} holds the same answers"]
    assert set(read.records[schema.GRADED_BY]) == {"hit (gpt-4o-mini)"}


def test_a_damaged_older_run_stops_nothing(tree: Any) -> None:
    add_run(tree, OLD, ["A", "B", "B", "B"], [1, 0, 0, 0])
    path = tree.root / "VLMEvalKit_evaluation" / "M" / OLD / "M_MMStar_openai_result.xlsx"
    path.write_bytes(path.read_bytes()[:500])
    add_run(tree, NEW, ["A", "A", "B", "B"], [1, 1, 0, 0])
    read = tree.source().read()
    assert read.records[schema.QUALITY].tolist() == [1, 1, 0, 0]
    assert [note.level for note in read.notes if note.kind == "unused_run"] == ["warning"]


def test_a_newer_run_with_fewer_grades_is_pointed_out(tree: Any) -> None:
    add_run(tree, OLD, ["A", "B", "B", "A"], [1, 0, 0, 1])
    first = {name: values[:2] for name, values in ROWS.items()}
    tree.result("M", "MMStar_openai_result", {**first, "prediction": ["A", "A"], "hit": [1, 1]}, NEW)
    (message,) = notes(tree.source().read(), "fuller_run")
    assert message == f"run {OLD} has 4 graded rows, the newer one that is used 2"


def test_runs_of_one_day_are_ordered_by_time_then_by_their_newest_file(tree: Any) -> None:
    add_run(tree, "T20250101_Gb", ["A", "B", "B", "A"], [1, 0, 0, 1])
    add_run(tree, "T20250101_Ga", ["B", "B", "B", "B"], [0, 0, 0, 0])
    for run, time in (("T20250101_Ga", 2_000), ("T20250101_Gb", 1_000)):
        for path in tree.root.glob(f"*/M/{run}/*"):
            os.utime(path, (time, time))
    assert set(tree.source().read().records[schema.RUN]) == {"T20250101_Ga"}


def test_answers_of_another_run_are_never_joined_with_grades(tree: Any) -> None:
    """Archives may name the two runs differently: the answers tell whether a file belongs to the grades."""
    tree.result("M", "MMStar_openai_result", {**ROWS, "prediction": ["A", "B", "B", "A"], "hit": [1, 0, 0, 1]}, OLD)
    tree.predictions("M", "MMStar", {**ROWS, "prediction": ["A", "B", "B", "A"]}, "T20241231_Ginfer")
    assert notes(tree.source().read(), "predictions_from_results") == []
    shutil.rmtree(tree.root / "VLMEvalKit_inference")
    tree.predictions("M", "MMStar", {**ROWS, "prediction": ["long answer", "b", "c", "d"]}, NEW)
    read = tree.source().read()
    assert read.records[schema.PREDICTION].tolist() == ["A", "B", "B", "A"]
    assert notes(read, "other_answers")
    assert notes(read, "predictions_from_results")


def test_judges_are_compared_and_the_preferred_one_counts(tree: Any) -> None:
    said = ["A", "B", "B", "A"]
    add_run(tree, NEW, said, [1, 0, 0, 1], "gpt-4o-mini")
    add_run(tree, NEW, said, [1, 1, 0, 1], "openai")
    add_run(tree, NEW, said, [1, 0, 0, 1], "exact_matching")
    read = tree.source().read()
    assert set(read.records[schema.GRADED_BY]) == {"hit (gpt-4o-mini)"}
    assert notes(read, "judge_agreement") == [
        "exact_matching and gpt-4o-mini agree on 100.0 % of the samples",
        "openai and gpt-4o-mini agree on 75.0 % of the samples",
    ]
    read = tree.source(judges=["openai"]).read()
    assert read.records[schema.QUALITY].tolist() == [1, 1, 0, 1]
    assert notes(tree.source(replicates="skip").read(), "judge_agreement") == []


def test_links_of_the_kit_are_no_second_run(tree: Any, tmp_path: Any, xlsx: Any) -> None:
    work = tmp_path / "outputs"
    for run, hits in (("T20250101_Gunknown", [1, 0, 0, 1]), (NEW, [1, 1, 1, 1])):
        said = ["A" if hit else "B" for hit in hits]
        xlsx(work / "M" / run / "M_MMStar.xlsx", {**ROWS, "prediction": said})
        xlsx(work / "M" / run / "M_MMStar_openai_result.xlsx", {**ROWS, "prediction": said, "hit": hits})
    for path in (work / "M" / NEW).iterdir():
        (work / "M" / path.name).symlink_to(path.relative_to(work / "M"))
    read = tree.source(work).read()
    assert set(read.records[schema.RUN]) == {NEW}
    assert read.replicates is not None
    assert set(read.replicates[schema.RUN]) == {"T20250101_Gunknown"}


@pytest.mark.parametrize("no_answer", ["unknown", "wrong"])
def test_an_answer_that_was_never_given(tree: Any, no_answer: str) -> None:
    failed = "Failed to obtain answer via API."
    bare = {"index": [1, 2, 3], "question": ["q"] * 3, "answer": ["7", "7", "7"], "prediction": ["7", failed, None]}
    tree.predictions("M", "ChartQA_TEST", bare)
    tree.predictions("M", "DocVQA_VAL", bare)
    tree.predictions("M", "OCRBench", {**bare, "category": ["Text Recognition"] * 3})
    tree.predictions("M", "HallusionBench", {**bare, "answer": ["Yes"] * 3, "prediction": ["Yes", failed, None]})
    # Circular: rotation 1000002 of question 2 was never answered.
    tree.predictions(
        "M",
        "MMBench_DEV_EN_V11",
        {
            "index": [1, 1000001, 2, 1000002],
            "question": ["q"] * 4,
            "A": ["x"] * 4,
            "B": ["y"] * 4,
            "answer": ["A"] * 4,
            "prediction": ["A", "A", "A", failed],
        },
    )
    graded = {"index": [1, 2], "prediction": ["A", failed], "hit": [1, 0]}
    tree.result("M", "MMStar_openai_result", graded)
    read = tree.source(no_answer=no_answer).read()
    gap = 0.0 if no_answer == "wrong" else np.nan
    for dataset, expected in {
        "ChartQA_TEST": [1, gap, gap],
        "DocVQA_VAL": [1, gap, gap],
        "OCRBench": [1, gap, gap],
        "HallusionBench": [1, gap, gap],
        "MMBench_DEV_EN_V11": [1, gap],
        "MMStar": [1, 0],  # the evaluator's own grade stands
    }.items():
        rows = read.records[schema.SAMPLE_ID].astype("str").str.startswith(dataset + "/")
        np.testing.assert_array_equal(read.records.loc[rows, schema.QUALITY], np.float32(expected), err_msg=dataset)
    assert read.records[schema.FLAGS].astype("str").str.contains("failed").sum() == 5
