"""Parquet tables of a benchmark: their column types, and keys turned into row and column numbers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vlrb import schema
from vlrb.utils.errors import DataError

_ROWS_TOGETHER = 1 << 15  # rows of a row group: what is in memory at once where a column is streamed
_WORD = pa.dictionary(pa.int32(), pa.string())  # a text that many rows share
_PICTURE = pa.struct(
    {
        "path": pa.string(),
        "offset": pa.int64(),
        "length": pa.int64(),
        "encoding": pa.string(),
        "width": pa.int32(),
        "height": pa.int32(),
        "content_hash": pa.string(),
    }
)
_TEXT_COLUMNS = [column for column in schema.SAMPLE_COLUMNS if column != schema.IMAGES]
SAMPLES = pa.schema(
    [(column, pa.list_(_PICTURE) if column == schema.IMAGES else pa.large_string()) for column in schema.SAMPLE_COLUMNS]
)
GIVEN_SPLIT = pa.field(schema.GIVEN_SPLIT, pa.large_string())  # a further column of samples, where the data have one
RECORDS = pa.schema(
    [(column, pa.float32() if column == schema.QUALITY else _WORD) for column in (*schema.RECORD_COLUMNS, schema.RUN)]
)
SAMPLE_TOKENS = pa.schema({schema.SAMPLE_ID: pa.large_string(), "text_tokens": pa.int32(), "pictures": pa.int32()})
SPLIT = pa.schema({schema.SAMPLE_ID: pa.large_string(), schema.SPLIT: pa.string(), schema.SPLIT_GROUP: pa.int32()})
PREDICTIONS = pa.schema([(schema.SAMPLE_ID, _WORD), (schema.MODEL_ID, _WORD), (schema.PREDICTION, pa.large_string())])


def write_table(path: Path, frame: pd.DataFrame, columns: pa.Schema) -> None:
    """Write the columns of a frame that a schema names, with its types (the same rows give the same bytes)."""
    table = pa.Table.from_pandas(frame[columns.names], schema=columns, preserve_index=False)
    bare = table.replace_schema_metadata(None)
    pq.write_table(bare, path, compression="zstd", row_group_size=_ROWS_TOGETHER)


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a Parquet file, naming it when it is missing or broken."""
    with _named(path):
        return pq.read_table(path, columns=None if columns is None else list(columns))


class ColumnBatches(NamedTuple):
    """One column of a Parquet file, read row group by row group: arrays, how many, and their bytes in all."""

    arrays: Iterator[pa.Array]
    total: int
    size: int


def column_batches(path: Path, column: str) -> ColumnBatches:
    """Return a column of a Parquet file without holding the whole of it."""
    with _named(path):
        file = pq.ParquetFile(path)
    place, count = file.schema_arrow.names.index(column), file.num_row_groups
    size = sum(file.metadata.row_group(i).column(place).total_uncompressed_size for i in range(count))

    def arrays() -> Iterator[pa.Array]:
        for i in range(count):
            with _named(path):
                yield file.read_row_group(i, columns=[column])[column].combine_chunks()

    return ColumnBatches(arrays(), count, size)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: not a readable Parquet file ({error})") from error


def present(path: Path, columns: Sequence[str]) -> list[str]:
    """Return those of `columns` that a Parquet file has."""
    names = pq.read_schema(path).names
    return [column for column in columns if column in names]


def positions(column: pd.Series, names: Sequence[str]) -> np.ndarray:
    """Return where each value of a column stands in `names`, (K,) int64.

    Raises:
        DataError: A value is missing or not among the names.
    """
    category = pd.Categorical(column)
    lookup = np.append(pd.Index(names).get_indexer(category.categories), -1)
    found: np.ndarray = lookup[category.codes].astype(np.int64)
    if (found < 0).any():
        row = int(np.argmax(found < 0))
        raise DataError(f"record {row}: {column.name} {column.iloc[row]!r} is not one of the benchmark's")
    return found


def fill_matrix(
    cells: np.ndarray, values: np.ndarray, shape: tuple[int, int], dtype: type[np.floating[Any]] = np.float32
) -> np.ndarray:
    """Return a matrix (float32 unless said) with `values` at the flat positions `cells` and NaN elsewhere."""
    matrix = np.full(shape[0] * shape[1], np.nan, dtype=dtype)
    matrix[cells] = values
    return matrix.reshape(shape)
