"""The pictures of one dataset file: base64 cells, lists of them, references to other rows, and plain files."""

import binascii
import hashlib
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vlrb.sources.pictures import BASE64, FILE, PICTURE_ERRORS, decode_base64, opened
from vlrb.sources.vlmevalkit.cells import parse_list
from vlrb.utils.errors import DataError
from vlrb.utils.files import inside

REFERENCE_LENGTH = 64  # a shorter "picture" is the index of the row that holds it
MAX_HOPS = 4
_LIST_ITEM = re.compile(rb"""['"]+([^'"]*)['"]+""")
_SPACE = re.compile(rb"\s*")
Reference = dict[str, Any]


class PictureProblem(NamedTuple):
    """A picture that cannot be used.

    Args:
        key: Index of the sample.
        reason: What is wrong.
    """

    key: str
    reason: str


class Picture(NamedTuple):
    """Size and identity of a picture whose header could be read."""

    width: int
    height: int
    content_hash: str


def inspect(data: bytes) -> Picture:
    """Return the size of a picture, from its header, and the hash of its bytes (BLAKE2b, 128 bits).

    Raises:
        DataError: It is no picture.
    """
    try:
        with opened(data) as picture:
            width, height = picture.size
    except (*PICTURE_ERRORS, struct.error) as error:
        reason = "empty" if not data else "no picture format that is known, or a damaged header"
        raise DataError(reason) from error
    return Picture(width, height, content_hash(data))


def content_hash(data: bytes) -> str:
    """Return the identity of a picture's bytes."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


class CellPictures:
    """Collect the pictures of a file's rows; references are followed at the end, when all rows are known.

    Args:
        path: The dataset file, POSIX path relative to the root.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[PictureProblem] = []
        self._damage: dict[int, str] = {}  # offset of a picture → what is wrong with it
        self.dangling: dict[str, str] = {}  # row → the row it refers to, which holds no picture
        self._parts: dict[str, list[Reference | str]] = {}

    def add_cell(self, key: str, buffer: bytes, start: int, end: int, offset: int) -> None:
        """Take the picture cell of one row; `offset` is where the buffer lies in the file."""
        found = _SPACE.match(buffer, start, end)
        start = found.end() if found else start
        if end <= start:
            return
        spans = [(start, end)]
        if buffer[start : start + 1] == b"[":
            spans = [item.span(1) for item in _LIST_ITEM.finditer(buffer, start, end)]
        parts = self._parts.setdefault(key, [])
        parts += [self._part(key, buffer, a, b, offset) for a, b in spans if b > a]

    def _part(self, key: str, buffer: bytes, start: int, end: int, offset: int) -> Reference | str:
        if end - start <= REFERENCE_LENGTH:
            return buffer[start:end].decode("utf-8", "replace").strip()
        reference = {"path": self.path, "offset": offset + start, "length": end - start, "encoding": BASE64}
        try:
            data = decode_base64(memoryview(buffer)[start:end])
        except binascii.Error as error:
            return self._damaged(key, reference, f"not base64 ({error})")
        try:
            return reference | inspect(data)._asdict()
        except DataError as error:
            return self._damaged(key, reference, error.message, data)

    def _damaged(self, key: str, reference: Reference, reason: str, data: bytes = b"") -> Reference:
        self._damage[reference["offset"]] = f"{reason}, at byte {reference['offset']}"
        self.problems.append(PictureProblem(key, self._damage[reference["offset"]]))
        return reference | {"width": 0, "height": 0, "content_hash": content_hash(data)}

    def resolved(self) -> dict[str, list[Reference]]:
        """Return the references of every row that has pictures, those of other rows followed."""
        return {key: [r for part in parts for r in self._follow(key, part, 0)] for key, parts in self._parts.items()}

    def _follow(self, key: str, part: Reference | str, hops: int) -> list[Reference]:
        if not isinstance(part, str):
            return [part]
        target = self._parts.get(part)
        if target is None or hops > MAX_HOPS or part == key:
            self.dangling[key] = part
            self.problems.append(PictureProblem(key, f"refers to row {part!r}, which holds no picture"))
            return []
        found = [reference for inner in target for reference in self._follow(key, inner, hops + 1)]
        if hops == 0:
            damaged = [self._damage[r["offset"]] for r in found if r["offset"] in self._damage]
            self.problems += [PictureProblem(key, f"refers to row {part!r}: {reason}") for reason in damaged]
        return found


class FilePictures:
    """Find plain picture files that rows name.

    Args:
        root: Folder of the logs; nothing outside it is opened.
        folders: Where a relative name may lie, POSIX paths relative to the root, in order.
    """

    def __init__(self, root: Path, folders: Sequence[str]) -> None:
        self.root, self.folders = root, folders
        self.problems: list[PictureProblem] = []
        self._known: dict[str, Reference] = {}
        self._damage: dict[str, str] = {}  # name → what is wrong with the file

    def references(self, key: str, cell: str) -> list[Reference]:
        """Return references to the files that one `image_path` cell names (a name, or a list of names).

        Raises:
            DataError: A name leads outside the root.
        """
        names = parse_list(cell) if cell.startswith("[") else [cell]
        return self.listed(key, [name.strip() for name in names or [] if name.strip()])

    def listed(self, key: str, names: Sequence[str]) -> list[Reference]:
        """Return references to files by name, relative to one of the folders."""
        found = [self._reference(key, name) for name in names]
        return [reference for reference in found if reference is not None]

    def _reference(self, key: str, name: str) -> Reference | None:
        if name in self._known:
            if name in self._damage:
                self.problems.append(PictureProblem(key, self._damage[name]))
            return self._known[name]
        outside: DataError | None = None
        for relative in [(Path(folder) / name).as_posix() for folder in self.folders]:
            try:
                path = inside(self.root, relative)
                if path.is_file():
                    self._known[name] = self._read(key, name, relative, path)
                    return self._known[name]
            except DataError as error:
                outside = error
            except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL in it, links in a circle
                self.problems.append(PictureProblem(key, f"no file {_shown(name)} ({_shown(str(error))})"))
                return None
        if outside is not None:
            raise DataError(f"row {key!r}: {outside.message}", outside.hint)
        self.problems.append(PictureProblem(key, f"no file {_shown(name)}"))
        return None

    def _read(self, key: str, name: str, relative: str, path: Path) -> Reference:
        data = path.read_bytes()
        reference = {"path": relative, "offset": 0, "length": len(data), "encoding": FILE}
        try:
            return reference | inspect(data)._asdict()
        except DataError as error:
            self._damage[name] = f"{relative}: {error.message}"
            self.problems.append(PictureProblem(key, self._damage[name]))
            return reference | {"width": 0, "height": 0, "content_hash": content_hash(data)}


def _shown(text: str) -> str:
    """Return a text for one line of a message."""
    text = " ".join(text.replace("\0", "\\0").split())
    return text if len(text) <= 120 else f"{text[:117]}…"
