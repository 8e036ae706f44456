"""DocVQA and InfoVQA: ANLS, one minus the normalised edit distance, with nothing below one half."""

from functools import lru_cache

import numpy as np
import pandas as pd

from vlrb.sources.vlmevalkit.cells import parse_list
from vlrb.sources.vlmevalkit.scoring.base import Grades, answered, answers, each_row, need

CUT = 0.5


def score_match(table: pd.DataFrame) -> Grades:
    """Return ANLS from `eval_match`, the list of edit distances; `eval_score` is their mean and never used."""
    return Grades(each_row(_grade_match, need(table, "eval_match")), "ANLS of eval_match")


@lru_cache(maxsize=4096)
def _grade_match(cell: str) -> float:
    try:
        return anls(min(float(_number(item)) for item in parse_list(cell) or [cell]))
    except ValueError:
        return np.nan


def score_prediction(table: pd.DataFrame) -> Grades:
    """Return ANLS of bare predictions against the best of the accepted answers; NaN without a prediction."""

    def grade(text: str, cell: str) -> float:
        return max(answer_anls(text, truth) for truth in _truths(cell)) if cell and answered(text) else np.nan

    return Grades(each_row(grade, need(table, "prediction"), need(table, "answer")), "ANLS of prediction")


@lru_cache(maxsize=16384)
def _truths(cell: str) -> tuple[str, ...]:
    return tuple(answers(cell))


def anls(distance: float) -> float:
    """Return 1 − distance, or 0 if that is below one half.

    >>> anls(0.2), anls(0.6), anls(0.5)
    (0.8, 0.0, 0.5)
    """
    similarity = 1 - min(max(distance, 0.0), 1.0)
    return similarity if similarity >= CUT else 0.0


def answer_anls(given: str, truth: str) -> float:
    """Return ANLS of two texts: edits between them (case and runs of space ignored) over the longer raw length.

    >>> answer_anls("Abd", "abc")  # 1 edit of 3 letters: 1 − 1/3
    0.6666666666666667
    """
    length = max(len(given), len(truth))
    left, right = " ".join(given.lower().split()), " ".join(truth.lower().split())
    if length == 0 or left == right:
        return 1.0
    if abs(len(left) - len(right)) > CUT * length:  # at least that many edits: below the cut whatever they are
        return 0.0
    return anls(edit_distance(left, right) / length)


def edit_distance(left: str, right: str) -> int:
    """Return the Levenshtein distance: a column of the table at a time, its steps ±1 held in the bits of two integers.

    G. Myers, "A fast bit-vector algorithm for approximate string matching", J. ACM 46 (1999), in the form that
    H. Hyyrö (2001) gives it for the distance of whole texts.

    >>> edit_distance("kitten", "sitting")
    3
    """
    short, long = sorted((left, right), key=len)
    if not short:
        return len(long)
    places: dict[str, int] = {}
    for row, letter in enumerate(long):
        places[letter] = places.get(letter, 0) | 1 << row
    every, last = (1 << len(long)) - 1, 1 << (len(long) - 1)
    up, down, distance = every, 0, len(long)  # rows where a cell is one more, one less, than the cell above it
    for letter in short:
        equal = places.get(letter, 0)
        same = equal | down
        diagonal = (((equal & up) + up) ^ up) | equal
        right_up, right_down = down | (every & ~(diagonal | up)), up & diagonal  # against the cell on the left
        distance += (right_up & last > 0) - (right_down & last > 0)
        right_up, right_down = right_up << 1 | 1, right_down << 1
        up, down = (right_down | ~(same | right_up)) & every, right_up & same & every
    return distance


def _number(item: str) -> str:
    return {"true": "1", "false": "0"}.get(item.strip().lower(), item)
