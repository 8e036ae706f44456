"""Read the first sheet of a workbook with calamine, guarded against damaged and hostile files."""

import html
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

from vlrb.utils.errors import DataError

MAX_UNPACKED_BYTES = 1 << 30
MAX_CELLS = 20_000_000
DEFLATE_RATIO = 1032  # the most that one byte of deflate can stand for
CHUNK = 1 << 20
HINT = "copy or make the file again, or remove it"
_DIMENSION = re.compile(rb'<dimension ref="[A-Z]+\d+:([A-Z]+)(\d+)"')
_FORMULA = re.compile(rb'<c r="([A-Z]+)(\d+)"[^>]*><f[^>/]*>([^<]*)</f>')


def read_rows(path: Path, name: str) -> list[list[Any]]:
    """Return the rows of the first sheet: str, float, bool or date cells, "" where empty.

    Raises:
        DataError: The file is no workbook, is damaged, or would unpack to more than `MAX_UNPACKED_BYTES`.
    """
    _check_size(path, name)
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(path) as book:
            rows: list[list[Any]] = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError, IndexError) as error:
        raise DataError(f"{name}: not a readable xlsx workbook ({_reason(error)})", HINT) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # how a crash inside the reader's Rust code arrives here
            raise
        raise DataError(f"{name}: not a readable xlsx workbook (the reader gave up)", HINT) from None
    return rows


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


def _check_size(path: Path, name: str) -> None:
    """Refuse what would fill the memory: declared sizes first, then, for files large enough to lie, real ones."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
                raise DataError(f"{name}: unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB", HINT)
            if sum(member.compress_size for member in members) * DEFLATE_RATIO > MAX_UNPACKED_BYTES:
                _check_members(archive, members, name)
            _check_cells(archive, name)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{name}: not a readable xlsx workbook ({_reason(error)})", HINT) from error


def _check_members(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], name: str) -> None:
    left = MAX_UNPACKED_BYTES
    for member in members:
        with archive.open(member) as file:
            while chunk := file.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise DataError(f"{name}: unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB", HINT)


def _check_cells(archive: zipfile.ZipFile, name: str) -> None:
    """Refuse a sheet whose declared area is huge: the reader keeps a place for every cell, used or not."""
    sheet = _first_sheet(archive)
    if sheet is None:
        return
    with archive.open(sheet) as file:
        found = _DIMENSION.search(file.read(4096))
    if found and _column_number(found[1]) * int(found[2]) > MAX_CELLS:
        raise DataError(f"{name}: a sheet of {int(found[2]):,} rows × {_column_number(found[1]):,} columns", HINT)


def _first_sheet(archive: zipfile.ZipFile) -> str | None:
    sheets = [n for n in archive.namelist() if n.startswith("xl/worksheets/sheet") and n.endswith(".xml")]
    return min(sheets, key=lambda sheet: (len(sheet), sheet)) if sheets else None


def _column_number(letters: bytes) -> int:
    """Return the number of a column: A → 1, Z → 26, AA → 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def formula_texts(path: Path) -> dict[tuple[int, int], str]:
    """Return (row, column) → text of the cells of the first sheet that are stored as formulas, counted from 0.

    Older versions of the kit stored a text that begins with "=" as a formula, whose cached value is 0 or nothing.
    """
    with zipfile.ZipFile(path) as archive:
        sheet = _first_sheet(archive)
        data = archive.read(sheet) if sheet else b""
    found = _FORMULA.findall(data) if b"<f" in data else []
    return {
        (int(row) - 1, _column_number(letters) - 1): "=" + html.unescape(formula.decode("utf-8", "replace"))
        for letters, row, formula in found
    }
