"""Read one log table (xlsx, tsv or json) as text, exactly as it was written."""

import csv
import datetime
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vlrb.sources.vlmevalkit.cells import MAX_EXACT, check_id, column_text, encoding_problem, find_column, row_key
from vlrb.sources.vlmevalkit.xlsx import formula_texts, read_rows
from vlrb.utils.errors import DataError

ID_COLUMNS = ("index", "sample_id", "id")
KEY = "__key__"
DATES = "dates"  # key of `attrs`: how many predictions are dates, turned so by a spreadsheet program
ANSWER_COLUMNS = ("prediction", "res", "extract")  # texts of models and judges, which may begin with "="
MAX_TEXT_BYTES = 1 << 30
HALF_WRITTEN = "half written? make it again or remove it"
Wanted = Callable[[str], bool]


class NotATableError(DataError):
    """The file is readable but holds something else than one row per sample."""


def read_table(path: Path, name: str, wanted: Wanted | None = None) -> pd.DataFrame:
    """Return a table's cells as text; an empty cell is "", and "None", "NA" or "nan" stay what they are.

    Args:
        path: The file (.xlsx, .tsv or .json).
        name: How to call it in messages.
        wanted: Which columns to keep, by name; None = all. The id column is always kept.

    Returns:
        One row per sample: the columns, and `KEY` with the sample's index in one spelling.

    Raises:
        DataError: The file is damaged, has no id column, or an id is empty or repeated (names rows and ids).
        NotATableError: The file is valid but no table of rows.
    """
    read = {".xlsx": _from_xlsx, ".tsv": _from_tsv, ".json": _from_json}[path.suffix]
    header, columns = read(path, name)
    key = find_column(pd.Index(header), *ID_COLUMNS)
    if key is None:
        raise DataError(
            f"{name}: no id column ({', '.join(ID_COLUMNS)}) among its columns {_listed(header)}",
            "it is no VLMEvalKit table; move it out of the logs or leave its dataset out",
        )
    place, first_row = header.index(key), 1 if path.suffix == ".json" else 2
    _check_ids(columns[place], name, key, first_row)
    wanted_columns = {
        title: column_text(columns[i])
        for i, title in reversed(list(enumerate(header)))  # of two columns with one title the first counts
        if i == place or wanted is None or wanted(title)
    }
    table = keyed_table(dict(reversed(wanted_columns.items())), key, name, first_row)
    if "prediction" in header:
        answers = columns[header.index("prediction")]
        table.attrs[DATES] = sum(isinstance(cell, datetime.date | datetime.time) for cell in answers)
    return table


def _check_ids(cells: list[Any], name: str, key: str, first_row: int) -> None:
    kinds = set(map(type, cells))
    if kinds <= {str} or (kinds == {float} and max(map(abs, cells)) < MAX_EXACT):
        return
    for row, cell in enumerate(cells, first_row):
        problem = "" if type(cell) is str else check_id(cell)
        if problem:
            raise DataError(f"{name}: {key} of row {row}: {problem}", f"write the column {key} as text")


def keyed_table(columns: dict[str, list[str]], key: str, name: str, first_row: int) -> pd.DataFrame:
    """Return columns of text as a table with `KEY`, the sample's index in one spelling; blank rows are left out.

    Args:
        columns: Title → cells.
        key: The id column.
        name: The file, for messages.
        first_row: Number of the first row in the file.

    Raises:
        DataError: An id is empty or repeated (names rows and ids).
    """
    keys = [row_key(cell) for cell in columns[key]]
    rows: Sequence[int] = range(first_row, first_row + len(keys))
    if "" in keys:
        blank = [not any(cells) for cells in zip(*columns.values(), strict=True)]
        for row, text, is_blank in zip(rows, keys, blank, strict=True):
            if not text and not is_blank:
                raise DataError(f"{name}: row {row} has no {key}")
        kept = [place for place, is_blank in enumerate(blank) if not is_blank]
        columns = {title: [cells[place] for place in kept] for title, cells in columns.items()}
        rows, keys = [rows[place] for place in kept], [keys[place] for place in kept]
    if len(set(keys)) < len(keys):
        raise DataError(f"{name}: {_duplicates(keys, rows)}", "keep one row per sample, then build again")
    return pd.DataFrame({title: pd.array(cells, dtype="str") for title, cells in (columns | {KEY: keys}).items()})


def _duplicates(keys: Sequence[str], rows: Sequence[int]) -> str:
    places: dict[str, list[int]] = {}
    for key, row in zip(keys, rows, strict=True):
        places.setdefault(key, []).append(row)
    found = [f"{key!r} in rows {', '.join(map(str, at))}" for key, at in places.items() if len(at) > 1]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return f"the same sample more than once: {'; '.join(found[:3])}{more}"


def _listed(header: Sequence[str]) -> str:
    shown = ", ".join(title or "(empty)" for title in header[:12])
    return (shown or "(none)") + (" …" if len(header) > 12 else "")


def _columns(rows: list[list[Any]], name: str) -> tuple[list[str], list[list[Any]]]:
    """Split rows into titles and columns of equal length."""
    if not rows or all(cell in ("", None) for cell in rows[0]):
        raise DataError(f"{name}: no header row", "the file is empty or half written; make it again or remove it")
    header = [title.strip().lstrip("\ufeff") for title in column_text(rows[0])]
    width = len(header)
    if any(len(row) != width for row in rows):
        rows = [[*row, *[""] * (width - len(row))][:width] for row in rows]
    columns = [list(column) for column in zip(*rows[1:], strict=True)] if len(rows) > 1 else [[] for _ in header]
    return header, columns


def _from_xlsx(path: Path, name: str) -> tuple[list[str], list[list[Any]]]:
    header, columns = _columns(read_rows(path, name), name)
    answers = [header.index(title) for title in ANSWER_COLUMNS if title in header]
    if any(_may_be_formula(cell) for place in answers for cell in columns[place]):
        for (row, column), text in formula_texts(path).items():
            if column < len(columns) and 0 < row <= len(columns[column]) and _may_be_formula(columns[column][row - 1]):
                columns[column][row - 1] = text
    return header, columns


def _may_be_formula(cell: object) -> bool:
    """Return whether a cell is what a text stored as a formula is read as: nothing, or the number 0."""
    return cell == "" or (type(cell) is float and cell == 0)


def _from_tsv(path: Path, name: str) -> tuple[list[str], list[list[Any]]]:
    """Read a tab-separated table; a row of another length than the header's, or a last one without end, is damage.

    A cut number or letter is another number or letter, so that a half-written file would give wrong grades.
    """
    text = _read_text(path, name)
    csv.field_size_limit(MAX_TEXT_BYTES)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True) if row]
    except csv.Error as error:
        raise DataError(f"{name}: not a readable tab-separated table ({error})", HALF_WRITTEN) from error
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise DataError(f"{name}: row {number} has {len(row)} cells, the header {len(rows[0])}", HALF_WRITTEN)
    if text and not text.endswith(("\n", "\r")):
        raise DataError(
            f"{name}: its last row is cut off (no line end)", f"{HALF_WRITTEN}; if it is whole, end its line"
        )
    return _columns(rows, name)


def _from_json(path: Path, name: str) -> tuple[list[str], list[list[Any]]]:
    try:
        records = json.loads(_read_text(path, name))
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{name}: not valid JSON ({error})", HALF_WRITTEN) from error
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise NotATableError(f"{name}: no list of records")
    header = list(dict.fromkeys(key for record in records for key in record))
    if not header:
        raise NotATableError(f"{name}: no records")
    return header, [[record.get(title) for record in records] for title in header]


def _read_text(path: Path, name: str) -> str:
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise DataError(f"{name}: larger than {MAX_TEXT_BYTES >> 20} MiB")
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{name}: not UTF-8 text (byte {error.start}); {encoding_problem(data)}"
        raise DataError(message, "save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error})") from error
    if "\0" in text[:2]:  # UTF-16 of plain letters is valid UTF-8 too
        raise DataError(f"{name}: not UTF-8 text; {encoding_problem(data)}", "save it as UTF-8")
    return text
