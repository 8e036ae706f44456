"""MathVista: the logs hold an extracted answer `res` and no grade, so it is compared again."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from vlrb.sources.vlmevalkit.cells import parse_list
from vlrb.sources.vlmevalkit.scoring.base import Grades, answered, each_row, need, optional
from vlrb.sources.vlmevalkit.scoring.letters import find_letter

PREFETCHED = "Prefetch succeed"  # the kit's own log: the prediction gave the answer without a judge
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_COLUMNS = ("question_type", "answer_type", "choices", "answer", "answer_option")


def score_res(table: pd.DataFrame) -> Grades:
    """Grade `res` as the kit does: the option's letter, equal whole numbers, or equal decimal numbers.

    Free answers of type text or list count as wrong, as in the kit's own number (it never compares them).
    """
    return Grades(_extracted(table, _never), "res against answer")


def score_res_fair(table: pd.DataFrame) -> Grades:
    """Grade `res` as `score_res` does, but compare free answers of type text or list as text."""
    return Grades(_extracted(table, _same_text), "res against answer, texts too")


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


def _extracted(table: pd.DataFrame, same_text: Callable[[str, str], bool]) -> np.ndarray:
    def grade(res: str, log: str, kind: str, answer_type: str, choices: str, answer: str, option: str) -> float:
        if not (option if kind == "multi_choice" else answer):
            return np.nan
        if kind != "multi_choice" and log.strip() == PREFETCHED:
            return 1.0  # the kit compared the prediction itself
        return float(_is_right(res, kind, answer_type, choices, answer, option, same_text))

    rows = [need(table, name) for name in _COLUMNS]
    return each_row(grade, need(table, "res"), optional(table, "log"), *rows)


def _is_right(
    given: str,
    kind: str,
    answer_type: str,
    choices: str,
    answer: str,
    option: str,
    same_text: Callable[[str, str], bool],
) -> bool:
    if kind == "multi_choice":
        return find_letter(given, choice_texts(choices)) == option.strip()
    compare = {"integer": _same_whole, "float": _same_decimal}.get(answer_type, same_text)
    return compare(given, answer)


def _grade_prediction(text: str, kind: str, answer_type: str, choices: str, answer: str, option: str) -> float:
    if not answered(text) or not (option if kind == "multi_choice" else answer):
        return np.nan
    if kind == "multi_choice":
        letter = find_letter(text, choice_texts(choices))
        return np.nan if letter is None else float(letter == option.strip())
    return 1.0 if _is_right(text, kind, answer_type, choices, answer, option, _never) else np.nan


def _same_whole(given: str, truth: str) -> bool:
    """Return whether both are whole numbers and equal; the text "3.0" is none, as for the kit."""
    try:
        return int(given) == int(truth)
    except ValueError:
        return False


def _same_decimal(given: str, truth: str) -> bool:
    try:
        return float(given) == float(truth)
    except ValueError:
        return False


def _never(_given: str, _truth: str) -> bool:
    return False


def _same_text(given: str, truth: str) -> bool:
    return given.strip() == truth.strip()
