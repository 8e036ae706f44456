"""Unpack the parts of a workbook within a limit, whatever sizes its directory declares."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

LOCAL_HEADER = 30  # bytes before the name in a part's own header
CHUNK = 1 << 16


class TooLargeError(ValueError):
    """The parts unpack to more than the limit."""


def parts(path: Path, limit: int) -> Iterator[bytes]:
    """Yield the content of every part of a zip archive.

    Args:
        path: The archive.
        limit: The most bytes that all parts together may unpack to.

    Raises:
        TooLargeError: They unpack, or are declared to unpack, to more.
        zipfile.BadZipFile: It is no zip archive, or a part is damaged or packed in a way that workbooks do not use.
    """
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        members = archive.infolist()
        if sum(member.file_size for member in members) > limit:
            raise TooLargeError
        for member in members:
            data = _unpacked(file, member, limit)
            limit -= len(data)
            if zlib.crc32(data) != member.CRC:  # the reader of sheets stops before it would notice
                raise zipfile.BadZipFile(f"{member.filename} is damaged: its check sum is another")
            yield data


def _unpacked(file: BinaryIO, member: zipfile.ZipInfo, limit: int) -> bytes:
    """Return what a part really holds (the standard library stops at the declared size, other readers do not)."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(f"{member.filename} is packed in an unknown way")
    file.seek(member.header_offset)
    header = file.read(LOCAL_HEADER)
    lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    file.seek(member.header_offset + LOCAL_HEADER + lengths)
    left = member.compress_size
    if member.compress_type == zipfile.ZIP_STORED:
        if left > limit:
            raise TooLargeError
        return file.read(left)
    inflater, out = zlib.decompressobj(-zlib.MAX_WBITS), bytearray()
    while left > 0 and not inflater.eof:
        chunk = file.read(min(CHUNK, left))
        if not chunk:
            raise zipfile.BadZipFile(f"{member.filename} is cut off")
        left -= len(chunk)
        out += inflater.decompress(chunk, limit - len(out) + 1)
        if len(out) > limit:
            raise TooLargeError
    return bytes(out)
