"""Rows that are encoded but not yet part of the final array: small files, each whole or absent.

A shard is one .npy table of (key, row). Its name is a hash of its bytes and of what they were made with, so a damaged
or foreign file is told by its name alone and any number of processes may write side by side. Nothing else describes the
progress of an extraction: whatever keys the shards hold is done.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vlrb.encoders.items import KEY_BYTES
from vlrb.utils import errors
from vlrb.utils.errors import StateError, VlrbError
from vlrb.utils.files import atomic_path, read_json, write_json

_SHARD, _UNREADABLE = "*.npy", "*.unreadable.json"
_FAILURE = "failure.json"


class Shard(NamedTuple):
    """Rows of some contents: their keys, and rows (n, D) float32."""

    keys: list[bytes]
    rows: np.ndarray


class Shards:
    """The shards of one extraction.

    Args:
        folder: Where they lie.
        identity: Fingerprint of what determines a row besides its content (encoder, settings, revision, pooling).
        dim: Width D of a row.
    """

    def __init__(self, folder: Path, identity: str, dim: int) -> None:
        self.folder, self.identity, self.dim = Path(folder), identity, dim

    def write(self, keys: Sequence[bytes], rows: np.ndarray, unreadable: Mapping[bytes, str] | None = None) -> None:
        """Keep the rows of some contents (n, D), and why others have none.

        Raises:
            StateError: Rows are not as wide as the encoder said.
        """
        if len(keys):
            if rows.shape != (len(keys), self.dim):
                raise StateError(f"the encoder gave rows of shape {rows.shape}, not {(len(keys), self.dim)}")
            kinds = [("key", "u1", (KEY_BYTES,)), ("row", "<f4", (rows.shape[1],))]
            table = np.empty(len(keys), kinds)
            table["key"] = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, KEY_BYTES)
            table["row"] = rows
            buffer = BytesIO()
            np.save(buffer, table, allow_pickle=False)
            with atomic_path(self.folder / f"{self._name(buffer.getvalue())}.npy") as temporary:
                temporary.write_bytes(buffer.getvalue())
        if unreadable:
            name = self._name("\n".join(key.hex() for key in sorted(unreadable)).encode())
            reasons = {key.hex(): reason for key, reason in unreadable.items()}
            write_json(self.folder / f"{name}.unreadable.json", reasons)

    def begin(self) -> set[bytes]:
        """Return the keys that are done; files that are damaged, foreign or of the last attempt only are removed."""
        done: set[bytes] = set()
        for path in sorted(self.folder.iterdir()) if self.folder.is_dir() else ():
            shard = self._read(path) if path.match(_SHARD) and path.is_file() else None
            if shard is not None:
                done.update(shard.keys)
            elif path.is_file():
                path.unlink()
        return done

    def __iter__(self) -> Iterator[Shard]:
        """Yield shard by shard; one of them is in memory at a time."""
        for path in sorted(self.folder.glob(_SHARD)):
            shard = self._read(path)
            if shard is not None:
                yield shard

    def unreadable(self) -> dict[bytes, str]:
        """Return why contents could not be read, by key."""
        found: dict[bytes, str] = {}
        for path in sorted(self.folder.glob(_UNREADABLE)):
            found |= {bytes.fromhex(key): reason for key, reason in read_json(path).items()}
        return found

    def note_failure(self, error: BaseException) -> None:
        """Keep an error that the user can act on, for the process that started this one."""
        if isinstance(error, VlrbError):
            plain: dict[str, Any] = {"kind": type(error).__name__, "message": error.message, "hint": error.hint}
        elif isinstance(error, OSError) and errors.refused_by_system(error):
            plain = {"errno": error.errno, "strerror": error.strerror, "filename": error.filename}
        else:
            return
        write_json(self.folder / _FAILURE, plain)

    def failure(self) -> Exception | None:
        """Return an error that another process has kept."""
        if not (self.folder / _FAILURE).is_file():
            return None
        plain = read_json(self.folder / _FAILURE)
        if "errno" in plain:
            return OSError(plain["errno"], plain["strerror"] or os.strerror(plain["errno"]), plain["filename"])
        kind: type[VlrbError] = getattr(errors, plain["kind"], VlrbError)
        return kind(plain["message"], plain["hint"])

    def _name(self, data: bytes) -> str:
        return hashlib.blake2b(data, digest_size=16, key=self.identity.encode()).hexdigest()

    def _read(self, path: Path) -> Shard | None:
        data = path.read_bytes()
        if self._name(data) != path.stem:
            return None
        table = np.load(BytesIO(data), allow_pickle=False)
        return Shard([bytes(key) for key in table["key"]], np.ascontiguousarray(table["row"]))
