"""Picture cells of a table: one path, a list of paths, or paths separated by ";"; all below one root."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vlrb.sources.base import Note
from vlrb.sources.vlmevalkit.cells import parse_list
from vlrb.sources.vlmevalkit.tsv_pictures import FilePictures, Reference
from vlrb.utils.console import track
from vlrb.utils.errors import DataError

SEPARATOR = ";"
MAX_NAME = 255  # characters of a file name, on all common systems


def split_paths(cell: object) -> list[str]:
    """Return the paths that a cell names; a comma is part of a path.

    Raises:
        DataError: The cell begins like a list but is none.

    >>> split_paths("a, b.png"), split_paths("a.png; b.png"), split_paths('["a;b.png", "c.png"]'), split_paths(None)
    (['a, b.png'], ['a.png', 'b.png'], ['a;b.png', 'c.png'], [])
    """
    if cell is None:
        return []
    if isinstance(cell, list):
        return [str(path) for path in cell if path]
    text = str(cell).strip()
    if not text.startswith("["):
        return [path.strip() for path in text.split(SEPARATOR) if path.strip()]
    found = _json_list(text)
    if found is None:
        found = parse_list(text)
    if found is None:
        raise DataError(f"picture cell {text[:60]!r} is no list of paths", 'write ["a.png", "b.png"], or one path')
    return [path for path in found if path]


def _json_list(text: str) -> list[str] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and all(isinstance(path, str) for path in found) else None


def picture_lists(
    cells: Sequence[object], ids: Sequence[str], root: Path, where: str, unreadable: str, notes: list[Note]
) -> list[list[dict[str, Any]]]:
    """Return references to the pictures of each sample.

    Args:
        cells: Picture cell of each sample.
        ids: Id of each sample, for messages.
        root: Folder that paths are relative to.
        where: The table's name, for messages.
        unreadable: "error", or "report": what cannot be read is noted and kept as a reference, if there is a file.
        notes: Oddities are added here.

    Raises:
        DataError: A path leads outside the root; or a picture cannot be read, unless `unreadable` is "report".
    """
    files = FilePictures(root, [""])
    found: list[list[Reference]] = []
    for sample_id, cell in track(list(zip(ids, cells, strict=True)), "looking at pictures"):
        try:
            paths = [_relative(path, root) for path in split_paths(cell)]
            _check_names(paths)
            found.append(files.listed(sample_id, paths))
        except DataError as error:
            reason = error.message.removeprefix(f"row {sample_id!r}: ")
            raise DataError(f"{where}: sample {sample_id}: {reason}", error.hint) from error
        if files.problems and unreadable == "error":
            problem = files.problems[0]
            raise DataError(
                f"{where}: sample {problem.key}: {problem.reason}",
                f"pictures are looked for below {root}: dataset.source.pictures=<folder>, or list such pictures and go "
                "on with dataset.source.options.unreadable=report",
            )
    notes.extend(Note("unreadable_picture", where, f"sample {p.key}: {p.reason}") for p in files.problems)
    bare = sum(not references for references in found)
    if bare:
        notes.append(Note("no_pictures", where, "samples without a picture", bare))
    return found


def _check_names(paths: Sequence[str]) -> None:
    """Refuse what no system takes for a file's name, such as the picture itself in base64."""
    for path in paths:
        if "\0" in path or max(map(len, path.split("/"))) > MAX_NAME:
            shown = f"{path[:40]!r}" + (" …" if len(path) > MAX_NAME else "")
            hint = "pictures are files beside the table; base64 in a cell is not read"
            raise DataError(f"{shown} is no path of a picture", hint)


def _relative(path: str, root: Path) -> str:
    """Return an absolute path below the root as a relative one; others as they are."""
    absolute = Path(path)
    return absolute.relative_to(root).as_posix() if absolute.is_absolute() and absolute.is_relative_to(root) else path
