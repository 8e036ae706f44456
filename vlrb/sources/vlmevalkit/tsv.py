"""Index a dataset's TSV file in one streaming pass: its texts, and where in the file each picture lies.

Cells of pictures are megabytes of base64; they are located and hashed, never gathered.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from vlrb.sources.vlmevalkit.cells import find_column, row_key
from vlrb.sources.vlmevalkit.datasets import LEGACY_TSV
from vlrb.sources.vlmevalkit.dumped import DumpedPictures
from vlrb.sources.vlmevalkit.tables import ID_COLUMNS, KEY, keyed_table
from vlrb.sources.vlmevalkit.tsv_pictures import CellPictures, FilePictures, PictureProblem, Reference
from vlrb.sources.vlmevalkit.tsv_rows import Span, cell_string, rows
from vlrb.utils.errors import DataError

PICTURE_COLUMN = "image"
PATH_COLUMN = "image_path"


@dataclass
class TsvIndex:
    """What a TSV file holds.

    Args:
        name: How the file is called in messages.
        table: Text columns (all but `image`) and `KEY`, one row per sample.
        pictures: Sample key → references to its pictures (`schema.PICTURE_FIELDS`).
        problems: Pictures that cannot be used.
    """

    name: str
    table: pd.DataFrame
    pictures: dict[str, list[Reference]] = field(default_factory=dict)
    problems: list[PictureProblem] = field(default_factory=list)


def match_tsv(dataset: str, files: dict[str, Path]) -> Path | None:
    """Return the TSV file of a dataset: same name, else its name in older versions, else but for case and marks.

    A `_local` file (its pictures are named, not held) is taken only if there is no other.
    """
    for stem in (dataset, *(old for old, new in LEGACY_TSV.items() if new == dataset)):
        if stem in files:
            return files[stem]
    folded = {_fold(stem): path for stem, path in sorted(files.items(), reverse=True)}
    return folded.get(_fold(dataset)) or folded.get(_fold(f"{dataset}_local"))


def _fold(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def read_tsv(path: Path, root: Path) -> TsvIndex:
    """Index one dataset file.

    Args:
        path: The file.
        root: Folder that picture references are relative to.

    Raises:
        DataError: The file is damaged, has no id column, an id is repeated, or a path leads outside the root.
    """
    name = path.relative_to(root).as_posix()
    cells = CellPictures(name)
    try:
        with path.open("rb") as file:
            table = _scan(file, name, cells)
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error})") from error
    index = TsvIndex(name, table, cells.resolved(), cells.problems)
    _add_files(index, root, path, cells.dangling)
    return index


class _Columns:
    """Gather the rows of one file: texts by column, pictures apart."""

    def __init__(self, name: str, header: list[str], cells: CellPictures) -> None:
        self.name, self.header, self.cells = name, header, cells
        self.texts: list[list[str]] = [[] for _ in header]
        self.picture = header.index(PICTURE_COLUMN) if PICTURE_COLUMN in header else -1
        self.key = next((header.index(column) for column in ID_COLUMNS if column in header), -1)
        if self.key < 0:
            raise DataError(f"{name}: no id column ({', '.join(ID_COLUMNS)}) among {', '.join(header[:12])}")

    def add(self, number: int, offset: int, buffer: bytes, spans: list[Span]) -> None:
        """Take one row."""
        if len(spans) > len(self.header):
            raise DataError(f"{self.name}: row {number} has {len(spans)} cells, the header {len(self.header)}")
        spans = spans + [(0, 0)] * (len(self.header) - len(spans))
        for c, (column, span) in enumerate(zip(self.texts, spans, strict=True)):
            column.append("" if c == self.picture else cell_string(buffer, span, self.name, number))
        if self.picture >= 0:
            self.cells.add_cell(row_key(self.texts[self.key][-1]), buffer, *spans[self.picture], offset)

    def table(self) -> pd.DataFrame:
        """Return the texts as a table with `KEY`."""
        columns = dict(zip(reversed(self.header), reversed(self.texts), strict=True))  # the first of equal titles
        return keyed_table(dict(reversed(columns.items())), self.header[self.key], self.name, 2)


def _scan(file: BinaryIO, name: str, cells: CellPictures) -> pd.DataFrame:
    columns: _Columns | None = None
    for number, (offset, buffer, spans) in enumerate(rows(file, name), start=1):
        if columns is None:
            header = [cell_string(buffer, span, name, 1).lstrip("\ufeff").strip() for span in spans]
            columns = _Columns(name, header, cells)
        else:
            columns.add(number, offset, buffer, spans)
    if columns is None:
        raise DataError(f"{name}: empty file", "copy it again or remove it")
    return columns.table()


def _add_files(index: TsvIndex, root: Path, path: Path, dangling: dict[str, str]) -> None:
    """Add plain files for rows that hold no picture themselves: the ones they name, else those named after them.

    Args:
        index: What the file holds; pictures are added, and what is found is no problem any more.
        root: Folder of the logs.
        path: The TSV file.
        dangling: Row → a row that it refers to in vain.
    """
    folder, stem = path.parent.relative_to(root), path.stem.removesuffix("_local")
    unpacked = [folder / "images" / stem, folder / "images" / _image_root(stem), Path("images") / stem]
    unpacked.append(Path("images") / _image_root(stem))
    named = [folder, unpacked[0], folder / "images", *unpacked[1:], Path()]
    files = FilePictures(root, [place.as_posix() for place in dict.fromkeys(named)])
    dumped = DumpedPictures(root, [place.as_posix() for place in unpacked])
    column = find_column(index.table.columns, PATH_COLUMN)
    cells = [""] * len(index.table) if column is None else index.table[column].tolist()
    found: set[str] = set()
    for key, cell in zip(index.table[KEY].tolist(), cells, strict=True):
        if index.pictures.get(key):
            continue
        if cell:
            references = _named(files, key, cell, index.name)
        else:
            references = files.listed(key, dumped.names(key, *([dangling[key]] if key in dangling else [])))
        if references:
            index.pictures[key] = references
            found.add(key)
    index.problems = [problem for problem in index.problems if not (problem.key in found and problem.key in dangling)]
    index.problems += files.problems


def _named(files: FilePictures, key: str, cell: str, name: str) -> list[Reference]:
    try:
        return files.references(key, cell)
    except DataError as error:
        raise DataError(f"{name}: {error.message}", error.hint) from error


def _image_root(dataset: str) -> str:
    """Return the picture folder's name, which the MMBench variants share.

    >>> _image_root("MMBench_DEV_CN_V11"), _image_root("MMStar")
    ('MMBench_V11', 'MMStar')
    """
    if not dataset.startswith("MMBench_"):
        return dataset
    return "MMBench_V11" if dataset.endswith("_V11") else "MMBench"
