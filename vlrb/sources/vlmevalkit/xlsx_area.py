"""How many cells a sheet spans, told from its XML before a reader keeps a place for each of them."""

import re

_SHEET = b"sheetData"
_ATTRIBUTES = rb"""(?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*?"""  # other attributes before the place
_PLACED = _ATTRIBUTES + rb"""\s+r\s*=\s*["']\s*([A-Za-z]*)(\d*)"""
_ROW = re.compile(rb"<(?:[\w.-]+:)?row\b")
_CELL = re.compile(rb"<(?:[\w.-]+:)?c[\s/>]")
_PLACED_ROW = re.compile(rb"<(?:[\w.-]+:)?row" + _PLACED)
_PLACED_CELL = re.compile(rb"<(?:[\w.-]+:)?c" + _PLACED)
_DIMENSION = re.compile(rb"""<(?:[\w.-]+:)?dimension\s+ref\s*=\s*["']([A-Z]+)(\d+):([A-Z]+)(\d+)""")
# A look at every place is needed for one beyond column CZ (104) or row 99,999 (else a sheet spans 10 million cells at
# the most), and where a row or cell does not say its place first, as all common writers do.
_FAR_CELL = re.compile(rb'<c r="(?:[A-Za-z]{3}|[D-Zd-z][A-Za-z]|[A-Za-z]*\d{6})')
_FAR_ROW = re.compile(rb'<row r="\d{6}')
NEAR = (99_999, 104)


def sheet_area(data: bytes) -> tuple[int, int]:
    """Return the most (rows, columns) that the XML of a sheet can span, declared or used; (0, 0) if it is no sheet.

    Rows and cells may say their place or follow the one before, so both count: the farthest place, and the number of
    rows, or of cells in a row, after it.
    """
    if _SHEET not in data:
        return 0, 0
    found = _DIMENSION.search(data, 0, 4096)
    declared = (int(found[4]), column_number(found[3])) if found else (0, 0)
    rows, columns = _used(data) if _is_odd(data) else NEAR
    return max(declared[0], rows), max(declared[1], columns)


def _is_odd(data: bytes) -> bool:
    """Return whether some place is far away or may not be told; counting is much faster than matching every tag."""
    start, end = data.find(b"<" + _SHEET), data.rfind(b"</" + _SHEET)
    if start < 0 or end < start or data.count(b"<" + _SHEET) > 1:
        return True
    untold = data.count(b"<c", start, end) - data.count(b'<c r="', start, end)
    untold += data.count(b"<row", start, end) - data.count(b'<row r="', start, end)
    prefixed = data.find(b":c", start, end) >= 0 or data.find(b":row", start, end) >= 0
    return bool(untold or prefixed or _FAR_CELL.search(data) or _FAR_ROW.search(data))


def _used(data: bytes) -> tuple[int, int]:
    """Add what has no place of its own to the farthest place."""
    placed_rows, parts = _PLACED_ROW.findall(data), _ROW.split(data)
    rows, columns = len(parts) - 1 - len(placed_rows), 0
    places: set[tuple[bytes, bytes]] = set(placed_rows)
    for part in parts:
        cells = _PLACED_CELL.findall(part)
        places.update(cells)
        columns = max(columns, len(_CELL.findall(part)) - len(cells))
    rows += max((int(row) for _, row in places if row), default=0)
    return rows, columns + max((column_number(letters) for letters, _ in places), default=0)


def column_number(letters: bytes) -> int:
    """Return the number of a column.

    >>> column_number(b"A"), column_number(b"Z"), column_number(b"AA")
    (1, 26, 27)
    """
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
