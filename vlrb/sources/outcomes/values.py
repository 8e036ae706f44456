"""Columns of a table as numbers or texts; the first cell that is neither is named with its row."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vlrb.sources.outcomes.files import OutcomesTable
from vlrb.utils.errors import DataError

MISSING = ("", "nan", "na", "n/a", "null", "none", "<na>")  # words for an unknown number; case does not matter
YES, NO = ("true", "yes"), ("false", "no")


def numbers(table: OutcomesTable, title: str) -> np.ndarray:
    """Return a column as float64, NaN where the cell is empty; true and false are 1 and 0.

    Raises:
        DataError: A cell is text or infinite, or the column holds something else than numbers.
    """
    column = table.columns[title]
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = pc.cast(column, kind.value_type)
        kind = kind.value_type
    if pa.types.is_null(kind):
        return np.full(table.length, np.nan)
    if pa.types.is_boolean(kind):
        column = pc.cast(column, pa.int8())
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = _parsed(table, title, column)
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise DataError(f"{table.name}: column {title!r} must hold numbers, not {kind}")
    values: np.ndarray = pc.cast(column, pa.float64(), safe=False).to_numpy()
    if np.isinf(values).any():
        raise DataError(f"{table.row(int(np.argmax(np.isinf(values))))}: {title} is infinite")
    return values


def _parsed(table: OutcomesTable, title: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    text = pc.utf8_lower(pc.utf8_trim_whitespace(column))
    text = pc.if_else(pc.is_in(text, pa.array(MISSING, text.type)), pa.scalar(None, text.type), text)
    for words, digit in ((YES, "1"), (NO, "0")):
        text = pc.if_else(pc.is_in(text, pa.array(words, text.type)), pa.scalar(digit, text.type), text)
    try:
        return pc.cast(text, pa.float64())
    except pa.ArrowInvalid:
        cells = text.to_pylist()
    values = []
    for number, cell in enumerate(cells):
        try:
            values.append(None if cell is None else _number(cell))
        except ValueError as error:
            hint = "write decimals with a point" if "," in cell else "an unknown value is an empty cell"
            raise DataError(
                f"{table.row(number)}: {title} is {column[number].as_py()!r}, which is no number", hint
            ) from error
    return pa.chunked_array([pa.array(values, pa.float64())])


def _number(cell: str) -> float:
    if "_" in cell:
        raise ValueError(cell)
    return float(cell)


def texts(table: OutcomesTable, title: str) -> pa.Array:
    """Return a column as text (large_string), null where the cell is empty; whole numbers get no ".0".

    Raises:
        DataError: The column holds lists or the like.
    """
    column = table.columns[title]
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    if pa.types.is_floating(column.type):
        values = column.to_numpy()
        whole = np.isnan(values) | (np.floor(values) == values)
        if whole.all() and (np.abs(np.nan_to_num(values)) < 2**53).all():
            column = pc.cast(column, pa.int64())
    try:
        found = pc.cast(column, pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"{table.name}: column {title!r} must hold text, not {column.type}") from error
    return _whole(found)


def keys(table: OutcomesTable, title: str, role: str) -> pa.Array:
    """Return a column of ids or names as text without surrounding space; none may be missing.

    Raises:
        DataError: A cell is empty (names its row).
    """
    found = pc.utf8_trim_whitespace(texts(table, title))
    empty = pc.fill_null(pc.equal(found, ""), True).to_numpy(zero_copy_only=False)
    if empty.any():
        raise DataError(f"{table.row(int(np.argmax(empty)))}: no {role} (column {title!r} is empty)")
    return found


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def coded(column: pa.Array) -> tuple[np.ndarray, list[str]]:
    """Return the code of each cell (-1 = null), int64, and the distinct texts in order of appearance."""
    encoded = column.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, encoded.dictionary.to_pylist()
