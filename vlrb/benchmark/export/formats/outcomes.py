"""One long table, `outcomes.parquet`: a row per sample and model, to be read anywhere and by dataset=outcomes_table."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vlrb import schema
from vlrb.benchmark.export.content import Content

OUTCOMES_FILE = "outcomes.parquet"
OF_A_SAMPLE = (schema.SAMPLE_ID, schema.DATASET, schema.TASK, schema.GROUP, schema.PROMPT)


def outcomes(folder: Path, content: Content) -> list[str]:
    """Write the table; cells of which nothing came out have no row. Returns notes."""
    known = ~(np.isnan(content.Y) & np.isnan(content.C) & np.isnan(content.tokens_out))
    row, column = np.nonzero(known)
    columns = {name: _repeated(content.samples[name].tolist(), row) for name in OF_A_SAMPLE}
    columns[schema.SPLIT] = _repeated(content.split[schema.SPLIT].tolist(), row)
    groups = [f"group-{group}" for group in content.split[schema.SPLIT_GROUP].tolist()]
    columns[schema.SPLIT_KEY] = _repeated(groups, row)
    columns[schema.MODEL_ID] = _repeated(content.model_ids, column)
    figures = {
        "quality": content.Y,
        "cost_usd": content.C,
        "tokens_in": content.tokens_in,
        "tokens_out": content.tokens_out,
    }
    for name, matrix in figures.items():
        columns[name] = pa.array(matrix[row, column], from_pandas=True)  # NaN becomes null
    pq.write_table(pa.table(columns), folder / OUTCOMES_FILE, compression="zstd")
    return _notes(known)


def _repeated(values: list[str], position: np.ndarray) -> pa.DictionaryArray:
    """Return `values[position]`, each distinct text stored once."""
    encoded = pa.array(values, pa.string()).dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False)[position]
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), encoded.dictionary)


def _notes(known: np.ndarray) -> list[str]:
    notes = [
        "One row for each sample and model; an empty cell is unknown, never zero.",
        "`split_key` names groups of related samples (same picture or declared key), which must not be parted.",
        "Pictures and the texts of answers are not in the table.",
    ]
    empty = int((~known).sum())
    if empty:
        lost = int((~known.any(axis=1)).sum())
        notes.append(f"{empty:,} cells of which nothing is known have no row ({lost:,} samples have none at all).")
    return notes
