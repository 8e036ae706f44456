"""Split a tab-separated file into rows and cells by byte position, one row in memory at a time."""

from collections.abc import Iterator
from typing import BinaryIO

from vlrb.sources.vlmevalkit.cells import encoding_problem
from vlrb.utils.errors import DataError

BLOCK = 1 << 22
MAX_ROW_BYTES = 400 << 20
Span = tuple[int, int]  # start and end of a cell in the buffer, quotes excluded


def rows(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes, list[Span]]]:
    """Yield (place of the buffer in the file, buffer, spans of the cells in it) for every row that is not empty.

    A cell in quotes may hold tabs, newlines and doubled quotes; a quote elsewhere is an ordinary character.

    Raises:
        DataError: A quote is never closed, or a row is larger than `MAX_ROW_BYTES`.
    """
    buffer, offset, start, done = b"", 0, 0, False
    while True:
        parsed = _row(buffer, start, done)
        if parsed is not None:
            end, spans = parsed
            if len(spans) > 1 or spans[0][1] > spans[0][0]:
                yield offset, buffer, spans
            start = end
            continue
        left = len(buffer) - start
        if done and left:
            raise DataError(f"{name}: the row at byte {offset + start} is cut off (a quote is never closed)")
        if done:
            return
        if left > MAX_ROW_BYTES:
            raise DataError(f"{name}: the row at byte {offset + start} is larger than {MAX_ROW_BYTES >> 20} MiB")
        block = file.read(max(BLOCK, left))  # doubling keeps the work linear when a row is larger than a block
        done = not block
        buffer, offset, start = buffer[start:] + block, offset + start, 0


def _row(buffer: bytes, start: int, done: bool) -> tuple[int, list[Span]] | None:
    """Return (end of the row, spans) of the row that begins at `start`; None if the buffer ends before it does."""
    at, size, newline = start, len(buffer), start - 1
    spans: list[Span] = []
    while at < size or (spans and done):
        quoted = buffer[at : at + 1] == b'"'
        if quoted:
            close = _closing_quote(buffer, at + 1)
            if close < 0 or (close + 1 >= size and not done):
                return None
            spans.append((at + 1, close))
            at = close + 1
        if newline < at:
            newline = buffer.find(b"\n", at)
            if newline < 0:
                if not done:
                    return None
                newline = size
        tab = buffer.find(b"\t", at, newline)
        end = tab if tab >= 0 else newline
        if not quoted:
            carriage = tab < 0 and end > at and buffer[end - 1 : end] == b"\r"
            spans.append((at, end - carriage))
        if tab < 0:
            return min(end + 1, size), spans
        at = tab + 1
    return None


def _closing_quote(buffer: bytes, at: int) -> int:
    """Return the place of the quote that ends a cell (doubled quotes are part of it), -1 if it is not there."""
    while True:
        at = buffer.find(b'"', at)
        if at < 0 or buffer[at + 1 : at + 2] != b'"':
            return at
        at += 2


def cell_string(buffer: bytes, span: Span, name: str, row: int) -> str:
    """Return a cell as text.

    Raises:
        DataError: It is not UTF-8.
    """
    data = buffer[span[0] : span[1]]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name}: row {row} is not UTF-8 text; {encoding_problem(data)}", "save the file as UTF-8"
        ) from error
    quoted = span[0] > 0 and buffer[span[0] - 1 : span[0]] == b'"'
    return text.replace('""', '"') if quoted else text
