"""Pictures that the kit unpacked into a folder, named after the index of a row that neither holds nor names one."""

import os
from collections.abc import Sequence
from pathlib import Path

ENDINGS = (".png", ".jpg", ".jpeg")  # .jpg before February 2026
Place = tuple[str, frozenset[str]]


class DumpedPictures:
    """Find `<index>.png` or `.jpg`, or `<index>_0.png`, `<index>_1.png` … of rows with several pictures.

    Args:
        root: Folder of the logs.
        folders: Where they may lie, POSIX paths relative to the root, in order. Each is listed once.
    """

    def __init__(self, root: Path, folders: Sequence[str]) -> None:
        present = [folder for folder in dict.fromkeys(folders) if (root / folder).is_dir()]
        self._places: list[Place] = [
            (name, frozenset(entry.name for entry in os.scandir(root / name))) for name in present
        ]

    def names(self, *keys: str) -> list[str]:
        """Return the files of the first of these indices that has any, relative to the root."""
        for key in keys:
            for folder, names in self._places:
                found = _single(key, names) or _several(key, names)
                if found:
                    return [f"{folder}/{name}" for name in found]
        return []


def _single(key: str, names: frozenset[str]) -> list[str]:
    return [key + ending for ending in ENDINGS if key + ending in names][:1]


def _several(key: str, names: frozenset[str]) -> list[str]:
    """Return the files counted from 0, or from 1, without a gap."""
    found: list[str] = []
    number = 0 if _single(f"{key}_0", names) else 1
    while more := _single(f"{key}_{number}", names):
        found += more
        number += 1
    return found
