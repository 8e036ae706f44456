"""Prepared pictures in memory that all processes of a job share, so that each distinct one is decoded once."""

import os
import tempfile
import weakref
import zlib
from collections.abc import Mapping, Sequence
from mmap import mmap
from typing import Any, Final, NamedTuple

import numpy as np

from vlrb.encoders.backbones.pictures import Pixels

NONE: Final = -1
MARK: Final = np.dtype("<u8")
FILLED: Final = 1 << 32  # added to a checksum, so that no filled slot looks like an empty one
EXTENT: Final = np.dtype("<f4")
MEBIBYTE: Final = 2**20
Reference = Mapping[str, Any]  # the fields of `schema.PICTURE_FIELDS`


class Slots(NamedTuple):
    """Where the pictures of each row of a benchmark are kept.

    Attributes:
        start: (N + 1,) where a row's pictures begin in `slot`.
        slot: (K,) number of the place of each picture; -1 = not kept.
        places: Number of places.
    """

    start: np.ndarray
    slot: np.ndarray
    places: int


def plan_slots(references: Sequence[Sequence[Reference]], rows: np.ndarray, most: int) -> Slots:
    """Give places to the distinct pictures of some rows, in the order of the rows, as long as there are any.

    Args:
        references: The pictures of each row of the benchmark (`schema.PICTURE_FIELDS`).
        rows: The rows that are read again and again; pictures of others are not kept.
        most: Number of places.

    >>> picture = {"content_hash": "a", "width": 8}
    >>> plan_slots([[picture], [], [picture, {"content_hash": "b", "width": 8}], [picture]], np.array([2, 0]), 1)
    Slots(start=array([0, 1, 1, 3, 4]), slot=array([ 0,  0, -1, -1]), places=1)
    """
    start = np.concatenate([[0], np.cumsum([len(listed) for listed in references], dtype=np.int64)])
    slot = np.full(int(start[-1]), NONE)
    known: dict[str, int] = {}
    for row in rows.tolist():
        for place, reference in enumerate(references[row], int(start[row])):
            content = str(reference["content_hash"])
            if content not in known and len(known) < most and reference["width"]:  # 0 = damaged: it has no pixels
                known[content] = len(known)
            slot[place] = known.get(content, NONE)
    return Slots(start, slot, len(known))


class KeptPixels:
    """Prepared pictures, kept by whichever process prepares them first; without a lock.

    The memory is taken once and filled in the course of the first epoch. A place counts as filled when its checksum
    fits, so a half-written one, or one whose bytes another core does not see yet, is prepared again. Copies in other
    processes, forked or spawned, see the same memory; a copy that cannot reach it keeps nothing.

    Args:
        slots: Where pictures are kept (`plan_slots`).
        size: Height and width S of a picture in pixels.
    """

    def __init__(self, slots: Slots, size: int) -> None:
        self.slots, self.size = slots, size
        handle, self.path = _memory(slots.places * bytes_each(size))
        weakref.finalize(self, _release, handle, self.path, os.getpid())
        self._map(handle)

    def _map(self, handle: int) -> None:
        count, size = self.slots.places, self.size
        memory = mmap(handle, count * bytes_each(size)) if count else bytearray()
        after_marks = count * MARK.itemsize
        after_extents = after_marks + count * 4 * EXTENT.itemsize
        self._marks = np.frombuffer(memory, MARK, count)
        self._extents = np.frombuffer(memory, EXTENT, 4 * count, after_marks).reshape(count, 4)
        self._pixels = np.frombuffer(memory, np.uint8, offset=after_extents).reshape(count, 3, size, size)
        self._checked = np.zeros(count, dtype=bool)  # by this process

    def get(self, row: int) -> list[Pixels] | None:
        """Return the pictures of a row, views of the memory; None unless all of them are there."""
        slots = self._of(row)
        if not all(slot != NONE and self._is_filled(slot) for slot in slots):
            return None
        return [Pixels(self._pixels[slot], self._extents[slot]) for slot in slots]

    def put(self, row: int, pictures: Sequence[Pixels]) -> None:
        """Keep the pictures of a row that have a place."""
        for slot, picture in zip(self._of(row), pictures, strict=True):
            if slot != NONE and not self._is_filled(slot):
                self._pixels[slot], self._extents[slot] = picture.pixels, picture.extent
                self._marks[slot] = self._checksum(slot)

    def filled(self) -> int:
        """Return how many pictures are kept by now."""
        return sum(map(self._is_filled, range(self.slots.places)))

    def _of(self, row: int) -> list[int]:
        start, stop = self.slots.start[row : row + 2]
        found: list[int] = self.slots.slot[start:stop].tolist()
        return found

    def _is_filled(self, slot: int) -> bool:
        if not self._checked[slot] and self._marks[slot]:
            self._checked[slot] = int(self._marks[slot]) == self._checksum(slot)
        return bool(self._checked[slot])

    def _checksum(self, slot: int) -> int:
        return zlib.crc32(self._pixels[slot], zlib.crc32(self._extents[slot])) + FILLED

    def __getstate__(self) -> dict[str, Any]:
        return {"slots": self.slots, "size": self.size, "path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.slots, self.size, self.path = state["slots"], state["size"], state["path"]
        try:
            handle = os.open(self.path, os.O_RDWR)
        except OSError:  # another machine, or whoever had the memory is gone
            self.slots = self.slots._replace(slot=np.full_like(self.slots.slot, NONE), places=0)
            self._map(NONE)
        else:
            self._map(handle)  # the mapping keeps a handle of its own
            os.close(handle)


def bytes_each(size: int) -> int:
    """Return the bytes that one picture of `size` pixels a side takes."""
    return MARK.itemsize + 4 * EXTENT.itemsize + 3 * size**2


def keep_pixels(
    references: Sequence[Sequence[Reference]], rows: np.ndarray, size: int, megabytes: int
) -> KeptPixels | None:
    """Return memory for the pictures of some rows, at most so many mebibytes; None if nothing is to be kept.

    Args:
        references: The pictures of each row of the benchmark.
        rows: The rows that are read again and again.
        size: Height and width of a prepared picture.
        megabytes: The most that is taken.
    """
    slots = plan_slots(references, rows, megabytes * MEBIBYTE // bytes_each(size))
    return KeptPixels(slots, size) if slots.places else None


def _memory(size: int) -> tuple[int, str]:
    """Return an open file of `size` bytes that only lies in memory where the system can do that, and its path.

    Not in /dev/shm, which containers often limit to 64 MB.
    """
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("vlrb-pixels")
        path = f"/proc/{os.getpid()}/fd/{handle}"
    else:
        handle, path = tempfile.mkstemp(prefix="vlrb-pixels-")
    os.ftruncate(handle, size)
    return handle, path


def _release(handle: int, path: str, owner: int) -> None:
    os.close(handle)
    if os.getpid() == owner and not path.startswith("/proc/"):
        os.unlink(path)  # noqa: PTH108 - at the end of the interpreter, pathlib may be gone
