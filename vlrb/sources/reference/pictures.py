"""The pictures that samples name: rows of TSV files, and picture files, found again below one folder."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from vlrb.sources.base import Note
from vlrb.sources.vlmevalkit.tables import KEY
from vlrb.sources.vlmevalkit.tsv import TsvIndex, read_tsv
from vlrb.sources.vlmevalkit.tsv_pictures import FilePictures, PictureProblem, Reference
from vlrb.utils.errors import DataError
from vlrb.utils.files import inside

FOLDERS = ("", "TSV_images", "LMUData")


class AssetPictures:
    """Find the pictures of samples.

    Paths are those of the machine that wrote them: the longest end of a path that is found below the root, or below
    its TSV_images or LMUData, counts.

    Args:
        root: Folder with TSV files and pictures; nothing outside it is opened.
        unreadable: "error", or "report": what cannot be read is noted.
    """

    def __init__(self, root: Path, unreadable: str) -> None:
        self.root, self.unreadable = root, unreadable
        self.problems: list[PictureProblem] = []
        self._files = FilePictures(root, [""])
        self._tables: dict[str, tuple[TsvIndex, list[str], dict[str, str]] | None] = {}

    def references(self, record: dict[str, Any]) -> list[Reference]:
        """Return references to the pictures of one sample.

        Raises:
            DataError: A picture cannot be used, unless `unreadable` is "report"; or a path leads outside the root.
        """
        where, assets = str(record["where"]), record.get("assets") or []
        if not isinstance(assets, list) or not all(isinstance(asset, dict) for asset in assets):
            raise DataError(f"{where}: assets must be a list of objects")
        found = [reference for asset in assets for reference in self._asset(asset, where)]
        if self.problems and self.unreadable == "error":
            problem = self.problems[0]
            raise DataError(
                f"{problem.key}: {problem.reason}",
                f"pictures are looked for below {self.root}: dataset.source.pictures=<folder>, or list what is missing "
                "and go on with dataset.source.unreadable=report",
            )
        return found

    def _asset(self, asset: dict[str, Any], where: str) -> list[Reference]:
        if asset.get("type") == "image_tsv":
            return self._tsv_row(str(asset.get("tsv_file", "")), asset.get("index"), where)
        path = asset.get("uri") or asset.get("path")
        if asset.get("type") != "image" or not path:
            self.problems.append(PictureProblem(where, f"asset of an unknown type {asset.get('type')!r}"))
            return []
        place = self._find(str(path), shortest=min(2, len(PurePosixPath(str(path)).parts)))
        if place is None:
            self.problems.append(PictureProblem(where, f"no file {str(path)[:200]}"))
            return []
        found = self._files.listed(where, [place])
        self.problems += self._files.problems
        self._files.problems = []
        return found

    def _tsv_row(self, tsv_file: str, row: object, where: str) -> list[Reference]:
        if tsv_file not in self._tables:
            self._tables[tsv_file] = self._open(tsv_file)
        table = self._tables[tsv_file]
        if table is None:
            self.problems.append(PictureProblem(where, f"no file {tsv_file}"))
            return []
        index, names, reasons = table
        if not isinstance(row, int) or isinstance(row, bool) or not 0 <= row < len(names):
            reason = f"row {row!r} of {index.name}, which has {len(names):,} rows"
            self.problems.append(PictureProblem(where, reason))
            return []
        key = names[row]
        if key in reasons:
            self.problems.append(PictureProblem(where, f"row {row} of {index.name}: {reasons[key]}"))
        elif not index.pictures.get(key):
            self.problems.append(PictureProblem(where, f"row {row} of {index.name} holds no picture"))
        return index.pictures.get(key, [])

    def _open(self, tsv_file: str) -> tuple[TsvIndex, list[str], dict[str, str]] | None:
        place = self._find(tsv_file, shortest=1)
        if place is None:
            return None
        index = read_tsv(inside(self.root, place), self.root)
        return index, index.table[KEY].tolist(), {problem.key: problem.reason for problem in index.problems}

    def _find(self, path: str, shortest: int) -> str | None:
        """Return the path below the root that the longest end of `path` (of at least `shortest` parts) leads to."""
        try:
            return self._search(path, shortest)
        except (OSError, ValueError):  # a name that the system refuses: too long, or with a zero byte
            return None

    def _search(self, path: str, shortest: int) -> str | None:
        if Path(path).is_relative_to(self.root) and Path(path).is_file():
            return Path(path).relative_to(self.root).as_posix()
        for end in _ends(path, shortest):
            for folder in FOLDERS:
                relative = (PurePosixPath(folder) / end).as_posix()
                if inside(self.root, relative).is_file():
                    return relative
        return None

    def notes(self) -> list[Note]:
        """Return a note for every picture that cannot be used."""
        return [Note("unreadable_picture", problem.key, problem.reason) for problem in self.problems]


def _ends(path: str, shortest: int) -> Iterator[str]:
    """Yield a path, then what is left of it without its first folders; an absolute one loses its root first."""
    parts = PurePosixPath(path.replace("\\", "/")).parts
    if parts and parts[0] == "/":
        parts = parts[1:]
    for start in range(len(parts) - shortest + 1):
        yield "/".join(parts[start:])
