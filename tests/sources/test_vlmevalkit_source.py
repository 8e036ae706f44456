"""Whole trees: what comes out of the reader, and what it says about trees that cannot be read."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vlrb import schema
from vlrb.sources.base import RecordSet
from vlrb.sources.vlmevalkit import pool
from vlrb.utils.errors import DataError

QUESTIONS: dict[str, Any] = {
    "index": [0, 1],
    "question": ["q0", "q1"],
    "A": ["x", "x"],
    "B": ["y", "y"],
    "answer": ["A", "B"],
}


def quality(read: RecordSet, model: str, dataset: str = "") -> dict[str, float]:
    rows = read.records[read.records[schema.MODEL_ID] == model]
    pairs = zip(rows[schema.SAMPLE_ID].astype("str"), rows[schema.QUALITY].round(4), strict=True)
    return {sample: value for sample, value in pairs if sample.startswith(dataset)}


def kinds(read: RecordSet) -> dict[str, int]:
    counts: dict[str, int] = {}
    for note in read.notes:
        counts[note.kind] = counts.get(note.kind, 0) + note.count
    return counts


def flags(read: RecordSet) -> list[str]:
    return read.records[schema.FLAGS].astype("str").tolist()


def test_a_graded_dataset_with_pictures(tree: Any) -> None:
    tree.star("Alpha", hits=(1, 0))
    tree.star("Beta v2 (new)", hits=(0, 0))  # a folder name may hold spaces and marks
    read = tree.source().read()
    assert tuple(read.samples.columns) == schema.SAMPLE_COLUMNS
    assert set(read.records.columns) == {*schema.RECORD_COLUMNS, schema.RUN, schema.PREDICTION}
    assert set(read.records[schema.RUN]) == {"T20250901_Gabcdef12"}
    assert read.model_ids == ["Alpha", "Beta v2 (new)"]
    assert read.samples[schema.SAMPLE_ID].tolist() == ["MMStar/0", "MMStar/1"]
    assert quality(read, "Alpha") == {"MMStar/0": 1, "MMStar/1": 0}
    first = read.samples.iloc[0]
    assert first[schema.PROMPT] == "Question: Which animal?\nOptions:\nA. cat\nB. dog"
    assert first[schema.SUFFIX] == "\nPlease select the correct answer from the options above. "
    assert (first[schema.GROUP], first[schema.TASK]) == ("General", "vqa_mc")
    assert read.samples[schema.PROMPT][1].endswith("B. None")  # an option that looks like a missing value
    assert set(first[schema.IMAGES][0]) == set(schema.PICTURE_FIELDS)
    record = read.records.iloc[0]
    assert record[schema.GRADED_BY] == "hit (openai)"
    assert record[schema.SOURCE] == "VLMEvalKit_evaluation/Alpha/T20250901_Gabcdef12/Alpha_MMStar_openai_result.xlsx"
    assert (record[schema.PREDICTION], record[schema.FLAGS]) == ("A", "")
    assert read.records[schema.QUALITY].dtype == np.float32
    assert not read.records.duplicated([schema.SAMPLE_ID, schema.MODEL_ID]).any()
    assert kinds(read) == {}


def test_join_is_by_key_never_by_position(tree: Any) -> None:
    rows = {**QUESTIONS, "prediction": ["zero", "one"]}
    tree.predictions("M", "MMStar", rows)
    tree.result("M", "MMStar_openai_result", {name: values[::-1] for name, values in rows.items()} | {"hit": [0, 1]})
    read = tree.source().read()
    assert quality(read, "M") == {"MMStar/0": 1, "MMStar/1": 0}
    assert read.records[schema.PREDICTION].tolist() == ["zero", "one"]


def test_answers_are_never_part_of_a_prompt(tree: Any) -> None:
    """The evaluator puts the answer of an open MMMU question into option A of its result file."""
    rows = {
        "index": [0, 1],
        "question": ["open?", "<image 1> which?"],
        "hint": ["look", ""],
        "A": ["SECRET", "x"],
        "B": ["Other Answers", "y"],
        "answer": ["SECRET", "A"],
        "prediction": ["?", "A"],
        "hit": [0, 1],
    }
    tree.result("M", "MMMU_DEV_VAL_gpt-4o-mini_result", rows)
    read = tree.source().read()
    prompts = read.samples[schema.PROMPT].tolist()
    assert prompts == ["Hint: look\nQuestion: open?", "Question: <image 1> which?\nOptions:\nA. x\nB. y"]
    assert kinds(read)["predictions_from_results"] == 1


def test_prompts_of_other_datasets(tree: Any) -> None:
    one = {"index": [1], "question": ["q"], "answer": ["a"], "prediction": ["a"]}
    tree.predictions("M", "DocVQA_VAL", one)
    tree.predictions("M", "MathVerse_MINI_Vision_Only_cot", {**one, "query_cot": ["think first"], "problem_index": [7]})
    tree.predictions("M", "OCRBench", {**one, "category": ["Text Recognition"]})
    read = tree.source().read()
    samples = read.samples.set_index(schema.DATASET)
    assert samples[schema.PROMPT].to_dict() == {
        "DocVQA_VAL": "q",
        "MathVerse_MINI_Vision_Only_cot": "think first",
        "OCRBench": "q",
    }
    assert samples[schema.SUFFIX]["DocVQA_VAL"] == "\nAnswer the question using a single word or phrase."
    assert samples[schema.SPLIT_KEY]["MathVerse_MINI_Vision_Only_cot"] == "MathVerse/7"
    assert samples[schema.TASK].to_dict()["OCRBench"] == "ocr_qa"


def test_circular_sets_keep_questions_as_first_asked(tree: Any) -> None:
    rows = {
        "index": [1, 1000001, 2, 1000002],
        "question": ["q1", "q1", "q2", "q2"],
        "A": ["x", "y"] * 2,
        "B": ["y", "x"] * 2,
        "answer": ["A", "B", "A", "B"],
        "prediction": ["A", "B", "A", "A"],
    }
    tree.predictions("M", "MMBench_DEV_EN_V11", rows)
    read = tree.source().read()
    assert quality(read, "M") == {"MMBench_DEV_EN_V11/1": 1, "MMBench_DEV_EN_V11/2": 0}
    assert read.samples[schema.SPLIT_KEY].tolist() == ["MMBench/1", "MMBench/2"]
    vanilla = tree.source(mmbench="vanilla").read()
    assert quality(vanilla, "M") == {"MMBench_DEV_EN_V11/1": 1, "MMBench_DEV_EN_V11/2": 1}
    base = {name: values[::2] for name, values in rows.items()}
    # A result file alone: its marks are of all rotations, the answers in it tell about the questions as first asked.
    tree.result("N", "MMBench_DEV_EN_V11_openai_result", {**base, "hit": [0, 0]})
    alone = tree.source(mmbench="vanilla").read()
    assert quality(alone, "N") == {"MMBench_DEV_EN_V11/1": 1, "MMBench_DEV_EN_V11/2": 1}
    assert set(alone.records[schema.GRADED_BY]) == {"letter matching"}
    tree.result("M", "MMBench_DEV_EN_V11_openai_result", {**base, "g_index": [1, 2], "hit": [0, 1]})
    assert quality(tree.source().read(), "M") == {"MMBench_DEV_EN_V11/1": 0, "MMBench_DEV_EN_V11/2": 1}


def test_a_pickled_table_is_never_opened_but_pointed_out(tree: Any, tmp_path: Path, xlsx: Any) -> None:
    """Where a writer fails the kit pickles the table under the prediction file's name."""
    xlsx(tmp_path / "M" / "M_MMStar.xlsx", {**QUESTIONS, "prediction": ["A", "B"]})
    for name in ("M_OCRBench.pkl", "M_MMStar_openai_result.pkl", "01_MMStar.pkl"):
        (tmp_path / "M" / name).write_bytes(b"cos\nabort\n(tR.")
    read = tree.source(tmp_path, work=[]).read()
    found = {note.where: note.message for note in read.notes if note.kind == "ignored_files"}
    assert found["M/M_OCRBench.pkl"].startswith("a table that the kit could only pickle")
    assert found["M/01_MMStar.pkl"].startswith("a temporary or cache file")
    assert read.samples[schema.DATASET].unique().tolist() == ["MMStar"]


def test_mmmu_rows_of_the_leaderboard(tree: Any) -> None:
    tree.result(
        "M",
        "MMMU_DEV_VAL_openai_result",
        {**QUESTIONS, "split": ["dev", "validation"], "prediction": ["A", "B"], "hit": [1, 1]},
    )
    assert len(tree.source().read().samples) == 2
    read = tree.source(mmmu="validation").read()
    assert read.samples[schema.SAMPLE_ID].tolist() == ["MMMU_DEV_VAL/1"]
    assert len(read.records) == 1


def test_hallusion_questions_about_one_figure_belong_together(tree: Any) -> None:
    keys = ["VD_chart_1_3_1_0", "VD_chart_1_3_1_1", "VD_chart_1_3_2_0"]
    rows = {
        "index": keys,
        "question": ["q"] * 3,
        "answer": ["Yes"] * 3,
        "prediction": ["Yes"] * 3,
        "extracted": ["Yes"] * 3,
    }
    tree.result("M", "HallusionBench_auxmatch", {**rows, "score": [True, True, False]})
    read = tree.source().read()
    assert read.samples[schema.SPLIT_KEY].nunique() == 2
    assert list(quality(read, "M").values()) == [1, 1, 0]


def test_an_explicit_mark_wins_over_an_extracted_answer(tree: Any) -> None:
    rows = {
        "index": [1, 2],
        "question": ["q", "q"],
        "answer": ["5", "6"],
        "prediction": ["5", "6"],
        "res": ["5", "6"],
        "log": ["", ""],
    }
    tree.result("M", "MathVision_gpt-4o-mini", {**rows, "hit": [0, 1]})
    tree.result("N", "MathVision_gpt-4o-mini", rows)
    read = tree.source().read()
    assert list(quality(read, "M").values()) == [0, 1]
    assert list(quality(read, "N").values()) == [1, 1]
    assert set(read.records[schema.GRADED_BY]) == {"hit (gpt-4o-mini)", "res against answer (gpt-4o-mini)"}


def test_flags_and_counts(tree: Any) -> None:
    long = "x" * 32_767
    rows = {
        "index": [1, 2, 3, 4],
        "question": ["q"] * 4,
        "prediction": [long, "Failed to obtain answer via API.", None, "nan"],
    }
    tree.predictions("M", "MMStar", rows)
    tree.result("M", "MMStar_openai_result", {"index": [1, 2, 3], "hit": [1, 0, None], "prediction": ["", "", ""]})
    read = tree.source().read()
    assert flags(read) == ["truncated", "failed", "missing_prediction;ungraded", "ungraded"]
    assert read.records[schema.PREDICTION].isna().tolist() == [False, False, True, False]
    assert read.records[schema.PREDICTION].iloc[3] == "nan"
    assert read.records[schema.GRADED_BY].tolist() == ["hit (openai)", "hit (openai)", "", ""]
    counted = {note.kind: note.count for note in read.notes if note.where == "M"}
    assert counted == {"truncated": 1, "failed": 1, "missing_prediction": 1, "ungraded": 2}


def test_a_result_older_than_its_predictions_is_marked(tree: Any, tmp_path: Path, xlsx: Any) -> None:
    folder = tmp_path / "work" / "M"
    prediction = xlsx(folder / "M_MMStar.xlsx", {**QUESTIONS, "prediction": ["A", "B"]})
    result = xlsx(folder / "M_MMStar_openai_result.xlsx", {"index": [0, 1], "hit": [1, 1], "prediction": ["A", "B"]})
    os.utime(result, (1_000_000, 1_000_000))
    os.utime(prediction, (1_000_060, 1_000_060))
    read = tree.source(tmp_path / "work").read()
    assert flags(read) == ["stale", "stale"]
    assert kinds(read)["stale_results"] == 2


def test_a_work_folder_in_every_naming_scheme(tree: Any, tmp_path: Path, xlsx: Any) -> None:
    work = tmp_path / "outputs"
    table = {**QUESTIONS, "prediction": ["A", "A"], "hit": [1, 0]}
    xlsx(work / "a" / "T20240222_Gmathv" / "a_MMStar_openai_result.xlsx", table)
    xlsx(work / "b.1" / "T20260409-081500" / "b.1_MMStar_openai_result.xlsx", table)
    xlsx(work / "org--c" / "org--c_MMStar_openai_result.xlsx", table)
    xlsx(work / "logs" / "x_MMStar.xlsx", table)
    for noise in (
        "a_MMStar_acc.csv",
        "01_MMStar.pkl",
        "a_MMStar_checkpoint.pkl",
        "status.json",
        "a_MMStar_openai_score.json",
    ):
        (work / "a" / "T20240222_Gmathv" / noise).write_text("{}")
    read = tree.source(work).read()
    assert read.model_ids == ["a", "b.1", "org--c"]
    assert read.samples[schema.DATASET].unique().tolist() == ["MMStar"]
    assert kinds(read)["ignored_files"] == 3  # two pickles and status.json; the totals hold none and say nothing


def test_links_are_seen_once_and_never_lead_outside(tree: Any, tmp_path: Path, xlsx: Any) -> None:
    work = tmp_path / "outputs"
    real = xlsx(
        work / "M" / "T20250101_Ga" / "M_MMStar_openai_result.xlsx",
        {**QUESTIONS, "prediction": ["A", "B"], "hit": [1, 0]},
    )
    (work / "M" / real.name).symlink_to(Path("T20250101_Ga") / real.name)
    (work / "M" / "M_OCRBench.xlsx").symlink_to("nowhere.xlsx")
    secret = xlsx(
        tmp_path / "secret" / "M_AI2D_TEST_openai_result.xlsx", {**QUESTIONS, "prediction": ["A", "B"], "hit": [1, 0]}
    )
    (work / "M" / secret.name).symlink_to(secret)
    (work / "N").symlink_to(tmp_path / "secret")
    read = tree.source(work).read()
    assert read.samples[schema.DATASET].unique().tolist() == ["MMStar"]
    assert set(read.records[schema.SOURCE]) == {f"M/T20250101_Ga/{real.name}"}
    reasons = {note.message: note.count for note in read.notes if note.kind == "ignored_files"}
    assert reasons == {"a link that leads outside the root": 2, "a link that leads nowhere": 1}


def test_an_unknown_dataset_with_marks_is_taken_with_a_note(tree: Any) -> None:
    rows = {"index": ["a", "b"], "question": ["q", "r"], "A": ["1", "2"], "B": ["3", "4"], "prediction": ["x", "y"]}
    tree.predictions("M", "My_Own_Set", rows)
    tree.result("M", "My_Own_Set_my_judge_result", {**rows, "Score": [True, False]})
    tree.predictions("M", "Other_Set", rows)
    read = tree.source().read()
    assert quality(read, "M") == {"My_Own_Set/a": 1, "My_Own_Set/b": 0}
    assert read.samples[schema.GROUP].unique().tolist() == ["Other"]
    assert read.samples[schema.TASK].unique().tolist() == ["vqa_mc"]
    by_kind = {note.kind: note.where for note in read.notes}
    assert by_kind["unknown_dataset"] == "My_Own_Set"
    assert by_kind["unused_logs"] == "M on Other_Set"


def test_pictures_of_logs_and_tsv_that_differ(tree: Any, make_picture: Any) -> None:
    tree.tsv("MMStar", {"index": [1, 5], "question": ["tsv q1", "q5"], "image": [make_picture(1), make_picture(2)]})
    tree.result("M", "MMStar_openai_result", {**QUESTIONS, "prediction": ["A", "B"], "hit": [1, 0]})
    read = tree.source().read()
    assert read.samples[schema.QUESTION].tolist() == ["q0", "tsv q1"]
    assert [len(images) for images in read.samples[schema.IMAGES]] == [0, 1]
    assert {"not_in_tsv", "not_in_logs"} <= set(kinds(read))


def test_other_table_formats_and_a_table_that_is_none(tree: Any) -> None:
    tree.result("M", "MMStar_openai_result", {"index": [9], "prediction": ["x"], "hit": [1]}).rename(
        tree.root / "keep.xlsx"
    )
    run = tree.root / "VLMEvalKit_evaluation" / "M" / "T20250901_Gabcdef12"
    (run / "M_MMStar_openai_result.tsv").write_text("index\tprediction\thit\n1\tA\t1\n2\t\t0.0\n")
    (run / "M_MathVista_MINI_notes.json").write_text('{"not": "a table"}')
    (run / "M_AI2D_TEST.json").write_text(
        json.dumps([{"index": 1, "A": "x", "B": "y", "answer": "A", "prediction": "A"}])
    )
    read = tree.source().read()
    assert quality(read, "M") == {"AI2D_TEST/1": 1, "MMStar/1": 1, "MMStar/2": 0}
    assert [(n.where, n.message) for n in read.notes if n.kind == "unused_logs"] == [
        ("M on MathVista_MINI", "no table of rows among its files")
    ]


def test_samples_are_in_natural_order_of_their_index(tree: Any) -> None:
    keys = [10, 9, 1, "b", "a"]
    tree.result("M", "MMStar_openai_result", {"index": keys, "prediction": ["x"] * 5, "hit": [1] * 5})
    read = tree.source().read()
    assert read.samples[schema.SAMPLE_ID].str.removeprefix("MMStar/").tolist() == ["1", "9", "10", "a", "b"]


def test_fingerprint_follows_files_and_settings(tree: Any) -> None:
    tree.star()
    source = tree.source()
    before = source.fingerprint()
    json.dumps(before)
    assert source.fingerprint() == before
    assert tree.source(mmbench="vanilla").fingerprint() != before
    tsv = tree.root / "TSV_images" / "MMStar.tsv"
    os.utime(tsv, ns=(1, 1))
    assert source.fingerprint() != before
    moved = tree.root.rename(tree.root.parent / "moved")
    assert tree.source(moved).fingerprint() == source.__class__.fingerprint(tree.source(moved))


def test_reading_in_processes_gives_the_same(tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for model in ("a", "b", "c"):
        tree.star(model, hits=(1, 0))
    alone = tree.source().read()
    monkeypatch.setattr(pool, "PARALLEL_BYTES", 0)
    monkeypatch.setattr(pool, "cores", lambda: 2)
    together = tree.source().read()
    pd.testing.assert_frame_equal(alone.samples, together.samples)
    pd.testing.assert_frame_equal(alone.records, together.records)
    tree.result("b", "AI2D_TEST_openai_result", {"index": [1], "prediction": ["x"], "hit": ["maybe"]})
    with pytest.raises(DataError, match=r"b_AI2D_TEST_openai_result.xlsx: row 2: hit is 'maybe'"):
        tree.source().read()


def test_reasoning_in_a_column_of_its_own_is_part_of_the_output(tree: Any) -> None:
    rows = {"index": [0, 1], "prediction": ["A", "B"], "thinking": ["<think>hm", ""]}
    tree.predictions("M", "MMStar", rows)
    tree.result("M", "MMStar_openai_result", {"index": [0, 1], "hit": [1, 0]})
    read = tree.source().read()
    assert read.records[schema.PREDICTION].tolist() == ["<think>hm</think>A", "B"]


def test_leading_zeros_that_the_kit_dropped_still_match(tree: Any, make_picture: Any) -> None:
    tree.tsv("MMStar", {"index": ["007", "010"], "question": ["a", "b"], "image": [make_picture(1), "007"]})
    tree.result("M", "MMStar_openai_result", {"index": [7, 10], "prediction": ["A", "B"], "hit": [1, 0]})
    read = tree.source().read()
    assert read.samples[schema.SAMPLE_ID].tolist() == ["MMStar/7", "MMStar/10"]
    assert [len(images) for images in read.samples[schema.IMAGES]] == [1, 1]
    tree.result("M", "MMStar_openai_result", {"index": ["007", "010"], "prediction": ["A", "B"], "hit": [1, 0]})
    assert tree.source().read().samples[schema.SAMPLE_ID].tolist() == ["MMStar/007", "MMStar/010"]
