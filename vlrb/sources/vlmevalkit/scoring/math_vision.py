"""MathVision: an explicit mark if there is one, else the extracted answer `res` is compared again, safely."""

import numpy as np
import pandas as pd

from vlrb.sources.vlmevalkit.scoring.base import Grades, answered, each_row, need, optional
from vlrb.sources.vlmevalkit.scoring.equality import same_answer
from vlrb.sources.vlmevalkit.scoring.letters import find_letter
from vlrb.sources.vlmevalkit.scoring.math_vista import PREFETCHED, choice_texts


def score_res(table: pd.DataFrame) -> Grades:
    """Grade `res`: the option's letter where there are choices, else equal text or number.

    For open questions the kit's log "Prefetch succeed" means that it found them equal itself.
    """
    rows = need(table, "res"), optional(table, "choices"), need(table, "answer"), optional(table, "log")
    return Grades(each_row(_grade, *rows), "res against answer")


def score_prediction(table: pd.DataFrame) -> Grades:
    """Grade bare predictions: an option that can be told, or exactly the right answer; NaN for all others."""
    rows = need(table, "prediction"), optional(table, "choices"), need(table, "answer")
    return Grades(each_row(_grade_prediction, *rows), "exact answer")


def _grade(res: str, choices: str, answer: str, log: str) -> float:
    options = choice_texts(choices)
    if not answer:
        return np.nan
    if not options:
        return float(log.strip() == PREFETCHED or same_answer(res, answer))
    given = find_letter(res, options)
    return float(given is not None and same_answer(given, answer))


def _grade_prediction(text: str, choices: str, answer: str) -> float:
    options = choice_texts(choices)
    if not answer or not answered(text):
        return np.nan
    if options:
        letter = find_letter(text, options)
        return np.nan if letter is None else float(same_answer(letter, answer))
    return 1.0 if same_answer(text, answer) else np.nan
