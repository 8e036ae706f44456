"""`pictures.parquet`: the marks of all distinct pictures of a benchmark; what is known already is not decoded again."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from vlrb.benchmark import tables
from vlrb.benchmark.likeness import marks
from vlrb.sources.pictures import PictureReader
from vlrb.utils.console import track
from vlrb.utils.devices import cores
from vlrb.utils.errors import DataError, StateError

CONTENT_HASH = "content_hash"
COLUMNS = pa.schema(
    {
        CONTENT_HASH: pa.string(),
        "problem": pa.string(),  # why there is no mark; "" for a picture that was decoded
        "pixel_hash": pa.string(),
        "width": pa.int32(),
        "height": pa.int32(),
        "phash": pa.uint64(),
        "thumbnail": pa.binary(marks.THUMBNAIL_BYTES),
    }
)
PAIRS = pa.schema({CONTENT_HASH: pa.string(), "same_as": pa.string()})
_NO_MARK = {"pixel_hash": "", "width": 0, "height": 0, "phash": 0, "thumbnail": None}
Reference = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class PictureTable:
    """The distinct pictures of a benchmark, sorted by content hash.

    Attributes:
        frame: Columns as `COLUMNS`.
        pairs: (K, 2) content hashes of pictures that show the same, if they were looked for before.
    """

    frame: pd.DataFrame
    pairs: np.ndarray | None = None

    @classmethod
    def read(cls, path: Path, pairs: Path | None = None) -> "PictureTable":
        """Read `pictures.parquet`, and the pairs that were found among them."""
        found = None if pairs is None else tables.read_table(pairs).to_pandas()[PAIRS.names].to_numpy(dtype=object)
        return cls(tables.read_table(path).to_pandas(), found)

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def readable(self) -> "PictureTable":
        """Return the pictures that have a mark."""
        return PictureTable(self.frame[self.frame["problem"] == ""].reset_index(drop=True))

    @property
    def unreadable(self) -> dict[str, str]:
        """Return why pictures have no mark, by content hash."""
        bad = self.frame[self.frame["problem"] != ""]
        return dict(zip(bad[CONTENT_HASH], bad["problem"], strict=True))

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows as plain values."""
        return [dict(zip(COLUMNS.names, row, strict=True)) for row in self.frame[COLUMNS.names].itertuples(index=False)]

    def thumbnails(self, rows: np.ndarray) -> np.ndarray:
        """Return the thumbnails of some rows (all readable), (k, cells, 3) uint8."""
        raw = b"".join(self.frame["thumbnail"].iloc[rows])
        return np.frombuffer(raw, dtype=np.uint8).reshape(len(rows), marks.SIDE**2, 3)


def distinct_pictures(images: pa.ChunkedArray) -> list[dict[str, Any]]:
    """Return the first reference to each distinct picture (by content hash), sorted by hash.

    Args:
        images: The `images` column of samples.parquet.
    """
    references = pc.list_flatten(images).to_pylist()
    first = {reference[CONTENT_HASH]: reference for reference in reversed(references) if reference[CONTENT_HASH]}
    return [first[name] for name in sorted(first)]


def picture_table(references: Sequence[Reference], root: Path, known: PictureTable | None = None) -> PictureTable:
    """Return the marks of pictures; those that `known` holds are not decoded again.

    Decoding runs in as many threads as there are cores (decoders release Python's lock), each with one picture in
    memory. A picture that cannot be read is listed with the reason and has no mark.

    Args:
        references: Distinct pictures, sorted by content hash.
        root: Folder with the raw logs.
        known: Marks made before by the same algorithm.

    Raises:
        StateError: Pictures have to be decoded and the folder is not there.
    """
    wanted = {reference[CONTENT_HASH] for reference in references}
    # One that could not be read before is tried again.
    old = [] if known is None else known.readable.rows()
    rows = [row for row in old if row[CONTENT_HASH] in wanted]
    have = {row[CONTENT_HASH] for row in rows}
    new = [reference for reference in references if reference[CONTENT_HASH] not in have]
    if new and not root.is_dir():
        raise StateError(f"pictures have to be compared, but there is no folder {root}", "give it: dataset.root=…")
    rows.extend(_marks(new, PictureReader(root)))
    return PictureTable(as_frame(sorted(rows, key=lambda row: str(row[CONTENT_HASH]))))


def as_frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows as a frame; hashes stay whole 64-bit numbers whatever rows there are."""
    kinds = {"width": np.int32, "height": np.int32, "phash": np.uint64}
    return pd.DataFrame(
        {name: pd.Series([row[name] for row in rows], dtype=kinds.get(name, object)) for name in COLUMNS.names}
    )


def _marks(references: Sequence[Reference], reader: PictureReader) -> Iterator[dict[str, Any]]:
    if not references:
        return
    pool = ThreadPoolExecutor(cores())
    try:
        found = pool.map(lambda reference: _mark(reference, reader), references)
        yield from track(found, "comparing pictures", len(references))
    finally:
        pool.shutdown(cancel_futures=True)


def _mark(reference: Reference, reader: PictureReader) -> dict[str, Any]:
    name = {CONTENT_HASH: reference[CONTENT_HASH]}
    try:
        return {**name, "problem": "", **marks.mark(reader.read(reference))._asdict()}
    except DataError as error:
        where = f"{reference['path']} at byte {reference['offset']}"
        return {**name, **_NO_MARK, "problem": error.message if where in error.message else f"{where}: {error.message}"}
