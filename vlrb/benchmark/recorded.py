"""Figures that came with the data: costs and token counts of single records, which win over computed ones."""

from pathlib import Path

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark import stages
from vlrb.benchmark.tables import fill_matrix
from vlrb.utils.errors import DataError
from vlrb.utils.files import open_array, write_array


def write_recorded(staging: Path, records: pd.DataFrame, cells: np.ndarray, shape: tuple[int, int]) -> None:
    """Write one N × M matrix for each optional column of the records that holds a figure.

    Args:
        staging: Folder to write into.
        records: What a source read; columns as in `schema.RECORDED_FILES` are optional.
        cells: Flat position of each record in the matrix.
        shape: (N, M).

    Raises:
        DataError: A figure is negative or infinite.
    """
    for column, name in schema.RECORDED_FILES.items():
        if column not in records:
            continue
        values = records[column].to_numpy(np.float64)
        _check(records, column, values)
        if not np.isnan(values).all():
            dtype = np.float64 if column == schema.RECORDED_COST else np.float32
            write_array(staging / name, fill_matrix(cells, values, shape, dtype))


def _check(records: pd.DataFrame, column: str, values: np.ndarray) -> None:
    wrong = (values < 0) | np.isinf(values)
    if wrong.any():
        row = records.iloc[int(np.argmax(wrong))]
        raise DataError(
            f"{row[schema.SOURCE]}: {column.replace('_', ' ')} {row[column]} of model {row[schema.MODEL_ID]} on sample "
            f"{row[schema.SAMPLE_ID]} is not a number ≥ 0"
        )


def recorded_content(root: Path, *columns: str) -> dict[str, str]:
    """Return the content hashes of those recorded figures that a benchmark has, for the inputs of a stage."""
    manifest = stages.read_manifest(root)
    found = {column: stages.content(manifest, schema.RECORDED_FILES[column]) for column in columns}
    return {column.replace("_", " "): value for column, value in found.items() if value is not None}


def recorded_matrix(root: Path, column: str) -> np.ndarray | None:
    """Return recorded figures (N, M), memory-mapped, NaN = not recorded; None if nothing of the kind was recorded."""
    name = schema.RECORDED_FILES[column]
    if stages.content(stages.read_manifest(root), name) is None:
        return None
    return open_array(Path(root) / name)


def prefer_recorded(root: Path, column: str, counted: np.ndarray) -> np.ndarray:
    """Return a matrix of counts with the recorded figure wherever there is one."""
    recorded = recorded_matrix(root, column)
    if recorded is None:
        return counted
    found: np.ndarray = np.where(np.isnan(recorded), counted, recorded).astype(counted.dtype)
    return found
