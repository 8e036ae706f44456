"""One folder of features on disk: the array, the key of each row's content, and a manifest written last."""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vlrb import schema
from vlrb.encoders.items import KEY_BYTES
from vlrb.encoders.shards import Shard, Shards
from vlrb.utils.errors import DataError, StateError
from vlrb.utils.files import atomic_path, open_array, read_json, write_array, write_json
from vlrb.utils.fingerprint import fingerprint

FEATURES_FILE = "features.npy"
KEYS_FILE = "keys.npy"
WORK_FOLDER = ".work"
SAMPLES = "samples_fingerprint"
DETAILS = "details"
ROWS_TOGETHER = 4096


class Outcome(NamedTuple):
    """What is known of samples beside their rows.

    Attributes:
        empty: Those that have no picture; their rows are zeros.
        unreadable: Why a sample's pictures cannot be read, by sample number; their rows are NaN.
        details: What the encoder says of itself; None = as recorded before.
    """

    empty: set[int]
    unreadable: dict[int, str]
    details: dict[str, Any] | None = None


class FeatureStore:
    """The folder of one encoder's features.

    The new files are made in a folder beside the old ones. Once its manifest is written they are moved over, manifest
    last; a process that finds such a folder finishes what another could not.

    Args:
        folder: The folder.
        wanted: What the manifest must say for the features to be those that are asked for.
    """

    def __init__(self, folder: Path, wanted: Mapping[str, Any]) -> None:
        self.folder, self.wanted = Path(folder), dict(wanted)
        self.work = self.folder / WORK_FOLDER
        self._next = self.work / "next"

    def shards(self) -> Shards:
        """Return the unfinished rows."""
        return Shards(self.work, fingerprint(self._lasting()), int(self.wanted["dim"]))

    def open(self) -> np.ndarray | None:
        """Return the features (N, D) float32, memory-mapped; None if they are missing, damaged or of other samples."""
        return self._array() if self._says(self.wanted) else None

    def unreadable(self) -> dict[int, str]:
        """Return the samples that are recorded as unreadable, with reasons."""
        manifest = self._manifest() or {}
        return {int(i): str(reason) for i, reason in manifest.get("unreadable", {}).items()}

    def known(self) -> dict[bytes, int]:
        """Return the rows that can be used again, by content: same encoder and settings, whatever the samples."""
        array = self._array() if self._says(self._lasting()) else None
        try:
            keys = open_array(self.folder / KEYS_FILE)
        except DataError:  # a folder from before there were keys
            return {}
        if array is None or keys.shape != (len(array), KEY_BYTES) or keys.dtype != np.uint8:
            return {}
        unreadable = self.unreadable()
        return {key.tobytes(): i for i, key in enumerate(np.asarray(keys)) if i not in unreadable}

    def publish(self, keys: Sequence[bytes], outcome: Outcome) -> None:
        """Make the array of samples with these contents from known rows and shards, and put it into place.

        Raises:
            StateError: A sample has no row, though nothing says why.
        """
        targets: dict[bytes, list[int]] = {}
        for i, key in enumerate(keys):
            targets.setdefault(key, []).append(i)
        dim = int(self.wanted["dim"])
        have = _write_rows(self._next / FEATURES_FILE, (len(keys), dim), self._sources(targets), outcome.unreadable)
        have[list(outcome.empty | outcome.unreadable.keys())] = True
        if not have.all():
            raise StateError(f"{self.folder}: {np.count_nonzero(~have):,} samples were not encoded", "run it again")
        table = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, KEY_BYTES)
        write_array(self._next / KEYS_FILE, table)
        reasons = {str(i): reason for i, reason in sorted(outcome.unreadable.items())}
        counts = {"samples": len(keys), "samples_without_picture": len(outcome.empty), "unreadable": reasons}
        details = (self._manifest() or {}).get(DETAILS, {}) if outcome.details is None else outcome.details
        write_json(self._next / schema.MANIFEST_FILE, self.wanted | counts | ({DETAILS: details} if details else {}))
        self.finish()

    def finish(self) -> None:
        """Move complete new files into place, if there are any."""
        if not (self._next / schema.MANIFEST_FILE).is_file():
            return
        (self.folder / schema.MANIFEST_FILE).unlink(
            missing_ok=True
        )  # written last: without it the array does not count
        for name in (FEATURES_FILE, KEYS_FILE, schema.MANIFEST_FILE):
            if (self._next / name).is_file():
                (self._next / name).replace(self.folder / name)
        self.clear()

    def clear(self) -> None:
        """Forget unfinished work."""
        if self.work.is_dir():
            shutil.rmtree(self.work)

    def _lasting(self) -> dict[str, Any]:
        return {key: value for key, value in self.wanted.items() if key != SAMPLES}

    def _manifest(self) -> dict[str, Any] | None:
        path = self.folder / schema.MANIFEST_FILE
        try:
            found = read_json(path) if path.is_file() else None
        except DataError:
            return None
        return found if isinstance(found, dict) else None

    def _says(self, wanted: Mapping[str, Any]) -> bool:
        found = self._manifest()
        return found is not None and _fingerprint_of(found, wanted) == fingerprint(dict(wanted))

    def _array(self) -> np.ndarray | None:
        try:
            array = open_array(self.folder / FEATURES_FILE)
        except DataError:
            return None
        expected = ((self._manifest() or {}).get("samples"), self.wanted["dim"])
        return array if array.shape == expected and array.dtype == np.float32 else None

    def _sources(self, targets: Mapping[bytes, list[int]]) -> Iterator[tuple[list[int], np.ndarray]]:
        """Yield sample numbers (n,) and their rows (n, D), a part of the known rows or a shard at a time."""
        known = [(row, i) for key, row in self.known().items() for i in targets.get(key, ())]
        array = self._array()
        for start in range(0, len(known), ROWS_TOGETHER):
            assert array is not None
            part = known[start : start + ROWS_TOGETHER]
            yield [i for _, i in part], array[[row for row, _ in part]]
        for shard in self.shards():
            yield _placed(shard, targets)


def _placed(shard: Shard, targets: Mapping[bytes, list[int]]) -> tuple[list[int], np.ndarray]:
    pairs = [(row, i) for row, key in enumerate(shard.keys) for i in targets.get(key, ())]
    return [i for _, i in pairs], shard.rows[[row for row, _ in pairs]]


def _fingerprint_of(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    return fingerprint({key: found.get(key) for key in wanted})


def _write_rows(
    target: Path, shape: tuple[int, int], sources: Iterable[tuple[list[int], np.ndarray]], missing: Iterable[int]
) -> np.ndarray:
    """Write an .npy file (N, D) float32 in any order of rows; missing ones are NaN, those that no source gives zeros.

    Plain writes, not a memory map: where a disk is full they fail with an error.

    Returns:
        Which rows came from a source (N,) bool.
    """
    width, have = 4 * shape[1], np.zeros(shape[0], bool)
    with atomic_path(target) as temporary, temporary.open("rb+") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)  # type: ignore[no-untyped-call]
        start = file.tell()
        file.truncate(start + shape[0] * width)
        for samples, rows in sources:
            order = np.argsort(samples, kind="stable")
            if not len(order):
                continue
            places, block = np.asarray(samples, np.int64)[order], np.ascontiguousarray(rows[order], np.float32)
            have[places] = True
            cuts = np.flatnonzero(np.diff(places) != 1) + 1
            for at, piece in zip(np.split(places, cuts), np.split(block, cuts), strict=True):
                file.seek(start + int(at[0]) * width)
                file.write(piece.tobytes())
        nan = np.full(shape[1], np.nan, np.float32).tobytes()
        for i in missing:
            file.seek(start + i * width)
            file.write(nan)
    return have
