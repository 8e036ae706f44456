"""One function per dataset: a row of a table → its grade in 0..1, NaN where it cannot be told."""

import string
from collections.abc import Callable
from typing import Any

from independent.files import AUX, EXTRACT, HIT, PRED, RES, SCORE, VERIFIER, VQA, Row
from independent.text import (
    UNKNOWN,
    anls,
    distance,
    infer,
    listed,
    math_equal,
    relaxed,
    said,
    truthy,
    vqa_score,
    yes_or_no,
)

HANDWRITTEN = "Handwritten Mathematical Expression Recognition"


def unanswered(row: Row) -> bool:
    """Return whether a call failed or gave nothing; what that counts as is the user's choice, by default unknown."""
    prediction = row.get("prediction")
    return prediction is None or "Failed to obtain answer" in str(prediction)


def options(row: Row) -> dict[str, str]:
    return {letter: said(row[letter]) for letter in string.ascii_uppercase if row.get(letter) is not None}


def multiple_choice(row: Row, form: str) -> float:
    """RealWorldQA, MMStar, AI2D_TEST and the single rows of MMBench."""
    if form == HIT:
        return truthy(row["hit"])
    if form == VERIFIER:
        return truthy(row["verifier_match"])
    return lettered_answer(row.get("prediction"), options(row), row["answer"])


def lettered_answer(prediction: Any, choices: dict[str, str], answer: Any) -> float:
    """Compare the chosen letter; without one a judge would have been asked, so the grade is not known."""
    letter = None if prediction is None else infer(said(prediction), choices)
    return UNKNOWN if letter is None else float(letter == said(answer))


def mmmu(row: Row, form: str) -> float:
    answer = said(row["answer"])
    is_open = len(answer) != 1 or answer not in string.ascii_uppercase
    if form == PRED and is_open:
        return UNKNOWN
    return multiple_choice(row, form)


def lettered(value: Any) -> dict[str, str]:
    return dict(zip(string.ascii_uppercase, [said(item) for item in listed(value)], strict=False))


def math_vista(row: Row, form: str) -> float:
    if form == VERIFIER:
        return truthy(row["verifier_match"])
    if row["question_type"] == "multi_choice":
        choices, answer = lettered(row["choices"]), row["answer_option"]
        if form == PRED:
            return lettered_answer(row.get("prediction"), choices, answer)
        return float(infer(said(row.get("res")), choices) == said(answer))
    if form == RES:
        return float(row.get("log") == "Prefetch succeed" or _same_value(row.get("res"), row))
    return 1.0 if _same_value(row.get("prediction"), row) else UNKNOWN


def _same_value(value: Any, row: Row) -> bool:
    """Compare whole or decimal numbers; the evaluator never gets to compare texts and lists."""
    kind, answer = row["answer_type"], row["answer"]
    try:
        if kind == "integer":
            return int(value) == int(answer)
        return kind == "float" and float(value) == float(answer)
    except (ValueError, TypeError):
        return False


def math_vision(row: Row, form: str) -> float:
    if form == VERIFIER:
        return truthy(row["verifier_match"])
    if form == RES and "hit" in row:  # not written by the kit itself: right/wrong marks of whoever published
        return truthy(row["hit"])
    answer = said(row["answer"])
    choices = {} if row.get("choices") in (None, "[]", []) else lettered(row["choices"])
    if choices and form == PRED:
        return lettered_answer(row.get("prediction"), choices, answer)
    if choices:
        return float(infer(said(row.get("res")), choices) == answer)
    if form == RES:
        return float(row.get("log") == "Prefetch succeed" or math_equal(said(row.get("res")), answer))
    return 1.0 if not unanswered(row) and math_equal(said(row["prediction"]), answer) else UNKNOWN


def math_verse(row: Row, form: str) -> float:
    if form == SCORE:
        return truthy(row["score"])
    if form == EXTRACT and row.get("extract") is not None and said(row["extract"]) == said(row["answer"]):
        return 1.0
    return UNKNOWN


def hallusion(row: Row, form: str) -> float:
    if form == AUX and row.get("score") is not None:
        return truthy(row["score"])
    extracted = row["extracted"] if form == AUX else yes_or_no(said(row.get("prediction")))
    if extracted is None or (form == PRED and extracted == "Unknown"):  # a judge would have been asked
        return UNKNOWN
    return float(extracted == said(row["answer"]))


def text_vqa(row: Row, form: str) -> float:
    if form == VERIFIER:
        return truthy(row["verifier_match"])
    if form == VQA:
        return UNKNOWN if row.get("eval_score") is None else float(row["eval_score"])
    if unanswered(row):
        return UNKNOWN
    return vqa_score([said(a) for a in listed(row["answer"])], said(row.get("prediction")))


def chart(row: Row, form: str) -> float:
    if form == VERIFIER:
        return truthy(row["verifier_match"])
    if form == VQA:
        return UNKNOWN if row["eval_match"] is None else max(truthy(m) for m in listed(row["eval_match"]))
    if unanswered(row):
        return UNKNOWN
    prediction = said(row["prediction"])
    return float(any(relaxed(said(answer), prediction) for answer in listed(row["answer"])))


def document(row: Row, form: str) -> float:
    """DocVQA_VAL and InfoVQA_VAL: the stored matches are distances, 0 is right."""
    if form == VERIFIER:
        return truthy(row["verifier_match"])
    if form == VQA:
        return UNKNOWN if row["eval_match"] is None else anls([float(m) for m in listed(row["eval_match"])])
    if unanswered(row):
        return UNKNOWN
    prediction = said(row["prediction"])
    return anls([distance(said(answer), prediction) for answer in listed(row["answer"])])


def ocr(row: Row, form: str) -> float:
    def shown(text: str) -> str:
        if row["category"] == HANDWRITTEN:
            return text.strip().replace("\n", " ").replace(" ", "")
        return text.lower().strip().replace("\n", " ")

    if unanswered(row):
        return UNKNOWN
    prediction = shown(said(row["prediction"]))
    return float(any(shown(said(answer)) in prediction for answer in listed(row["answer"])))


GRADES: dict[str, Callable[[Row, str], float]] = {
    "MMMU_DEV_VAL": mmmu,
    "MathVista_MINI": math_vista,
    "MathVision_MINI": math_vision,
    "MathVision": math_vision,
    "MathVerse_MINI": math_verse,
    "MMBench_DEV_EN_V11": multiple_choice,
    "RealWorldQA": multiple_choice,
    "MMStar": multiple_choice,
    "HallusionBench": hallusion,
    "TextVQA_VAL": text_vqa,
    "ChartQA_TEST": chart,
    "DocVQA_VAL": document,
    "InfoVQA_VAL": document,
    "AI2D_TEST": multiple_choice,
    "OCRBench": ocr,
}
