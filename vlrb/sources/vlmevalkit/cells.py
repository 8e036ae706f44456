"""Cells of log tables as exact text: numbers without a made-up ".0", ids as they are, lists without eval."""

import ast
import datetime
import math
import re
from typing import Any

import pandas as pd

MAX_EXACT = 1e15  # larger numbers of a workbook are not told to the unit
_WHOLE_FLOAT = re.compile(r"(-?(?:0|[1-9]\d*))\.0+")


def cell_text(value: object) -> str:
    """Return one cell as text; nothing is rounded and an empty cell is "".

    >>> cell_text(12.0), cell_text("007"), cell_text(True), cell_text(0.25), cell_text(None)
    ('12', '007', 'True', '0.25', '')
    """
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value)
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < MAX_EXACT else repr(value)
    return str(value)


def column_text(values: list[Any]) -> list[str]:
    """Return a column's cells as text (see `cell_text`)."""
    kinds = set(map(type, values))
    if kinds == {str}:
        return values
    if kinds == {float} and all(map(float.is_integer, values)) and max(map(abs, values)) < MAX_EXACT:
        return list(map(str, map(int, values)))
    return [value if type(value) is str else cell_text(value) for value in values]


def row_key(cell: str) -> str:
    """Return a sample's index in one spelling: surrounding space dropped, "12.0" → "12", leading zeros kept.

    >>> [row_key(cell) for cell in ("12.0", " 7", "007", "a_1.0")]
    ['12', '7', '007', 'a_1.0']
    """
    cell = cell.strip()
    found = _WHOLE_FLOAT.fullmatch(cell) if "." in cell else None
    return found[1] if found else cell


def natural_key(text: str) -> tuple[int, int, str]:
    """Return a sort key under which whole numbers come first, by size, then other texts.

    >>> sorted(["10", "9", "b", "a"], key=natural_key)
    ['9', '10', 'a', 'b']
    """
    if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19:
        return 0, int(text), text
    return 1, 0, text


def parse_list(text: str) -> list[str] | None:
    """Return the items of a list written as a Python literal, as text; None if it is no such list.

    >>> parse_list("['a', 1, True]"), parse_list("a, b"), parse_list("[unclosed")
    (['a', '1', 'True'], None, None)
    """
    value = parse_literal(text)
    return [cell_text(item) for item in value] if isinstance(value, list | tuple) else None


def parse_literal(text: str) -> Any:  # noqa: ANN401 - any Python literal
    """Return the value of a list or dict literal; None for anything else (nothing is ever evaluated)."""
    text = text.strip()
    if not text.startswith(("[", "{", "(")):
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def check_id(cell: object) -> str:
    """Return what is wrong with the value of an id cell, "" if nothing: ids must be exact.

    >>> check_id(7.0), check_id("12345678901234567890"), check_id(1e15)
    ('', '', 'the number 1000000000000000 is too large to be exact in a workbook')
    """
    if isinstance(cell, float) and abs(cell) >= MAX_EXACT:
        return f"the number {cell:.17g} is too large to be exact in a workbook"
    if isinstance(cell, datetime.date | datetime.time | datetime.timedelta):
        return f"a spreadsheet program turned it into the date {cell}"
    return ""


def encoding_problem(data: bytes) -> str:
    r"""Return what bytes that should be UTF-8 text seem to be.

    >>> encoding_problem("id".encode("utf-16")), encoding_problem(b"caf\xe9")
    ('it seems to be UTF-16', 'it seems to be Windows-1252 or another 8-bit encoding')
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:2]:
        return "it seems to be UTF-16"
    return "it seems to be Windows-1252 or another 8-bit encoding"


def find_column(columns: "pd.Index[str]", *names: str) -> str | None:
    """Return the first of `names` that is a column, exactly or but for case."""
    folded = {str(column).strip().lower(): str(column) for column in reversed(list(columns))}
    for name in names:
        if name in columns:
            return name
        if name.lower() in folded:
            return folded[name.lower()]
    return None
