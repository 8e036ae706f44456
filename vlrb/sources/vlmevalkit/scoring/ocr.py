"""OCRBench: the evaluator keeps totals only, so predictions are graded again by its substring rule."""

import numpy as np
import pandas as pd

from vlrb.sources.vlmevalkit.scoring.base import Grades, answered, answers, each_row, need

HANDWRITTEN = "Handwritten Mathematical Expression Recognition"


def score_substring(table: pd.DataFrame) -> Grades:
    """Grade predictions: right if any accepted answer occurs in them; NaN without a prediction or an answer.

    Case is ignored, except in handwritten formulas, where all spaces are ignored instead.
    """

    def grade(text: str, cell: str, category: str) -> float:
        if not cell or not answered(text):
            return np.nan
        clean = _formula if category == HANDWRITTEN else _plain
        said = clean(text)
        return float(any(truth in said for truth in map(clean, answers(cell)) if truth))

    columns = need(table, "prediction"), need(table, "answer"), need(table, "category")
    return Grades(each_row(grade, *columns), "substring")


def _plain(text: str) -> str:
    return text.lower().strip().replace("\n", " ")


def _formula(text: str) -> str:
    return text.strip().replace("\n", " ").replace(" ", "")
