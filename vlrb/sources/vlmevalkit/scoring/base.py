"""What every scoring rule shares: the type of a rule, and right/wrong cells as numbers."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from vlrb.sources.vlmevalkit.cells import find_column, parse_list
from vlrb.utils.errors import DataError

FAILED = "Failed to obtain answer"  # what the kit writes where a model gave none
RIGHT_WORDS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0, "": np.nan}


class NoGradeColumnError(DataError):
    """The table has none of the columns that a rule needs."""


class Grades(NamedTuple):
    """Grades of one table's rows.

    Args:
        quality: (rows,) float32 in [0, 1]; NaN where the rule cannot tell.
        rule: The column or rule that gave them.
    """

    quality: np.ndarray
    rule: str


Scorer = Callable[[pd.DataFrame], Grades]


class Method(NamedTuple):
    """One way to grade a dataset: which form of file, which columns it needs, and how."""

    form: str
    columns: tuple[str, ...]
    score: Scorer


def need(table: pd.DataFrame, *names: str) -> "pd.Series[str]":
    """Return the first of the columns that there is.

    Raises:
        NoGradeColumnError: None of them exists.
    """
    found = find_column(table.columns, *names)
    if found is None:
        raise NoGradeColumnError(f"no column {' or '.join(names)}")
    column: pd.Series[str] = table[found]
    return column


def optional(table: pd.DataFrame, name: str) -> "pd.Series[str]":
    """Return a column, or empty text for every row if there is none."""
    found = find_column(table.columns, name)
    return pd.Series([""] * len(table), dtype="str") if found is None else table[found]


def as_grades(cells: "pd.Series[str]") -> np.ndarray:
    """Return right/wrong cells as (rows,) float32: 0 … 1, True/False, yes/no; NaN where empty.

    Raises:
        DataError: A cell is something else (names the first such row, counted from the header).

    >>> as_grades(pd.Series(["1", "0.0", "True", "FALSE", "0.6", ""], dtype="str")).tolist()
    [1.0, 0.0, 1.0, 0.0, 0.6000000238418579, nan]
    """
    codes, words = pd.factorize(cells)
    values = np.array([_grade(str(word)) for word in words], dtype=np.float64)
    values = values[codes] if len(words) else np.full(len(cells), np.nan)
    bad = values < 0
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(f"row {row + 2}: {cells.name} is {str(cells.iloc[row])[:40]!r}, not right/wrong nor 0 … 1")
    return values.astype(np.float32)


def _grade(word: str) -> float:
    """Return one cell's grade, or -1 if it is none."""
    word = word.strip().lower()
    if word in RIGHT_WORDS:
        return RIGHT_WORDS[word]
    try:
        value = float(word)
    except ValueError:
        return -1.0
    return np.nan if word == "nan" else value if 0 <= value <= 1 else -1.0


def answers(cell: str) -> list[str]:
    """Return the accepted answers of a row: the items of a list literal, or the text itself.

    >>> answers("['7', 'seven']"), answers("7")
    (['7', 'seven'], ['7'])
    """
    items = parse_list(cell)
    return [cell] if items is None else items


def answered(text: str) -> bool:
    """Return whether a prediction is an answer at all: neither empty nor the kit's text for a failed call.

    >>> answered("B"), answered(""), answered("Failed to obtain answer via API.")
    (True, False, False)
    """
    return bool(text) and FAILED not in text


def each_row(function: Callable[..., float], *columns: "pd.Series[str] | Sequence[object]") -> np.ndarray:
    """Apply a rule to the cells of every row → (rows,) float32."""
    return np.fromiter(map(function, *columns), dtype=np.float32, count=len(columns[0]))
