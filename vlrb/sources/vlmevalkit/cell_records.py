"""The records of one model on one dataset, made of a graded table and a prediction file."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from vlrb.schema import FLAG_WORDS
from vlrb.sources.base import Note
from vlrb.sources.vlmevalkit.cells import find_column
from vlrb.sources.vlmevalkit.choose import Cell, LogFile
from vlrb.sources.vlmevalkit.scoring.base import FAILED, Grades
from vlrb.sources.vlmevalkit.tables import DATES, KEY

TRUNCATED_LENGTH: Final = 32_767  # the most that a cell of a workbook holds
BITS: Final = {word: 1 << i for i, word in enumerate(FLAG_WORDS)}
STALE_NS: Final = 2_000_000_000
FLAG_TEXTS: Final = tuple(
    ";".join(word for word, bit in BITS.items() if code & bit) for code in range(1 << len(FLAG_WORDS))
)


@dataclass
class CellRecords:
    """What one model did on one dataset in one run; all arrays have one entry per sample, in file order.

    Args:
        model: Model folder.
        dataset: Dataset name.
        keys: Index of each sample, as text.
        quality: float32, NaN where unknown.
        predictions: Text, NA where missing.
        flags: uint8 bits, see `BITS`.
        graded_by: Rule and judge, "" if nothing could be graded.
        source: The file that gave the grades, or else the predictions.
        run: Its run folder, "" if it lies in none.
        notes: Oddities.
        replicates: The same for other runs of the model, without predictions.
    """

    model: str
    dataset: str
    keys: "pd.Series[str]"
    quality: np.ndarray
    predictions: "pd.Series[str]"
    flags: np.ndarray
    graded_by: str
    source: str
    run: str
    notes: list[Note]
    replicates: "list[CellRecords]" = field(default_factory=list)


class GradedTable(NamedTuple):
    """A table, where it comes from and its grades (None if no rule tells any)."""

    log: LogFile
    table: pd.DataFrame
    grades: Grades | None


class Prediction(NamedTuple):
    """A prediction file and its table."""

    log: LogFile
    table: pd.DataFrame


def make_records(cell: Cell, graded: GradedTable, predicted: Prediction | None, notes: list[Note]) -> CellRecords:
    """Join grades and predictions by the sample's key and mark what is odd about them."""
    log, table, grades = graded
    texts, fallback = _texts(predicted, table)
    if fallback:
        notes.append(Note("predictions_from_results", log.name, "no prediction file; its own predictions are used"))
    quality = np.full(len(table), np.nan, np.float32) if grades is None else grades.quality
    merged = _merge(table[KEY], quality, texts)
    stale = predicted is not None and _is_stale(log, predicted.log)
    notes += _log_notes(log, table if fallback or predicted is None else predicted.table, len(merged) if stale else 0)
    rule = grades.rule if grades is not None else ""
    judge = log.parsed.judge if predicted is None or predicted.log is not log else ""
    found = merged["quality"].to_numpy(np.float32), merged["prediction"].astype("str"), _flags(merged, stale=stale)
    graded_by = f"{rule} ({judge})" if rule and judge else rule
    return CellRecords(cell.model, cell.spec.name, merged[KEY], *found, graded_by, log.name, log.file.run, notes)


def _texts(predicted: Prediction | None, graded: pd.DataFrame) -> tuple["pd.Series[str]", bool]:
    """Return the predictions by sample key (NA where missing), and whether they come from the graded file."""
    for table, fallback in ((predicted.table if predicted else None, False), (graded, True)):
        column = None if table is None else find_column(table.columns, "prediction")
        if table is not None and column is not None:
            values = _with_thinking(table, column)
            return pd.Series(values.array, index=table[KEY].array, dtype="str"), fallback
    return pd.Series(pd.array([None] * len(graded), dtype="str"), index=graded[KEY].array), False


def _with_thinking(table: pd.DataFrame, column: str) -> "pd.Series[str]":
    """Return the predictions, NA where empty, with the reasoning that the kit may have moved to a column of its own.

    The model produced both, so both are counted when output tokens are.
    """
    texts: pd.Series[str] = table[column]
    thinking = find_column(table.columns, "thinking")
    if thinking is not None:
        texts = texts.mask(table[thinking] != "", table[thinking] + "</think>" + texts)
    return texts.mask(texts == "")


def _merge(keys: "pd.Series[str]", quality: np.ndarray, texts: "pd.Series[str]") -> pd.DataFrame:
    """Join grades and predictions on the sample's key; samples of either are kept."""
    if keys.array is texts.index.array or keys.tolist() == texts.index.tolist():
        return pd.DataFrame({KEY: keys.array, "quality": quality, "prediction": texts.array})
    grades = pd.DataFrame({KEY: keys.array, "quality": quality})
    said = pd.DataFrame({KEY: texts.index.array, "prediction": texts.array})
    return said.merge(grades, on=KEY, how="outer", sort=False)


def _log_notes(log: LogFile, answers: pd.DataFrame, stale: int) -> list[Note]:
    notes = []
    if stale:
        notes.append(Note("stale_results", log.name, "older than its prediction file", stale, "warning"))
    if answers.attrs.get(DATES):
        message = "answers that a spreadsheet program turned into dates; their text is lost"
        notes.append(Note("dates", log.name, message, answers.attrs[DATES], "warning"))
    return notes


def _flags(merged: pd.DataFrame, *, stale: bool) -> np.ndarray:
    texts, quality = merged["prediction"].astype("str"), merged["quality"].to_numpy(np.float32)
    marks = {
        "truncated": (texts.str.len() >= TRUNCATED_LENGTH).to_numpy(bool, na_value=False),
        "failed": texts.str.contains(FAILED, regex=False).to_numpy(bool, na_value=False),
        "missing_prediction": texts.isna().to_numpy(),
        "ungraded": np.isnan(quality),
        "stale": np.full(len(texts), stale),
    }
    flags = np.zeros(len(texts), np.uint8)
    for word, rows in marks.items():
        flags |= np.where(rows, BITS[word], 0).astype(np.uint8)
    return flags


def _is_stale(log: LogFile, predicted: LogFile) -> bool:
    """Times are comparable only within one folder: trees are often copied in parts."""
    same_folder = log.path.parent == predicted.path.parent and log.path != predicted.path
    return same_folder and log.file.mtime_ns + STALE_NS < predicted.file.mtime_ns
