"""Join what was read cell by cell into one table of records, and compare it with what should be there."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.sources.base import Note
from vlrb.sources.vlmevalkit.cell_records import BITS, FLAG_TEXTS, CellRecords


def join_records(found: list[CellRecords], samples: pd.DataFrame, *, predictions: bool = True) -> pd.DataFrame:
    """Join the cells into one table (`schema.RECORD_COLUMNS`, run, prediction), ordered by model and sample."""
    models = sorted({cell.model for cell in found})
    sources = sorted({cell.source for cell in found})
    runs = sorted({cell.run for cell in found})
    rules = sorted({cell.graded_by for cell in found} | {""})
    sample_ids = pd.Index(samples[schema.SAMPLE_ID])
    rows = [sample_ids.get_indexer(pd.Index(f"{cell.dataset}/" + cell.keys)) for cell in found]
    row = np.concatenate(rows)
    sizes = [len(r) for r in rows]
    quality = np.concatenate([cell.quality for cell in found])
    flags = np.concatenate([cell.flags for cell in found])
    model = np.repeat([models.index(cell.model) for cell in found], sizes)
    rule = np.repeat([rules.index(cell.graded_by) for cell in found], sizes)
    rule = np.where(np.isnan(quality), rules.index(""), rule)
    source = np.repeat([sources.index(cell.source) for cell in found], sizes)
    run = np.repeat([runs.index(cell.run) for cell in found], sizes)
    order = np.lexsort((row, model))
    order = order[row[order] >= 0]  # rows of samples that are not wanted (MMMU's dev rows, if so chosen)
    columns = {
        schema.SAMPLE_ID: _coded(row[order], sample_ids),
        schema.MODEL_ID: _coded(model[order], models),
        schema.QUALITY: quality[order],
        schema.GRADED_BY: _coded(rule[order], rules),
        schema.SOURCE: _coded(source[order], sources),
        schema.FLAGS: _coded(flags[order], FLAG_TEXTS),
        schema.RUN: _coded(run[order], runs),
    }
    if predictions:
        texts = pd.concat([cell.predictions for cell in found], ignore_index=True)
        columns[schema.PREDICTION] = texts.array[order]
    return pd.DataFrame(columns)


def _coded(codes: np.ndarray, words: Sequence[str] | pd.Index) -> pd.Categorical:
    return pd.Categorical.from_codes(codes.astype(np.int32), categories=pd.Index(list(words), dtype="str"))


def flag_notes(records: pd.DataFrame) -> list[Note]:
    """Return one note per flag and model that has it, so that the integrity report counts them."""
    notes = []
    codes = records[schema.FLAGS].cat.codes.to_numpy()
    models = records[schema.MODEL_ID]
    for word, bit in BITS.items():
        if word == "stale":  # noted file by file
            continue
        counts = models[(codes & bit) > 0].value_counts()
        notes += [Note(word, str(model), _MEANINGS[word], int(n)) for model, n in counts.items() if n]
    return notes


_MEANINGS = {
    "truncated": "answers cut off at 32,767 characters",
    "failed": "answers that could not be obtained",
    "missing_prediction": "records without an answer, so without output tokens",
    "ungraded": "records that no rule can grade",
}
