"""Find and read the table: CSV, TSV or Parquet, as Arrow columns; cells of text tables stay text."""

import codecs
import csv
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from vlrb.utils.errors import DataError
from vlrb.utils.files import inside
from vlrb.utils.suggest import did_you_mean

SUFFIXES = (".csv", ".tsv", ".parquet")
DELIMITERS = ",;\t|"
_BLOCK = 1 << 26  # bytes read at once; one row must fit into it
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class OutcomesTable(NamedTuple):
    """A table in memory.

    Args:
        name: How the file is called in messages and records.
        columns: Arrow columns by title, equally long.
        first_row: What a spreadsheet calls the first row of data (2 under a header, 1 without).
        length: Number of rows.
    """

    name: str
    columns: dict[str, pa.ChunkedArray]
    first_row: int
    length: int

    def row(self, number: int) -> str:
        """Return how messages call the row at a position."""
        return f"{self.name}: row {number + self.first_row:,}"


def find_table(root: Path, table: str | None) -> Path:
    """Return the table that is meant: the root itself if it is a file, the named one, or the only one in the folder.

    Raises:
        DataError: There is none of that name, none at all, or more than one.
    """
    if root.is_file():
        if root.suffix.lower() not in SUFFIXES:
            raise DataError(f"{root}: not a table that can be read", f"known: {', '.join(SUFFIXES)}")
        return root
    if not root.is_dir():
        raise DataError(f"{root}: no such file or folder", "give the table, or its folder: dataset.root=…")
    found = sorted(p for p in root.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    names = [path.name for path in found]
    if table is not None:
        path = inside(root, table)
        if not path.is_file():
            raise DataError(f"{root}: no table {table!r}", did_you_mean(table, names))
        return path
    if len(found) != 1:
        hint = f"say which: dataset.source.table=…; there are {', '.join(names[:8])}" if found else "known: .csv, .tsv"
        raise DataError(f"{root}: {len(found)} tables in the folder", hint if found else f"{hint}, .parquet")
    return found[0]


def read_outcomes(path: Path, name: str, delimiter: str | None = None) -> OutcomesTable:
    """Read a table.

    Args:
        path: The file; its ending says what it is.
        name: How it is called in messages.
        delimiter: What separates cells of a text table; None = told by the header.

    Raises:
        DataError: The file is empty, cut short, not UTF-8, or a title repeats (names the row where there is one).
    """
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{name}: empty file", "copy it again or remove it")
        if path.suffix.lower() == ".parquet":
            table, first_row = _read_parquet(path, name), 1
        else:
            table, first_row = _read_text(path, name, delimiter), 2
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error})") from error
    if not table.num_rows:
        raise DataError(f"{name}: no rows, only a header")
    columns = dict(zip(table.column_names, table.columns, strict=True))
    return OutcomesTable(name, columns, first_row, table.num_rows)


def _read_parquet(path: Path, name: str) -> pa.Table:
    try:
        file = pq.ParquetFile(path)
        titles = [title for title in file.schema_arrow.names if not title.startswith("__index_level_")]
        _check_titles(titles, name)
        table = file.read(columns=titles)
        table.validate(full=True)  # a damaged page can hold text that is not UTF-8
        return table
    except (pa.ArrowException, ValueError) as error:
        raise DataError(
            f"{name}: not a readable Parquet file ({_first_line(error)})", "it may be half written: copy it again"
        ) from error


def _read_text(path: Path, name: str, delimiter: str | None) -> pa.Table:
    titles, delimiter = _header(path, name, delimiter)
    _check_titles(titles, name)
    try:
        return pa.csv.read_csv(
            path,
            pa.csv.ReadOptions(column_names=titles, skip_rows_after_names=1, block_size=_BLOCK),
            pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            pa.csv.ConvertOptions(
                column_types=dict.fromkeys(titles, pa.large_string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error):
            raise _not_utf8(path, name) from error
        raise DataError(
            f"{name}: {_parse_error(str(error))}", "the file may be cut short, or a quote left open"
        ) from error


def _header(path: Path, name: str, delimiter: str | None) -> tuple[list[str], str]:
    with path.open("rb") as start:
        if start.read(2) in _UTF16:
            raise DataError(f"{name}: UTF-16 text", "save it as UTF-8")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            line = file.readline()
            file.seek(0)
            if delimiter is None:
                tab = path.suffix.lower() == ".tsv"
                delimiter = "\t" if tab else max(DELIMITERS, key=line.count)
            titles = next(csv.reader(file, delimiter=delimiter), [])
    except UnicodeDecodeError as error:
        raise _not_utf8(path, name) from error
    except csv.Error as error:
        raise DataError(f"{name}: row 1: {error}", "the first row must hold the titles of the columns") from error
    return [title.strip() for title in titles], delimiter


def _check_titles(titles: list[str], name: str) -> None:
    seen: set[str] = set()
    for number, title in enumerate(titles, start=1):
        if not title:
            raise DataError(f"{name}: column {number} has no title", "row 1 must hold the titles of the columns")
        if title in seen:
            raise DataError(f"{name}: two columns are called {title!r}", "rename one of them")
        seen.add(title)


def _not_utf8(path: Path, name: str) -> DataError:
    """Say where the bytes stop being UTF-8 (the file is read again, line by line)."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return DataError(f"{name}: line {number:,}: not UTF-8 text (byte {error.start})", "save it as UTF-8")
    return DataError(f"{name}: not UTF-8 text", "save it as UTF-8")


def _parse_error(message: str) -> str:
    """Return Arrow's message in one short line; its row numbers count the header."""
    line = message.splitlines()[0].removeprefix("CSV parse error: ")
    return line if len(line) <= 200 else line[:200] + "…"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
