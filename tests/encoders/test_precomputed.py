"""Features read from a Parquet file by sample id."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vlrb.encoders.precomputed import PrecomputedFeatures
from vlrb.utils.errors import DataError

Write = Callable[..., Path]
ROWS = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to(ids: list[Any], vectors: Any, name: str = "bge-m3.parquet", **titles: str) -> Path:
        path = tmp_path / name
        columns = {titles.get("ids", "sample_id"): ids, titles.get("vectors", "embedding"): vectors}
        pq.write_table(pa.table(columns), path)
        return path

    return to


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float32(), 2)])
def test_rows_come_in_the_order_asked_for(write: Write, kind: pa.DataType) -> None:
    encoder = PrecomputedFeatures(str(write(["b", "a", "c"], pa.array(ROWS, kind))))
    assert (encoder.name, encoder.dim) == ("bge-m3", 2)
    rows = encoder.rows(["a", "c", "a"])  # more samples in the file than asked for is no fault
    assert rows.dtype == np.float32
    assert rows.tolist() == [[3, 4], [5, 6], [3, 4]]


def test_the_revision_is_the_content(write: Write) -> None:
    first = PrecomputedFeatures(str(write(["a"], [[1.0]], "x.parquet"))).revision
    again = PrecomputedFeatures(str(write(["a"], [[1.0]], "y.parquet"))).revision
    other = PrecomputedFeatures(str(write(["a"], [[2.0]], "x.parquet"))).revision
    assert first == again != other


@pytest.mark.parametrize(
    ("ids", "vectors", "message"),
    [
        (["a", "b", "a"], ROWS, r"sample a has two rows \(1 and 3\)"),
        (["a", None, "c"], ROWS, "row 2 has no sample_id"),
        (["a", "b"], [[1.0, 2.0], [3.0]], "sample b has 1 numbers, the first sample 2"),
        (["a", "b"], [[1.0, 2.0], None], "sample b has 0 numbers, the first sample 2"),
        (["a"], [[]], "must hold lists of numbers|sample a has 0 numbers"),
        (["a", "b"], ["x", "y"], "must hold lists of numbers, not string"),
        (["a"], [["x"]], "must hold lists of numbers"),
        ([], [], "no rows"),
    ],
)
def test_faults_of_the_file_are_named(write: Write, ids: list[Any], vectors: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        PrecomputedFeatures(str(write(ids, vectors))).rows(["a"])


def test_missing_samples_columns_and_files(write: Write, tmp_path: Path) -> None:
    path = write(["a"], [[1.0]])
    with pytest.raises(DataError, match=r"no features of sample q \(2 of 3 are missing\)"):
        PrecomputedFeatures(str(path)).rows(["a", "q", "r"])
    with pytest.raises(DataError, match=r"no column 'embeding'\n.*did you mean 'embedding'"):
        PrecomputedFeatures(str(path), vector_column="embeding").rows(["a"])
    with pytest.raises(DataError, match="no such file of features"):
        PrecomputedFeatures(str(tmp_path / "absent.parquet"))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="not a readable Parquet file"):
        PrecomputedFeatures(str(path)).rows(["a"])
