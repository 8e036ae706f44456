"""Features that were made elsewhere: one row per sample in a Parquet file, found by the sample's id."""

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vlrb.encoders.base import Encoder
from vlrb.utils.errors import DataError
from vlrb.utils.fingerprint import file_fingerprint
from vlrb.utils.suggest import did_you_mean


class PrecomputedFeatures(Encoder):
    """Reads features by sample id instead of computing them; stands where a text or vision encoder stands.

    The file is the one that VL-RouterBench writes below EMBEDDINGS: a column of ids and a column of equally long lists
    of numbers. It may hold more samples than are asked for.

    Args:
        path: The Parquet file.
        id_column: Column of sample ids.
        vector_column: Column of lists of numbers.

    Raises:
        DataError: The file cannot be read, lacks a column, or its rows differ in length.
    """

    def __init__(self, path: str, id_column: str = "sample_id", vector_column: str = "embedding") -> None:
        self.path = Path(path).expanduser()
        self.id_column, self.vector_column = id_column, vector_column
        self.name = re.sub(r"[^A-Za-z0-9._-]", "_", self.path.stem).lstrip("._-") or "precomputed"
        if not self.path.is_file():
            raise DataError(
                f"{self.path}: no such file of features", "give it: encoder.text.path=… (or encoder.vision.path)"
            )
        self.revision = file_fingerprint(self.path)

    @property
    def dim(self) -> int:  # type: ignore[override]
        """Width of a row, as the file has it."""
        return int(self._table[1].shape[1])

    def settings(self) -> dict[str, Any]:
        """Return plain values that, with the file's content, determine the rows."""
        return {"precomputed": True, "id_column": self.id_column, "vector_column": self.vector_column}

    def rows(self, sample_ids: Sequence[str]) -> np.ndarray:
        """Return the features of the samples (N, D) float32, in their order.

        Raises:
            DataError: A sample has no row (names the first).
        """
        place, vectors = self._table
        missing = [sample_id for sample_id in sample_ids if sample_id not in place]
        if missing:
            count = f"{len(missing):,} of {len(sample_ids):,} are missing"
            raise DataError(
                f"{self.path}: no features of sample {missing[0]} ({count})",
                "make the features of all samples, or use an encoder that computes them",
            )
        found: np.ndarray = vectors[[place[sample_id] for sample_id in sample_ids]]
        return found

    @cached_property
    def _table(self) -> tuple[dict[str, int], np.ndarray]:
        """Row of each sample id, and all vectors (R, D) float32."""
        table = self._read()
        ids = table[self.id_column].cast(pa.string()).to_pylist()
        place: dict[str, int] = {}
        for row, sample_id in enumerate(ids):
            if sample_id is None:
                raise DataError(f"{self.path}: row {row + 1} has no {self.id_column}")
            if place.setdefault(sample_id, row) != row:
                rows = f"{place[sample_id] + 1} and {row + 1}"
                raise DataError(f"{self.path}: sample {sample_id} has two rows ({rows})", "keep one of them")
        return place, self._vectors(table[self.vector_column], ids)

    def _read(self) -> pa.Table:
        try:
            file = pq.ParquetFile(self.path)
            known = file.schema_arrow.names
            table = file.read(columns=[c for c in (self.id_column, self.vector_column) if c in known])
            table.validate(full=True)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise DataError(f"{self.path}: not a readable Parquet file ({str(error).splitlines()[0]})") from error
        for column in (self.id_column, self.vector_column):
            if column not in known:
                raise DataError(f"{self.path}: no column {column!r}", did_you_mean(column, known))
        if not table.num_rows:
            raise DataError(f"{self.path}: no rows")
        return table

    def _vectors(self, column: pa.ChunkedArray, ids: list[str]) -> np.ndarray:
        kind = column.type
        lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
        if not lists or not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
            raise DataError(f"{self.path}: column {self.vector_column!r} must hold lists of numbers, not {kind}")
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
        wrong = (lengths != lengths[0]) | (lengths == 0)
        if wrong.any():
            row = int(np.argmax(wrong))
            found = f"sample {ids[row]} has {lengths[row]} numbers, the first sample {lengths[0]}"
            raise DataError(f"{self.path}: {found}", "every sample needs equally many, and at least one")
        flat = pc.list_flatten(column).cast(pa.float32(), safe=False)
        vectors: np.ndarray = flat.to_numpy().reshape(len(ids), int(lengths[0]))
        return vectors
