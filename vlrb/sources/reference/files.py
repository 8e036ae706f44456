"""Plain files of the layout: JSON lines, lists of names, arrays; a pickle is never opened."""

import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from vlrb.utils.errors import DataError
from vlrb.utils.files import read_json

# What NumPy and zipfile raise on damaged archives and forged headers.
ARRAY_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    SyntaxError,
    KeyError,
    OverflowError,
    MemoryError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
    TokenError,
)


def json_lines(path: Path, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line number and the object of every line that is not blank.

    Raises:
        DataError: A line is no JSON object, or the file is not UTF-8.
    """
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise DataError(f"{name}: line {number} is no JSON object")
                yield number, record
    except ValueError as error:  # not JSON, or not UTF-8
        where = number + isinstance(error, UnicodeDecodeError)
        raise DataError(f"{name}: line {where}: not JSON in UTF-8 ({error})", "the file may be cut short") from error


def id_list(path: Path, name: str) -> list[str]:
    """Return the ids that a file lists: JSON lines with `sample_id`, a JSON list, or one id a line.

    Raises:
        DataError: It is none of these.
    """
    if path.suffix == ".jsonl":
        return [_id_of(record, f"{name}: line {number}") for number, record in json_lines(path, name)]
    if path.suffix == ".json":
        found = read_json(path)
        if not isinstance(found, list):
            raise DataError(f"{name}: must hold a list of ids")
        return [_id_of(item, f"{name}: item {number}") for number, item in enumerate(found, start=1)]
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: not UTF-8 text") from error


def _id_of(item: Any, where: str) -> str:  # noqa: ANN401 - any JSON value
    """Return an id given bare or as `sample_id`, `model_id`, `name` or `id` of an object."""
    if isinstance(item, dict):
        item = next((item[key] for key in ("sample_id", "model_id", "name", "id") if key in item), None)
    if not isinstance(item, str | int) or isinstance(item, bool) or not str(item).strip():
        raise DataError(f"{where} holds no id")
    return str(item).strip()


def first_list(folder: Path, root: Path, *stems: str) -> list[str] | None:
    """Return the ids of the first file `<stem>.json` or `<stem>.txt` there is, None if there is none.

    `{"models": […]}` is taken like the list in it.
    """
    for stem in stems:
        for suffix in (".json", ".txt"):
            path = folder / f"{stem}{suffix}"
            if not path.is_file():
                continue
            name = path.relative_to(root).as_posix()
            if suffix == ".json":
                found = read_json(path)
                if isinstance(found, dict) and isinstance(found.get("models"), list):
                    return [_id_of(item, f"{name}: model {k}") for k, item in enumerate(found["models"], start=1)]
            return id_list(path, name)
    return None


def load_matrix(path: Path, name: str) -> np.ndarray:
    """Return the matrix of an .npy file, or that of an .npz file under Y, data or arr_0, as float64.

    Raises:
        DataError: The file is damaged, holds pickled objects, or no matrix of numbers.
    """
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.lib.npyio.NpzFile):
            with found as archive:
                matrix = _from_archive(archive, path, name)
        else:
            matrix = found
    except ARRAY_ERRORS as error:
        if "allow_pickle" in str(error):
            raise DataError(f"{name}: holds pickled objects, which are never opened", "save it as numbers") from error
        raise DataError(f"{name}: not a readable array ({error})", "it may be cut short: copy it again") from error
    if matrix.ndim != 2 or matrix.dtype.kind not in "biuf":
        raise DataError(f"{name}: no matrix of numbers, but {matrix.dtype} of shape {matrix.shape}")
    return matrix.astype(np.float64)


def _from_archive(archive: "np.lib.npyio.NpzFile", path: Path, name: str) -> np.ndarray:
    if "indptr" in archive.files:  # a sparse matrix: `data` holds its non-zeros alone
        from scipy.sparse import load_npz

        dense: np.ndarray = load_npz(path).toarray()
        return dense
    for key in ("Y", "data", "arr_0"):
        if key in archive.files:
            matrix: np.ndarray = archive[key]
            return matrix
    raise DataError(f"{name}: no array Y, data or arr_0 in it", f"there are: {', '.join(archive.files) or 'none'}")
