"""Fingerprints: short, stable hashes of configs, arrays and files, for 'is this still the same input?'."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np


def canonical(value: Any) -> Any:  # noqa: ANN401 - any plain value
    """Return `value` with numbers and containers in one form, so that equal settings hash equally.

    1 and 1.0 are the same number; tuples are lists; mapping order does not matter; infinities become words.

    >>> canonical({"b": 1.0, "a": (True, float("inf"))})
    {'a': [True, 'inf'], 'b': 1}
    """
    if isinstance(value, dict):
        return {str(k): canonical(value[k]) for k in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [canonical(v) for v in value]
    if isinstance(value, np.generic):
        return canonical(value.item())
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return str(value)
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, Path):
        return value.as_posix()
    return value


def fingerprint(value: Any, length: int = 16) -> str:  # noqa: ANN401 - any plain value
    """Return a hex hash of a plain value (numbers, strings, None, lists, dicts), independent of key order."""
    text = json.dumps(canonical(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def array_fingerprint(array: np.ndarray, length: int = 16) -> str:
    """Return a hex hash of an array's dtype, shape and bytes."""
    array = np.ascontiguousarray(array)
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(array.tobytes() if array.size else b"")
    return digest.hexdigest()[:length]


def file_fingerprint(path: Path, length: int = 16) -> str:
    """Return a hex hash of a file's bytes (streamed)."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:length]
