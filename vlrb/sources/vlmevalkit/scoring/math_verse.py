"""MathVerse: a judge's `score`, or an extraction that equals the answer to the letter."""

import numpy as np
import pandas as pd

from vlrb.sources.vlmevalkit.scoring.base import Grades, as_grades, need


def score_score(table: pd.DataFrame) -> Grades:
    """Return the judge's `score` (True/False)."""
    return Grades(as_grades(need(table, "score")), "score")


def score_extract(table: pd.DataFrame) -> Grades:
    """Grade an extraction that was never judged: 1 where it is the answer itself, NaN for all others."""
    truth = need(table, "answer").str.strip()
    same = (need(table, "extract").str.strip() == truth) & (truth != "")
    return Grades(np.where(same, 1.0, np.nan).astype(np.float32), "extract = answer")
