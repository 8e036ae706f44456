"""Multiple choice without a judge: MMBench, MMStar, MMMU, AI2D, RealWorldQA and the like."""

import string

import numpy as np
import pandas as pd

from vlrb.sources.vlmevalkit.cells import find_column, natural_key, row_key
from vlrb.sources.vlmevalkit.scoring.base import Grades, answered, each_row, need
from vlrb.sources.vlmevalkit.scoring.letters import find_letter
from vlrb.sources.vlmevalkit.tables import KEY

ROTATION = 1_000_000  # MMBench: index = question + k · 10⁶ for the k-th rotation of its options
OPEN_OPTION = "Other Answers"  # the evaluator's second option for an open MMMU question


def score_letters(table: pd.DataFrame) -> Grades:
    """Grade predictions by the letter they choose; NaN where no rule finds one, or the question is open."""
    predictions, truth = need(table, "prediction"), need(table, "answer")
    letters = option_letters(table)
    options = list(zip(*(table[letter] for letter in letters), strict=True)) if letters else [()] * len(table)

    def grade(text: str, answer: str, row: tuple[str, ...]) -> float:
        choices = {letter: option for letter, option in zip(letters, row, strict=True) if option}
        if answer not in choices or OPEN_OPTION in row or not answered(text):
            return np.nan
        found = find_letter(text, choices)
        return np.nan if found is None else float(found == answer)

    return Grades(each_row(grade, predictions, truth.str.strip(), options), "letter matching")


def score_circular(table: pd.DataFrame) -> Grades:
    """Grade each question of a circular set: right if all its rotations are, wrong if any is wrong, else NaN.

    Every row of a question gets the question's grade; the caller keeps the rows of the questions as first asked.
    """
    quality = score_letters(table).quality
    groups = pd.Series(quality).groupby(groups_of(table).to_numpy())
    every, lowest = groups.transform("size") == groups.transform("count"), groups.transform("min")
    graded = np.where(lowest == 0, 0.0, np.where(every, lowest, np.nan)).astype(np.float32)
    return Grades(graded, "letter matching over all rotations")


def option_letters(table: pd.DataFrame) -> list[str]:
    """Return the option columns A, B, C … that a table has."""
    return [letter for letter in string.ascii_uppercase if letter in table.columns]


def is_rotated(table: pd.DataFrame) -> np.ndarray:
    """Return which rows repeat a question with rotated options → (rows,) bool."""
    rotated: np.ndarray = (groups_of(table) != table[KEY]).to_numpy(bool)
    return rotated


def groups_of(table: pd.DataFrame) -> "pd.Series[str]":
    """Return the index of the question of each row: `g_index` where there is one, else told by the row's own index."""
    groups = question_of(table[KEY])
    column = find_column(table.columns, "g_index")
    if column is not None:
        given = pd.Series([row_key(cell) for cell in table[column]], index=groups.index, dtype="str")
        groups = groups.mask(given != "", given)
    return groups


def question_of(keys: "pd.Series[str]") -> "pd.Series[str]":
    """Return the index of the question that each row asks, rotations removed.

    >>> question_of(pd.Series(["7", "1000007", "x"], dtype="str")).tolist()
    ['7', '7', 'x']
    """
    numbers = [natural_key(key) for key in keys]
    bases = [str(n % ROTATION) if n >= ROTATION else text for _, n, text in numbers]
    return pd.Series(bases, index=keys.index, dtype="str")
