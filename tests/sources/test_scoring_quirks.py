"""What the kit's evaluators do that one might not expect, on hand-made rows."""

import numpy as np
from score_tables import UNKNOWN, VISTA, check, table

from vlrb.sources.vlmevalkit.scoring import (
    choice,
    distance,
    math_verse,
    math_vision,
    math_vista,
    ocr,
    relaxed,
    soft_vqa,
    yes_no,
)


def test_math_vista_numbers_are_compared_as_the_kit_does() -> None:
    """int("3.0") is an error and so wrong, a workbook's number 3 is read as "3"; decimals have no tolerance."""
    kinds = ["integer"] * 5 + ["float"] * 3
    rows = {
        "question_type": ["free_form"] * 8,
        "answer_type": kinds,
        "choices": [""] * 8,
        "answer": ["3", "3", "-3", "1000", "3", "1.2", "1.2", "0.5"],
        "answer_option": [""] * 8,
    }
    res = ["3.0", "3", " -3 ", "1_000", "", "1.20", "1.2000001", "1/2"]
    check(math_vista.score_res(table(res=res, **rows)).quality, [0, 1, 1, 1, 0, 1, 0, 0])


def test_math_vista_texts_and_lists_count_as_wrong_or_are_compared() -> None:
    res = ["B", "1 cm", "?", "3", "3", "3.0", "1.5", "0.3", " left", "[1, 2]"]
    official = [1, 0, 0, 1, 1, 0, 1, 1, 0, 0]
    check(math_vista.score_res(table(res=res, **VISTA)).quality, official)
    check(math_vista.score_res_fair(table(res=res, **VISTA)).quality, [*official[:8], 1, 1])


def test_the_kits_own_comparison_of_a_prediction_is_believed() -> None:
    """Prefetched: for open questions the kit compared it itself; for choices it only found a letter."""
    prefetched = ["Prefetch succeed", "Prefetch succeed", ""]
    rows = {
        "question_type": ["free_form", "multi_choice", "free_form"],
        "answer_type": ["float", "text", "float"],
        "choices": ["", "['x', 'y']", ""],
        "answer": ["1.5", "y", "1.5"],
        "answer_option": ["", "B", ""],
    }
    check(math_vista.score_res(table(res=["?", "A", "?"], log=prefetched, **rows)).quality, [1, 0, 0])
    vision = table(res=["?", "A", "?"], log=prefetched, choices=rows["choices"], answer=["7", "B", "7"])
    check(math_vision.score_res(vision).quality, [1, 0, 0])


def test_without_the_true_answer_nothing_is_right_or_wrong() -> None:
    """Test splits have no answers: an empty prediction must not equal an empty truth."""
    empty = {"answer": ["", ""], "prediction": ["", "A"]}
    unknown = [UNKNOWN, UNKNOWN]
    check(math_vision.score_res(table(res=["", "A"], answer=["", ""])).quality, unknown)
    check(math_vision.score_prediction(table(**empty)).quality, unknown)
    check(math_verse.score_extract(table(extract=["", "A"], answer=["", ""])).quality, unknown)
    check(ocr.score_substring(table(**empty, category=["", ""])).quality, unknown)
    check(relaxed.score_prediction(table(**empty)).quality, unknown)
    check(distance.score_prediction(table(**empty)).quality, unknown)
    check(soft_vqa.score_prediction(table(**empty)).quality, unknown)
    check(yes_no.score_yes_no(table(answer=["", ""], prediction=["yes", "no"])).quality, unknown)
    check(yes_no.score_auxmatch(table(answer=["", ""], extracted=["Yes", ""])).quality, unknown)
    check(choice.score_letters(table(**empty, A=["x", "x"], B=["y", "y"])).quality, unknown)
    vista = {**{name: cells[:2] for name, cells in VISTA.items()}, "answer_option": ["", ""]}
    check(math_vista.score_res(table(res=["", "B"], **vista)).quality, unknown)
    check(math_vista.score_prediction(table(prediction=["", "B"], **vista)).quality, unknown)


FAILED = "Failed to obtain answer via API."


def test_a_failed_call_is_no_answer() -> None:
    rows = table(prediction=[FAILED], answer=["failed"], category=["Text Recognition"], A=["failed to"], B=["x"])
    for scorer in (
        *(choice.score_letters, math_vision.score_prediction, yes_no.score_yes_no, soft_vqa.score_prediction),
        *(relaxed.score_prediction, distance.score_prediction, ocr.score_substring),
    ):
        check(scorer(rows).quality, [UNKNOWN])


def test_an_open_question_of_mmmu_is_unknown_even_in_a_result_file() -> None:
    """The evaluator writes the true answer into option A and "Other Answers" into B."""
    rows = table(prediction=["B", "A", "14"], answer=["A", "A", "14"], A=["14", "x", ""], B=["Other Answers", "y", ""])
    check(choice.score_letters(rows).quality, [UNKNOWN, 1, UNKNOWN])


def test_edit_distance_equals_the_textbook_table() -> None:
    def textbook(left: str, right: str) -> int:
        row = list(range(len(right) + 1))
        for i, a in enumerate(left, 1):
            above, row = row, [i]
            for j, b in enumerate(right, 1):
                row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
        return row[-1]

    random = np.random.default_rng(0)
    for _ in range(300):
        left, right = ("".join(random.choice(list("abcé "), random.integers(0, 90))) for _ in range(2))
        assert distance.edit_distance(left, right) == textbook(left, right)


def test_anls_divides_by_the_raw_length() -> None:
    """Space is collapsed before edits are counted, not before letters are: 1 edit over 8 raw letters."""
    assert distance.answer_anls("  a  bcd", "a bxd") == 1 - 1 / 8
    assert distance.answer_anls("A\t\tB", "a b") == 1.0
