"""The 14 datasets by name, from files on disk to grades, against numbers worked out by hand."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from vlrb import schema

UNKNOWN = math.nan
FAILED = "Failed to obtain answer via API."
Columns = Mapping[str, Sequence[Any]]


def grades(tree: Any, dataset: str, **rules: Any) -> list[float]:
    records = tree.source(**rules).read().records
    assert {sample.split("/")[0] for sample in records[schema.SAMPLE_ID].astype(str)} == {dataset}
    return records[schema.QUALITY].tolist()


def check(found: list[float], wanted: Sequence[float]) -> None:
    assert found == pytest.approx(list(wanted), abs=1e-6, nan_ok=True)


def said(*predictions: Any, **columns: Sequence[Any]) -> dict[str, Any]:
    return {"index": list(range(len(predictions))), **columns, "prediction": list(predictions)}


# --- multiple choice ------------------------------------------------------------------------------------------------
LETTERED = ["RealWorldQA", "MMStar", "AI2D_TEST", "MMMU_DEV_VAL", "MMBench_DEV_EN_V11"]
OPTIONS = {"A": ["red"] * 6, "B": ["green apple"] * 6, "C": ["None"] * 6, "answer": ["B"] * 6}
CHOSEN = said("B", "The answer is (A).", "a green apple", "A or B", "", FAILED, **OPTIONS)
CHOSEN_GRADES = [1, 0, 1, UNKNOWN, UNKNOWN, UNKNOWN]  # two letters; nothing; no answer: no rule decides


@pytest.mark.parametrize("dataset", LETTERED)
def test_choice_from_predictions(tree: Any, dataset: str) -> None:
    tree.predictions("M", dataset, CHOSEN)
    check(grades(tree, dataset), CHOSEN_GRADES)
    check(grades(tree, dataset, no_answer="wrong"), [1, 0, 1, UNKNOWN, 0, 0])


@pytest.mark.parametrize("dataset", LETTERED)
def test_a_judge_s_marks_come_before_predictions(tree: Any, dataset: str) -> None:
    tree.predictions("M", dataset, CHOSEN)
    tree.result("M", f"{dataset}_openai_result", CHOSEN | {"hit": [0, 1, 0, 1, 0, 1]})
    check(grades(tree, dataset), [0, 1, 0, 1, 0, 1])
    tree.result("M", f"{dataset}_exact_matching_result", CHOSEN | {"hit": [1] * 6})  # the last of all judges
    check(grades(tree, dataset), [0, 1, 0, 1, 0, 1])
    tree.result("M", f"{dataset}_gpt-4o-mini_result", CHOSEN | {"hit": [True, "0", "1.0", False, 1.0, "True"]})
    check(grades(tree, dataset), [1, 0, 1, 0, 1, 1])


@pytest.mark.parametrize("dataset", [name for name in LETTERED if name[:3] != "MMB"])
def test_the_verifier_s_marks_come_between(tree: Any, dataset: str) -> None:
    tree.predictions("M", dataset, CHOSEN)
    verified = {"verifier_score": [True] * 6, "verifier_match": [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]}
    tree.result("M", f"{dataset}_detailed_results", CHOSEN | verified)
    check(grades(tree, dataset), [0, 1, 0, 1, 0, 1])
    tree.result("M", f"{dataset}_my judge_result", CHOSEN | {"hit": [1] * 6})
    check(grades(tree, dataset), [1] * 6)


def test_mmmu_open_questions_need_a_judge(tree: Any) -> None:
    """An open question has no options and a free answer; the evaluator writes the answer into option A."""
    columns: dict[str, Any] = {"A": [None, "cat"], "B": [None, "dog"], "answer": ["24/7", "A"]}
    rows = said("24/7", "A", **columns, split=["dev", "validation"])
    tree.predictions("M", "MMMU_DEV_VAL", rows)
    check(grades(tree, "MMMU_DEV_VAL"), [UNKNOWN, 1])
    check(grades(tree, "MMMU_DEV_VAL", mmmu="validation"), [1])
    evaluated = rows | {"A": ["24/7", "cat"], "B": ["Other Answers", "dog"], "hit": [1, 0]}
    tree.result("M", "MMMU_DEV_VAL_gpt-4o-mini_result", evaluated)
    check(grades(tree, "MMMU_DEV_VAL"), [1, 0])
    check(grades(tree, "MMMU_DEV_VAL", mmmu="validation"), [0])


CIRCLE: dict[str, Any] = {
    # Question 1: both right. 2: its rotation is wrong. 3: its rotation is not told. 4: wrong, its rotation not told.
    "index": [1, 2, 3, 4, 1_000_001, 1_000_002, 1_000_003, 1_000_004, 5],  # 5 has no rotation in the logs
    "A": ["red"] * 4 + ["blue"] * 4 + ["red"],
    "B": ["blue"] * 4 + ["red"] * 4 + ["blue"],
    "answer": ["A"] * 4 + ["B"] * 4 + ["A"],
    "prediction": ["A", "A", "A", "B", "B", "A", "?", "?", "A"],
}


def test_mmbench_is_right_only_if_every_rotation_is(tree: Any) -> None:
    tree.predictions("M", "MMBench_DEV_EN_V11", CIRCLE)
    check(grades(tree, "MMBench_DEV_EN_V11"), [1, 0, UNKNOWN, 0, 1])
    check(grades(tree, "MMBench_DEV_EN_V11", mmbench="vanilla"), [1, 1, 1, 0, 1])


def test_mmbench_marks_are_of_whole_groups(tree: Any) -> None:
    tree.predictions("M", "MMBench_DEV_EN_V11", CIRCLE)
    base = {title: [values[i] for i in (0, 1, 2, 3, 8)] for title, values in CIRCLE.items()}
    tree.result("M", "MMBench_DEV_EN_V11_openai_result", base | {"g_index": base["index"], "hit": [0, 0, 1, 0, 1]})
    check(grades(tree, "MMBench_DEV_EN_V11"), [0, 0, 1, 0, 1])
    check(grades(tree, "MMBench_DEV_EN_V11", mmbench="vanilla"), [1, 1, 1, 0, 1])  # from the predictions again
    vanilla = base | {"hit": [1, 0, 0, 0, 0]}
    tree.result("M", "MMBench_DEV_EN_V11_openai_vanilla_circ0_result", vanilla)
    check(grades(tree, "MMBench_DEV_EN_V11", mmbench="vanilla"), [1, 0, 0, 0, 0])


def test_mmbench_groups_follow_their_own_column(tree: Any) -> None:
    rows = {title: [values[i] for i in (0, 5)] for title, values in CIRCLE.items()}
    tree.predictions("M", "MMBench_DEV_EN_V11", rows | {"g_index": [1, 1]})  # index 1000002 is a rotation of 1 here
    check(grades(tree, "MMBench_DEV_EN_V11"), [0])


# --- yes or no ------------------------------------------------------------------------------------------------------
ASKED = {"index": [f"VD_chart_0_{i}_1_0" for i in range(6)], "answer": ["Yes"] * 6}
REPLIED = ASKED | {"prediction": ["Yes, it is.", "no!", "Yes and no", "maybe", "", FAILED]}


def test_hallusion_from_predictions(tree: Any) -> None:
    tree.predictions("M", "HallusionBench", REPLIED)
    check(grades(tree, "HallusionBench"), [1, 0, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN])


def test_hallusion_extracted_without_a_score_is_compared(tree: Any) -> None:
    tree.predictions("M", "HallusionBench", REPLIED)
    extracted = ["Yes", "No", "Unknown", "yes", "Yes", None]
    tree.result("M", "HallusionBench_auxmatch", REPLIED | {"extracted": extracted})
    check(grades(tree, "HallusionBench"), [1, 0, 0, 0, 1, UNKNOWN])  # case counts
    scores = [False, True, None, "True", 0, 1]
    tree.result("M", "HallusionBench_auxmatch", REPLIED | {"extracted": extracted, "score": scores})
    check(grades(tree, "HallusionBench"), [0, 1, 0, 1, 0, 1])  # the empty one: Unknown is not Yes


# --- mathematics ----------------------------------------------------------------------------------------------------
VISTA: dict[str, Any] = {
    "question_type": ["multi_choice"] * 3 + ["free_form"] * 6,
    "answer_type": ["text"] * 3 + ["integer", "integer", "float", "float", "text", "list"],
    "choices": ["['1 cm', '2 cm']"] * 3 + [None] * 6,
    "answer": ["2 cm"] * 3 + ["3", "3", "1.5", "1.5", "left", "[1, 2]"],
    "answer_option": ["B"] * 3 + [None] * 6,
}


def test_math_vista_answer_types(tree: Any) -> None:
    """Letters; option texts; whole numbers ("3.0" is none); decimal numbers exactly; texts and lists never."""
    rows = said("B", "1 cm", "?", "3", "4", "1.50", "1.51", "left", "[1, 2]", **VISTA)
    tree.predictions("M", "MathVista_MINI", rows)
    check(grades(tree, "MathVista_MINI"), [1, 0, UNKNOWN, 1, UNKNOWN, 1, UNKNOWN, UNKNOWN, UNKNOWN])
    judged = {"res": ["(B)", "A", None, "3", "3.0", 1.5, "1.5000001", "left", "[1, 2]"], "log": ["Succeed"] * 9}
    tree.result("M", "MathVista_MINI_my-judge", rows | judged)
    check(grades(tree, "MathVista_MINI"), [1, 0, 0, 1, 0, 1, 0, 0, 0])
    check(grades(tree, "MathVista_MINI", math_vista="fair"), [1, 0, 0, 1, 0, 1, 0, 1, 1])
    tree.result("M", "MathVista_MINI_my-judge", rows | judged | {"log": ["Prefetch succeed"] * 9})
    check(grades(tree, "MathVista_MINI"), [1, 0, 0, 1, 1, 1, 1, 1, 1])  # compared before, unless a letter was found


@pytest.mark.xfail(strict=True, reason="numbers are kept as text, so 3.7 is no whole number; Python's int(3.7) is 3")
def test_math_vista_cuts_a_number_cell_to_a_whole_one(tree: Any) -> None:
    rows = said("3.7", question_type=["free_form"], answer_type=["integer"], choices=[None], answer=["3"])
    rows |= {"answer_option": [None], "res": [3.7], "log": ["Succeed"]}
    tree.result("M", "MathVista_MINI_gpt-4o-mini", rows)
    check(grades(tree, "MathVista_MINI"), [1])


def test_math_vision_letters_and_latex(tree: Any) -> None:
    """Without choices: equal text, equal arithmetic, equal LaTeX, each within a millionth."""
    columns = {"choices": ["['1', '2', '3']"] * 2 + ["[]"] * 5, "answer": ["B", "B", "0.5", "0.5", "x", "2", "3"]}
    rows = said("B", "C", "1/2", r"\frac{1}{2}", "X ", "2.000001", "", **columns)
    tree.predictions("M", "MathVision_MINI", rows)
    check(grades(tree, "MathVision_MINI"), [1, 0, 1, 1, 1, UNKNOWN, UNKNOWN])
    judged = {"res": ["(C)", "B", "2/4", r"\frac{2}{3}", "y", "2.0000001", None], "log": ["Succeed"] * 7}
    tree.result("M", "MathVision_MINI_gpt-4o-mini", rows | judged)
    check(grades(tree, "MathVision_MINI"), [0, 1, 1, 0, 0, 1, 0])
    tree.result("M", "MathVision_MINI_gpt-4o-mini", rows | judged | {"log": ["Prefetch succeed"] * 7})
    check(grades(tree, "MathVision_MINI"), [0, 1, 1, 1, 1, 1, 1])


def test_math_verse_is_judged_or_equals_to_the_letter(tree: Any) -> None:
    rows = said("so A", "so 4", FAILED, answer=["A", "3", "C"], question_for_eval=["?"] * 3)
    tree.predictions("M", "MathVerse_MINI", rows)
    tree.result("M", "MathVerse_MINI_gpt-4o-mini_extract", rows | {"extract": ["A", "4", None]})
    check(grades(tree, "MathVerse_MINI"), [1, UNKNOWN, UNKNOWN])  # another spelling may be right as well
    tree.result("M", "MathVerse_MINI_gpt-4o-mini_score", rows | {"score": [False, "True", 0]})
    check(grades(tree, "MathVerse_MINI"), [0, 1, 0])


def test_math_verse_predictions_alone_are_unknown(tree: Any) -> None:
    tree.star("M", [1, 0])  # something that is graded
    tree.predictions("M", "MathVerse_MINI", said("A", answer=["A"]))
    records = tree.source().read().records.set_index(schema.SAMPLE_ID)
    assert math.isnan(records.loc["MathVerse_MINI/0", schema.QUALITY])


# --- short answers --------------------------------------------------------------------------------------------------
TEN = str(["2"] * 2 + ["5"] * 8)


def test_text_vqa_is_soft(tree: Any) -> None:
    rows = said("Two.", "five", "7", "", FAILED, answer=[TEN] * 5)
    tree.predictions("M", "TextVQA_VAL", rows)
    # "2": for each of the two annotators who say it 1 other does (1/3), for the eight others 2 do (2/3):
    # (2 · 1/3 + 8 · 2/3) / 10 = 0.6. "5": all have at least 7 others: 1.
    check(grades(tree, "TextVQA_VAL"), [0.6, 1, 0, UNKNOWN, UNKNOWN])
    tree.result("M", "TextVQA_VAL_results", rows | {"eval_score": [0.3, 0.9, 0, 1, 0], "eval_match": ["[1]"] * 5})
    check(grades(tree, "TextVQA_VAL"), [0.3, 0.9, 0, 1, 0])  # soft grades are kept; below 0.5 counts as wrong later


def test_chart_qa_numbers_percents_and_lists(tree: Any) -> None:
    answers = ["10", "10", "50%", "1,234", "['Yes', '7']", "0", "Up", "10", "10"]
    rows = said("10.5", "10.51", "0.51", "1234", "yes", "0.0", "UP", "", FAILED, answer=answers)
    tree.predictions("M", "ChartQA_TEST", rows)
    # 0.5/10 = 5 %; 5.1 %; 0.01/0.5 = 2 %; no thousands; either of a list; a target of 0 is compared as text.
    check(grades(tree, "ChartQA_TEST"), [1, 0, 1, 0, 1, 0, 1, UNKNOWN, UNKNOWN])
    match = ["[False]", "[True]", "[False, True]", "[0, 0]", "[1.0]", "[0]", "[True]", "[False]", "[False]"]
    tree.result("M", "ChartQA_TEST_results", rows | {"eval_match": match, "eval_score": [0.5] * 9})
    check(grades(tree, "ChartQA_TEST"), [0, 1, 1, 0, 1, 0, 1, 0, 0])


@pytest.mark.parametrize("dataset", ["DocVQA_VAL", "InfoVQA_VAL"])
def test_documents_by_edit_distance(tree: Any, dataset: str) -> None:
    answers = ["['Hello', 'x']"] * 4 + ["['ab']", "['Hello']", "['Hello']"]
    rows = said("Hallo", "HELLO", "Help", "nothing", "a", "", FAILED, answer=answers)
    tree.predictions("M", dataset, rows)
    # 1 − 1/5; 1; "Help" → "Hello": 2 edits of 5 letters, 1 − 2/5; too far: 0; 1 − 1/2 is not yet cut.
    check(grades(tree, dataset), [0.8, 1, 0.6, 0, 0.5, UNKNOWN, UNKNOWN])
    match = ["[0.2, 1]", "[0]", "[1, 0.5]", "[0.51, 1]", "[1]", "[0.0, 0.9]", "[1.0]"]
    tree.result("M", f"{dataset}_results", rows | {"eval_match": match, "eval_score": [1] * 7})
    check(
        grades(tree, dataset), [0.8, 1, 0.5, 0, 0, 1, 0]
    )  # 1 − 0.51 = 0.49 is cut to 0; the mean distance is not used


@pytest.mark.parametrize("dataset", ["TextVQA_VAL", "ChartQA_TEST", "DocVQA_VAL", "InfoVQA_VAL", "MathVista_MINI"])
def test_the_verifier_s_marks_come_before_predictions(tree: Any, dataset: str) -> None:
    rows = said("x", "y", answer=["['x']", "['y']"], **{k: v[:2] for k, v in VISTA.items() if k != "answer"})
    tree.predictions("M", dataset, rows)
    tree.result("M", f"{dataset}_detailed_results", rows | {"verifier_match": [0.0, 1.0]})
    check(grades(tree, dataset), [0, 1])


HANDWRITTEN = "Handwritten Mathematical Expression Recognition"


def test_ocr_bench_looks_for_the_answer_in_the_prediction(tree: Any) -> None:
    categories = ["Regular Text Recognition"] * 3 + [HANDWRITTEN] * 3 + ["Doc-oriented VQA"] * 2
    answers = ["['STOP', 'HALT']", "['a\\nb']", "['x y']", "['x ^ 2']", "['X']", "['a b']", "['a']", "['answer']"]
    rows = said("it says stop.", "A B", "xy", "= x^2", "x", "a\nb", "", FAILED, answer=answers, category=categories)
    tree.predictions("M", "OCRBench", rows)
    # Case is ignored, a line end is a space; only in formulas spaces are ignored, and there case is not.
    check(grades(tree, "OCRBench"), [1, 1, 0, 1, 0, 1, UNKNOWN, UNKNOWN])
