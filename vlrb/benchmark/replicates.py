"""Other runs of a model on the same samples: kept apart, and compared with the run that counts."""

from pathlib import Path

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark import tables
from vlrb.utils.files import write_text

AGREEMENT_FILE = f"{schema.REPORTS_FOLDER}/replicates.csv"


def write_replicates(staging: Path, records: pd.DataFrame, replicates: pd.DataFrame) -> int:
    """Write replicates.parquet and reports/replicates.csv; return how many records there are.

    Args:
        staging: Folder to write to.
        records: The records that count.
        replicates: Records of other runs, columns `schema.RECORD_COLUMNS` and `schema.RUN`.

    Raises:
        DataError: A replicate is of a sample or model that the records do not have.
    """
    tables.write_table(staging / schema.REPLICATES_FILE, replicates, tables.RECORDS)
    table = agreement(records, replicates)
    write_text(staging / AGREEMENT_FILE, table.to_csv(index=False, float_format="%.6g"))
    return len(replicates)


def agreement(records: pd.DataFrame, replicates: pd.DataFrame) -> pd.DataFrame:
    """Return, for each dataset and model, how often another run agrees with the one that counts.

    Two runs agree on a sample if both are right or both wrong (`schema.CORRECT_THRESHOLD`). One answer is a noisy
    label: 1 - agreement is how noisy.

    Returns:
        Columns dataset, model_id, runs (other runs), samples (pairs of answers compared, both graded), agreement (NaN
        if there is none), accuracy (of the run that counts, over these pairs), other_accuracy.
    """
    ids, models = _names(records[schema.SAMPLE_ID]), _names(records[schema.MODEL_ID])
    main = np.full(len(ids) * len(models), np.nan)
    main[_cells(records, ids, models)] = records[schema.QUALITY].to_numpy(np.float64)
    here, there = main[_cells(replicates, ids, models)], replicates[schema.QUALITY].to_numpy(np.float64)
    known = ~(np.isnan(here) | np.isnan(there))
    right, other = here >= schema.CORRECT_THRESHOLD, there >= schema.CORRECT_THRESHOLD
    frame = pd.DataFrame(
        {
            schema.DATASET: _datasets(replicates[schema.SAMPLE_ID]),
            schema.MODEL_ID: replicates[schema.MODEL_ID].astype("str").array,
            "run": replicates[schema.RUN].astype("str").array,
            "samples": known,
            "agreement": np.where(known, right == other, np.nan),
            "accuracy": np.where(known, right, np.nan),
            "other_accuracy": np.where(known, other, np.nan),
        }
    )
    return frame.groupby([schema.DATASET, schema.MODEL_ID], as_index=False).agg(
        runs=("run", "nunique"),
        samples=("samples", "sum"),
        agreement=("agreement", "mean"),
        accuracy=("accuracy", "mean"),
        other_accuracy=("other_accuracy", "mean"),
    )


def _names(column: pd.Series) -> list[str]:
    return list(pd.Categorical(column).categories)


def _datasets(column: pd.Series) -> np.ndarray:
    """Return the dataset of each sample id, which begins with it."""
    category = pd.Categorical(column)
    names = np.array([sample_id.partition("/")[0] for sample_id in category.categories], dtype=object)
    found: np.ndarray = names[category.codes]
    return found


def _cells(records: pd.DataFrame, ids: list[str], models: list[str]) -> np.ndarray:
    row = tables.positions(records[schema.SAMPLE_ID], ids)
    cells: np.ndarray = row * len(models) + tables.positions(records[schema.MODEL_ID], models)
    return cells
