"""ChartQA: relaxed accuracy, numbers within five per cent."""

import math

import numpy as np
import pandas as pd

from vlrb.sources.vlmevalkit.cells import parse_list
from vlrb.sources.vlmevalkit.scoring.base import Grades, answered, answers, as_grades, each_row, need

TOLERANCE = 0.05


def score_match(table: pd.DataFrame) -> Grades:
    """Return the best of `eval_match`, one True/False per accepted answer."""
    best = [_best(cell) for cell in need(table, "eval_match")]
    return Grades(as_grades(pd.Series(best, dtype="str", name="eval_match")), "eval_match")


def score_prediction(table: pd.DataFrame) -> Grades:
    """Grade bare predictions against the best of the accepted answers; NaN without a prediction."""

    def grade(text: str, cell: str) -> float:
        if not cell or not answered(text):
            return np.nan
        return float(any(relaxed_match(text, truth) for truth in answers(cell)))

    return Grades(each_row(grade, need(table, "prediction"), need(table, "answer")), "relaxed accuracy")


def relaxed_match(given: str, truth: str) -> bool:
    """Return whether two numbers differ by at most 5 % of the true one, or two texts are equal but for case.

    >>> relaxed_match("10.4", "10"), relaxed_match("50%", "0.5"), relaxed_match("1,234", "1234")
    (True, True, False)
    """
    left, right = _number(given), _number(truth)
    if left is not None and right:
        return abs(left - right) / abs(right) <= TOLERANCE
    return given.strip().lower() == truth.strip().lower()


def _number(text: str) -> float | None:
    text = text.strip()
    try:
        value = float(text.rstrip("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _best(cell: str) -> str:
    items = parse_list(cell)
    if not items:
        return "" if items == [] else cell
    words = [item.strip().lower() for item in items]
    return next((word for word in words if word in ("true", "1")), words[0] if len(words) == 1 else max(words))
