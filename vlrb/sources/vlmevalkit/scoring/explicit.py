"""A column that says right or wrong: always believed before anything is worked out."""

import pandas as pd

from vlrb.sources.vlmevalkit.cells import find_column
from vlrb.sources.vlmevalkit.scoring.base import Grades, NoGradeColumnError, as_grades

HIT_COLUMNS = ("hit", "is_correct", "correct")
VERIFIER_COLUMNS = ("verifier_match", "verifier_score")
SCORE_COLUMNS = (*HIT_COLUMNS, *VERIFIER_COLUMNS, "score")


def score_hit(table: pd.DataFrame) -> Grades:
    """Return the grades of a `hit` column (VLMEvalKit's multiple-choice results, and files of other tools)."""
    return _score(table, HIT_COLUMNS)


def score_verifier(table: pd.DataFrame) -> Grades:
    """Return the grades of a `_detailed_results` table: `verifier_match`, or `verifier_score` (True/False)."""
    return _score(table, VERIFIER_COLUMNS)


def score_any(table: pd.DataFrame) -> Grades:
    """Return the grades of whichever right/wrong column there is, for datasets without a rule of their own."""
    return _score(table, SCORE_COLUMNS)


def _score(table: pd.DataFrame, names: tuple[str, ...]) -> Grades:
    column = find_column(table.columns, *names)
    if column is None:
        raise NoGradeColumnError(f"no right/wrong column ({', '.join(names)})")
    return Grades(as_grades(table[column]), column)
