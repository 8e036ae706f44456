"""Random access to the pictures that samples refer to, wherever their bytes lie."""

import binascii
import os
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO

from vlrb.sources.colours import to_rgb
from vlrb.utils.errors import DataError
from vlrb.utils.files import inside

if TYPE_CHECKING:
    from PIL.Image import Image

BASE64 = "base64"
FILE = "file"
PICTURE_ERRORS = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, ArithmeticError, TypeError)
# What Pillow's readers of headers raise on damaged files; its decoders raise these besides.
DECODER_ERRORS = (*PICTURE_ERRORS, struct.error, zlib.error, RuntimeError, AssertionError, AttributeError)


class PictureReader:
    """Open pictures by reference (the fields of `schema.PICTURE_FIELDS`).

    Bytes are read at their offset, so one picture of a file of gigabytes costs one read. Files stay open; a copy sent
    to another process, and a forked child, opens its own.

    Args:
        root: Folder that the references' paths are relative to; nothing outside it is ever opened.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self._files: dict[tuple[int, str], BinaryIO] = {}
        self._lock = Lock()

    def open(self, reference: Mapping[str, Any]) -> "Image":
        """Return the picture, decoded, RGB (see `colours.to_rgb`).

        Raises:
            DataError: The bytes cannot be read, are no whole picture or far too large a one (names file and offset).
        """
        data = self.read(reference)
        try:
            with opened(data) as picture:
                return to_rgb(picture)
        except DECODER_ERRORS as error:
            raise DataError(f"{_where(reference)}: not a readable picture ({error})") from error

    def read(self, reference: Mapping[str, Any]) -> bytes:
        """Return the picture file's bytes (base64 is decoded, the picture is not)."""
        path, offset, length = str(reference["path"]), int(reference["offset"]), int(reference["length"])
        try:
            data = self._bytes(path, offset, length, keep=reference["encoding"] == BASE64)
            if reference["encoding"] == BASE64:
                return decode_base64(data)
        except (OSError, binascii.Error) as error:
            raise DataError(f"{_where(reference)}: cannot read the picture ({error})") from error
        return data

    def _bytes(self, path: str, offset: int, length: int, *, keep: bool) -> bytes:
        if not keep:
            return inside(self.root, path).read_bytes()
        with self._lock:
            key = (os.getpid(), path)
            if key not in self._files:
                self._files[key] = inside(self.root, path).open("rb")
            file = self._files[key]
            file.seek(offset)
            return file.read(length)

    def __getstate__(self) -> dict[str, Any]:
        return {"root": self.root}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["root"])  # type: ignore[misc]

    def __del__(self) -> None:
        for file in getattr(self, "_files", {}).values():
            file.close()


def decode_base64(data: bytes | memoryview) -> bytes:
    r"""Return the bytes that base64 text stands for; characters that are no base64 (line breaks) are passed over.

    Raises:
        binascii.Error: The text is cut short.

    >>> decode_base64(b"SGVs\nbG8=")
    b'Hello'
    """
    import pybase64

    try:
        return pybase64.b64decode(data, validate=True)  # some thirty times faster, but strict
    except binascii.Error:
        return binascii.a2b_base64(data)


@contextmanager
def opened(data: bytes) -> Iterator["Image"]:
    """Open a picture file's bytes: the header is read, pixels only when they are used.

    Large pictures are wanted (scanned posters), so Pillow's warning about them is not; its hard limit stays.
    """
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(BytesIO(data)) as picture:
                yield picture
        except Image.DecompressionBombError as error:  # of the header, or of a frame within
            raise ValueError(str(error)) from error


def _where(reference: Mapping[str, Any]) -> str:
    return f"{reference['path']} at byte {reference['offset']}"
