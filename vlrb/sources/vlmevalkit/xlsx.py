"""Read the first sheet of a workbook with calamine, guarded against damaged and hostile files."""

import html
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

from vlrb.sources.vlmevalkit.xlsx_area import column_number, sheet_area
from vlrb.sources.vlmevalkit.xlsx_parts import TooLargeError, parts
from vlrb.utils.errors import DataError

MAX_UNPACKED_BYTES = 1 << 30
MAX_CELLS = 20_000_000
HINT = "copy or make the file again, or remove it"
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
    """Refuse what would fill the memory: too many bytes, or a sheet that spans a huge area.

    The reader keeps a place for every cell, used or not. Which part is the first sheet is said by other parts, so that
    all are looked at.
    """
    try:
        for part in parts(path, MAX_UNPACKED_BYTES):
            rows, columns = sheet_area(part)
            if rows * columns > MAX_CELLS:
                raise DataError(f"{name}: a sheet of {rows:,} rows × {columns:,} columns", HINT)
    except TooLargeError as error:
        raise DataError(f"{name}: unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB", HINT) from error
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{name}: not a readable xlsx workbook ({_reason(error)})", HINT) from error


def _first_sheet(archive: zipfile.ZipFile) -> str | None:
    sheets = [n for n in archive.namelist() if n.startswith("xl/worksheets/sheet") and n.endswith(".xml")]
    return min(sheets, key=lambda sheet: (len(sheet), sheet)) if sheets else None


def formula_texts(path: Path) -> dict[tuple[int, int], str]:
    """Return (row, column) → text of the cells of the first sheet that are stored as formulas, counted from 0.

    Older versions of the kit stored a text that begins with "=" as a formula, whose cached value is 0 or nothing.
    """
    with zipfile.ZipFile(path) as archive:
        sheet = _first_sheet(archive)
        data = archive.read(sheet) if sheet else b""
    found = _FORMULA.findall(data) if b"<f" in data else []
    return {
        (int(row) - 1, column_number(letters) - 1): "=" + html.unescape(formula.decode("utf-8", "replace"))
        for letters, row, formula in found
    }
