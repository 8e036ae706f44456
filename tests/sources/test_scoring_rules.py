"""Every scoring rule on hand-made rows with the grade that follows from its definition."""

import pandas as pd
import pytest
from score_tables import UNKNOWN, VISTA, check, table

from vlrb.sources.vlmevalkit.datasets import KNOWN
from vlrb.sources.vlmevalkit.scoring import (
    RULES,
    NoGradeColumnError,
    choice,
    distance,
    explicit,
    math_verse,
    math_vision,
    math_vista,
    methods_for,
    ocr,
    relaxed,
    soft_vqa,
    yes_no,
)
from vlrb.sources.vlmevalkit.scoring.base import as_grades
from vlrb.sources.vlmevalkit.scoring.equality import as_number, same_answer
from vlrb.sources.vlmevalkit.scoring.letters import find_letter
from vlrb.sources.vlmevalkit.tables import KEY
from vlrb.utils.errors import DataError


def test_every_known_dataset_has_a_rule() -> None:
    fourteen = (
        *("MMMU_DEV_VAL", "MathVista_MINI", "MathVision_MINI", "MathVerse_MINI", "MMBench_DEV_EN_V11", "RealWorldQA"),
        *("MMStar", "HallusionBench", "TextVQA_VAL", "ChartQA_TEST", "DocVQA_VAL", "InfoVQA_VAL", "AI2D_TEST"),
        "OCRBench",
    )
    assert set(fourteen) <= set(KNOWN)
    assert {spec.rule for spec in KNOWN.values()} <= set(RULES)
    groups = {name: KNOWN[name].group for name in fourteen}
    assert sum(group == "General" for group in groups.values()) == 6
    assert sum(group == "STEM" for group in groups.values()) == 4
    assert {name for name, group in groups.items() if group == "Charts & OCR"} == {
        "ChartQA_TEST",
        "DocVQA_VAL",
        "TextVQA_VAL",
        "OCRBench",
    }


def test_order_of_preference_is_the_evaluators() -> None:
    forms = {rule: [method.form for method in methods_for(rule)] for rule in RULES}
    assert forms["choice"][:2] == ["result", "detailed"]
    assert forms["math_vista"][:2] == ["judged", "detailed"]
    assert forms["math_verse"][0] == "score"
    assert forms["math_verse"][-1] == "extract"
    assert forms["anls"][:2] == ["results", "detailed"]
    assert all(forms[rule][-1] == "prediction" for rule in RULES if rule != "math_verse")
    assert "result" not in forms["vanilla"]


def test_right_wrong_cells_in_all_spellings() -> None:
    cells = pd.Series(["1", "0", "1.0", "True", "false", "YES", "0.3", "", "nan"], dtype="str", name="hit")
    check(as_grades(cells), [1, 0, 1, 1, 0, 1, 0.3, UNKNOWN, UNKNOWN])


@pytest.mark.parametrize("cell", ["2", "-0.1", "maybe", "100", "inf"])
def test_a_cell_that_is_no_grade_is_named(cell: str) -> None:
    with pytest.raises(DataError, match=f"row 3: hit is '{cell}', not right/wrong"):
        as_grades(pd.Series(["1", cell], dtype="str", name="hit"))


def test_explicit_columns() -> None:
    check(explicit.score_hit(table(hit=["1", "0"])).quality, [1, 0])
    check(explicit.score_verifier(table(verifier_score=["True", "False"])).quality, [1, 0])
    check(explicit.score_verifier(table(verifier_score=["True"], verifier_match=["0.0"])).quality, [0])
    assert explicit.score_any(table(Score=["0.5"])).rule == "Score"
    with pytest.raises(NoGradeColumnError, match=r"no right/wrong column"):
        explicit.score_hit(table(answer=["A"]))


CHOICES = {"A": "red", "B": "green apple", "C": "blue", "D": "none"}


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("(B) green apple", "B"),
        ("The answer is B.", "B"),
        ("**C**: it is blue", "C"),
        ("Answer: {D}", "D"),
        ("A or B", None),  # two letters
        ("A very long sentence that starts with an article and says nothing else", None),  # A is not near the end
        ("the answer is B because the sky and the sea and everything else was painted so", "B"),  # stated
        ("The answer is **c**, I believe, since we can see it in the picture", "C"),
        ("it is a green apple", "B"),  # only one option's text occurs
        ("red or blue", None),
        ("blue " * 20, None),  # longer than twice the options: 100 > 2 · (3 + 11 + 4 + 4) = 44
        ("", None),
        ("Z", "Z"),
        ("Sorry, I can't help with images of people yet.", "Z"),
        ("Failed to obtain answer via API.", None),
        ("b", None),  # letters are upper case
    ],
)
def test_letter_matching(text: str, letter: str | None) -> None:
    assert find_letter(text, CHOICES) == letter


def test_choice_predictions_are_unknown_where_no_rule_decides() -> None:
    rows = table(
        prediction=["A", "B", "hm", "", "C", "free text"],
        answer=["A", "A", "A", "A", "C", "42"],
        A=["x", "x", "x", "x", "x", ""],
        B=["y", "y", "y", "y", "y", ""],
        C=["z", "z", "z", "z", "", ""],
    )
    # C has no option text in row 5, so its letter is no option; the last question is open.
    check(choice.score_letters(rows).quality, [1, 0, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN])


def test_circular_needs_every_rotation() -> None:
    rows = table(
        **{KEY: ["1", "1000001", "2", "1000002", "3", "1000003", "4"]},
        prediction=["A", "B", "A", "A", "A", "?!", "B"],
        answer=["A", "B", "A", "B", "A", "B", "B"],
        A=["x"] * 7,
        B=["y"] * 7,
    )
    # 1: both right; 2: the rotation is wrong; 3: the rotation is unknown; 4: has no rotation.
    check(choice.score_circular(rows).quality, [1, 1, 0, 0, UNKNOWN, UNKNOWN, 1])


def test_rotations_are_told_by_their_index() -> None:
    rows = table(**{KEY: ["999999", "1000000", "3000007", "a"]})
    assert choice.is_rotated(rows).tolist() == [False, True, True, False]
    assert choice.groups_of(rows).tolist() == ["999999", "0", "7", "a"]


def test_a_column_of_groups_tells_rotations_better() -> None:
    """With g_index any index will do; an empty cell falls back on the index."""
    rows = table(**{KEY: ["5", "6", "1000007", "8"]}, g_index=["5", "5.0", "", "8"])
    assert choice.groups_of(rows).tolist() == ["5", "5", "7", "8"]
    assert choice.is_rotated(rows).tolist() == [False, True, True, False]
    graded = rows.assign(prediction=["A", "B", "A", "A"], answer=["A", "A", "A", "A"], A="x", B="y")
    # Question 5 is right as first asked and wrong in its rotation 6.
    check(choice.score_circular(graded).quality, [0, 0, 1, 1])


def test_yes_no() -> None:
    rows = table(
        answer=["Yes", "No", "Yes", "Yes"], extracted=["Yes", "Yes", "Unknown", ""], score=["True", "False", "", ""]
    )
    check(yes_no.score_auxmatch(rows).quality, [1, 0, 0, UNKNOWN])
    without = yes_no.score_auxmatch(rows.drop(columns="score"))
    check(without.quality, [1, 0, 0, UNKNOWN])
    assert without.rule == "extracted = answer"
    bare = table(
        prediction=["Yes, it is.", "no", "Yes and no", "maybe", "YES!"], answer=["Yes", "Yes", "Yes", "No", "Yes"]
    )
    check(yes_no.score_yes_no(bare).quality, [1, 0, UNKNOWN, UNKNOWN, 1])


def test_math_vista_from_extracted_answers() -> None:
    res = ["B", "1 cm", "?", "3", " 3 ", "3.0", "1.50", "0.30001", "left", "[1, 2]"]
    # "3.0" is no whole number to the kit; decimal numbers must be equal; texts and lists are never compared by it.
    check(math_vista.score_res(table(res=res, **VISTA)).quality, [1, 0, 0, 1, 1, 0, 1, 0, 0, 0])


def test_math_vista_from_predictions_is_careful() -> None:
    said = ["B", "A", "unsure", "3", "three", "4", "1.5", "", "left", ""]
    expected = [1, 0, UNKNOWN, 1, UNKNOWN, UNKNOWN, 1, UNKNOWN, UNKNOWN, UNKNOWN]
    check(math_vista.score_prediction(table(prediction=said, **VISTA)).quality, expected)


def test_math_vision() -> None:
    rows = table(
        res=["B", "(C)", "60", "1/2", r"\frac{1}{2}", "7", ""],
        choices=["['1', '2', '3']", "['1', '2', '3']", "[]", "[]", "[]", "[]", "[]"],
        answer=["B", "B", "60", "0.5", "0.5", "8", "8"],
    )
    check(math_vision.score_res(rows).quality, [1, 0, 1, 1, 1, 0, 0])
    # Without a column of choices the extracted text itself is compared.
    check(math_vision.score_res(table(res=["a", "60.0"], answer=["A", "60"])).quality, [1, 1])
    bare = table(
        prediction=["B", "we cannot tell", "60", "61"],
        choices=["['1', '2']"] * 2 + ["[]"] * 2,
        answer=["B", "B", "60", "60"],
    )
    check(math_vision.score_prediction(bare).quality, [1, UNKNOWN, 1, UNKNOWN])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3.0),
        ("-2.5", -2.5),
        (r"\frac{3}{4}", 0.75),
        (r"\dfrac34", 0.75),
        (r"2\sqrt{9}", 6.0),
        (r"\frac{\sqrt{16}}{2}", 2.0),
        ("2^3", 8.0),
        ("2^{10}", 1024.0),
        (r"90^\circ", 90.0),
        ("50%", 50.0),
        (r"3\pi", 9.42477796),
        ("10^400", None),
        ("9**9**9**9", None),
        ("abc", None),
        ("__import__('os').system('true')", None),
        ("[1, 2]", None),
        ("1/0", None),
        ("(-1)**0.5", None),
        ("", None),
    ],
)
def test_numbers_are_read_without_evaluating(text: str, value: float | None) -> None:
    assert as_number(text) == (None if value is None else pytest.approx(value))


def test_same_answer_tolerates_one_millionth() -> None:
    assert same_answer("0.3333333", "1/3")
    assert not same_answer("0.33333", "1/3")
    assert same_answer(" (A) ", "(a)")


def test_math_verse() -> None:
    check(math_verse.score_score(table(score=["True", "False", "1", ""])).quality, [1, 0, 1, UNKNOWN])
    rows = table(extract=["B", "3 cm", ""], answer=["B", "3", "4"])
    check(math_verse.score_extract(rows).quality, [1, UNKNOWN, UNKNOWN])


def test_soft_vqa_is_never_rounded() -> None:
    check(soft_vqa.score_eval(table(eval_score=["0.6", "1.0", "0"])).quality, [0.6, 1, 0])


@pytest.mark.parametrize(("agree", "grade"), [(0, 0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1), (10, 1)])
def test_soft_accuracy_of_ten_annotators(agree: int, grade: float) -> None:
    """1 agrees: 9 annotators see 1 other (1/3): 9/3/10 = 0.3; 2: (2 · 1/3 + 8 · 2/3)/10 = 0.6; 3: (3 · 2/3 + 7)/10."""
    annotators = ["coca cola"] * agree + ["pepsi"] * (10 - agree)
    assert soft_vqa.soft_accuracy("Coca-Cola", annotators) == pytest.approx(grade)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The\tCat", "cat"),
        ("two", "2"),
        ("none", "0"),
        ("it's, dont", "it's don't"),
        ("couldntve", "couldn't've"),
        ("1,000", "1000"),
        ("3.5.", "3.5"),
        ("coca-cola", "coca cola"),
        ("yes/no", "yes no"),
        ("stop !", "stop"),
    ],
)
def test_vqa_normalisation(text: str, normal: str) -> None:
    assert soft_vqa.normalised(text) == normal


def test_soft_vqa_from_predictions() -> None:
    rows = table(prediction=["Stop.", "go", ""], answer=[str(["stop"] * 10), str(["stop"] * 9 + ["go"]), "['a']"])
    check(soft_vqa.score_prediction(rows).quality, [1, 0.3, UNKNOWN])


def test_relaxed_accuracy() -> None:
    check(
        relaxed.score_match(table(eval_match=["[True]", "[False, True]", "[0]", "[1.0]", ""])).quality,
        [1, 1, 0, 1, UNKNOWN],
    )
    rows = table(
        prediction=["105", "106", "50%", "0.49", "Blue", "1,234", "0", "0.01", ""],
        answer=["100", "100", "0.5", "50%", "blue", "1234", "0", "0", "1"],
    )
    # 5 % off is right, 6 % is wrong; percentages are hundredths; a true zero is compared as text.
    check(relaxed.score_prediction(rows).quality, [1, 0, 1, 1, 1, 0, 1, 0, UNKNOWN])


def test_anls_takes_the_least_distance_and_cuts_at_one_half() -> None:
    rows = table(eval_match=["[0.0]", "[0.9, 0.25]", "[0.5]", "[0.51]", "[1.0, 1.0]", ""], eval_score=["0"] * 6)
    check(distance.score_match(rows).quality, [1, 0.75, 0.5, 0, 0, UNKNOWN])


def test_anls_from_predictions() -> None:
    rows = table(
        prediction=["Paris", "paris  ", "Pari", "Rome", "abcdef", ""],
        answer=["['paris', 'PARIS, FRANCE']", "['Paris']", "['Paris']", "['Paris']", "['abcxyz']", "['x']"],
    )
    # "Pari": 1 edit of 5 letters = 0.8; "Rome": 5 of 5; "abcdef": 3 of 6 = 0.5, still kept.
    check(distance.score_prediction(rows).quality, [1, 1, 0.8, 0, 0.5, UNKNOWN])


def test_edit_distance() -> None:
    assert distance.edit_distance("", "abc") == 3
    assert distance.edit_distance("flaw", "lawn") == 2
    assert distance.answer_anls("x" * 30_000, "short") == 0.0  # decided by length alone


def test_ocr_substring() -> None:
    handwritten = ocr.HANDWRITTEN
    rows = table(
        prediction=["It says STOP\nnow", "stop", "x + Y", "x + y", "", "anything"],
        answer=["['stop now', 'halt']", "['go']", "['x+Y']", "['x+Y']", "['a']", "['']"],
        category=[
            "Text Recognition",
            "Text Recognition",
            handwritten,
            handwritten,
            "Text Recognition",
            "Text Recognition",
        ],
    )
    # Formulas: spaces do not matter, case does. An empty accepted answer is in every text and decides nothing.
    check(ocr.score_substring(rows).quality, [1, 0, 1, 0, UNKNOWN, 0])
