"""The first part of a benchmark: what a source read, checked and written as tables and the quality matrix."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark import tables
from vlrb.benchmark.recorded import write_recorded
from vlrb.benchmark.replicates import write_replicates
from vlrb.utils.errors import DataError
from vlrb.utils.files import write_array, write_json

if TYPE_CHECKING:
    from vlrb.sources.base import RecordSet

NOTES_FILE = f"{schema.REPORTS_FOLDER}/source_notes.json"


def write_records(staging: Path, read: "RecordSet") -> dict[str, Any]:
    """Write samples, records, predictions, Y.npy, recorded figures, replicates and notes; return counts and model ids.

    Raises:
        DataError: Nothing was read, ids repeat, a record names an unknown sample, or a quality is outside [0, 1].
    """
    samples, records, model_ids = read.samples, read.records, list(read.model_ids)
    if samples.empty or not model_ids:
        raise DataError("the source gave no graded samples", "check dataset.root and the folders it names")
    _check_samples(samples)
    cells = record_cells(records, samples[schema.SAMPLE_ID].tolist(), model_ids)
    _check_records(records, cells)
    records = records if schema.RUN in records else records.assign(**{schema.RUN: ""})
    quality = records[schema.QUALITY].to_numpy(np.float32)
    given = schema.GIVEN_SPLIT in samples
    tables.write_table(
        staging / schema.SAMPLES_FILE, samples, tables.SAMPLES.append(tables.GIVEN_SPLIT) if given else tables.SAMPLES
    )
    tables.write_table(staging / schema.RECORDS_FILE, records, tables.RECORDS)
    tables.write_table(staging / schema.PREDICTIONS_FILE, records, tables.PREDICTIONS)
    write_array(staging / schema.QUALITY_FILE, tables.fill_matrix(cells, quality, (len(samples), len(model_ids))))
    write_recorded(staging, records, cells, (len(samples), len(model_ids)))
    write_json(staging / NOTES_FILE, [asdict(note) for note in read.notes])
    facts = {"samples": len(samples), "models": len(model_ids), "records": len(records), "model_ids": model_ids}
    if read.replicates is not None and len(read.replicates):
        facts["replicates"] = write_replicates(staging, records, read.replicates)
    return facts


def record_cells(records: pd.DataFrame, sample_ids: list[str], model_ids: list[str]) -> np.ndarray:
    """Return the flat position row · M + column of each record in an (N, M) matrix, int64."""
    row = tables.positions(records[schema.SAMPLE_ID], sample_ids)
    column = tables.positions(records[schema.MODEL_ID], model_ids)
    cells: np.ndarray = row * len(model_ids) + column
    return cells


def _check_samples(samples: pd.DataFrame) -> None:
    absent = [column for column in schema.SAMPLE_COLUMNS if column not in samples]
    if absent:
        raise DataError(f"the source's samples have no column {absent[0]!r}")
    for column in (schema.SAMPLE_ID, schema.DATASET, schema.PROMPT):
        if samples[column].isna().any():
            row = int(samples[column].isna().argmax())
            raise DataError(f"sample {samples[schema.SAMPLE_ID].iloc[row]!r} has no {column}")
    ids = samples[schema.SAMPLE_ID]
    repeated = ids.duplicated()
    if repeated.any():
        raise DataError(f"sample id {ids[repeated].iloc[0]!r} stands for more than one sample")


def _check_records(records: pd.DataFrame, cells: np.ndarray) -> None:
    unique, first = np.unique(cells, return_index=True)
    if len(unique) < len(cells):
        again = np.setdiff1d(np.arange(len(cells)), first)[0]
        row = records.iloc[int(again)]
        raise DataError(
            f"{row[schema.SOURCE]}: a second record of model {row[schema.MODEL_ID]} on sample {row[schema.SAMPLE_ID]}"
        )
    quality = records[schema.QUALITY].to_numpy(np.float64)
    outside = ~(np.isnan(quality) | ((quality >= 0) & (quality <= 1)))
    if outside.any():
        row = records.iloc[int(np.argmax(outside))]
        raise DataError(
            f"{row[schema.SOURCE]}: quality {row[schema.QUALITY]} of model {row[schema.MODEL_ID]} on sample "
            f"{row[schema.SAMPLE_ID]} is outside 0 … 1"
        )
