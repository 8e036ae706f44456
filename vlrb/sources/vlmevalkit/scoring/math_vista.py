"""MathVista: the logs hold an extracted answer `res` and no grade, so it is compared again."""

import re

import numpy as np
import pandas as pd

from vlrb.sources.vlmevalkit.cells import parse_list
from vlrb.sources.vlmevalkit.scoring.base import Grades, each_row, need
from vlrb.sources.vlmevalkit.scoring.letters import find_letter

_WHOLE = re.compile(r"\s*[+-]?\d+\s*")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_COLUMNS = ("question_type", "answer_type", "choices", "answer", "answer_option")


def score_res(table: pd.DataFrame) -> Grades:
    """Grade `res` as the kit does: the option's letter, equal whole numbers, or equal decimal numbers.

    Free answers of type text or list count as wrong, as in the kit's own number (it never compares them).
    """
    rows = [need(table, name) for name in _COLUMNS]
    return Grades(each_row(_grade, need(table, "res"), *rows), "res against answer")


def score_prediction(table: pd.DataFrame) -> Grades:
    """Grade bare predictions: an option that can be told, or exactly the right number; NaN for all others."""
    rows = [need(table, name) for name in _COLUMNS]
    return Grades(each_row(_grade_prediction, need(table, "prediction"), *rows), "exact answer")


def choice_texts(cell: str) -> dict[str, str]:
    """Return the options of a `choices` cell by letter; none for an open question.

    >>> choice_texts("['1 cm', '2 cm']"), choice_texts("[]")
    ({'A': '1 cm', 'B': '2 cm'}, {})
    """
    return dict(zip(_LETTERS, parse_list(cell) or [], strict=False))


def _grade(res: str, question_type: str, answer_type: str, choices: str, answer: str, option: str) -> float:
    if question_type == "multi_choice":
        return float(find_letter(res, choice_texts(choices)) == option.strip())
    if answer_type == "integer":
        return float(_same_whole(res, answer))
    return float(answer_type == "float" and _same_decimal(res, answer))


def _grade_prediction(text: str, question_type: str, answer_type: str, choices: str, answer: str, option: str) -> float:
    if not text:
        return np.nan
    if question_type == "multi_choice":
        letter = find_letter(text, choice_texts(choices))
        return np.nan if letter is None else float(letter == option.strip())
    return 1.0 if _grade(text, question_type, answer_type, choices, answer, option) else np.nan


def _same_whole(given: str, truth: str) -> bool:
    if not (_WHOLE.fullmatch(given) and _WHOLE.fullmatch(truth)) or max(len(given), len(truth)) > 400:
        return False
    return int(given) == int(truth)


def _same_decimal(given: str, truth: str) -> bool:
    try:
        return float(given) == float(truth)
    except ValueError:
        return False
