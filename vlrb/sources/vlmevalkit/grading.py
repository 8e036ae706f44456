"""Read the tables of one model on one dataset: grades, predictions and what is odd about them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from vlrb.schema import FLAG_WORDS
from vlrb.sources.base import Note
from vlrb.sources.vlmevalkit.cells import find_column
from vlrb.sources.vlmevalkit.choose import Cell, LogFile
from vlrb.sources.vlmevalkit.names import PREDICTION
from vlrb.sources.vlmevalkit.scoring import Grades, Method, NoGradeColumnError, methods_for
from vlrb.sources.vlmevalkit.scoring.choice import is_rotated
from vlrb.sources.vlmevalkit.scoring.explicit import HIT_COLUMNS, score_hit
from vlrb.sources.vlmevalkit.scoring.letters import FAILED
from vlrb.sources.vlmevalkit.tables import KEY, NotATableError, read_table
from vlrb.utils.errors import DataError

TRUNCATED_LENGTH: Final = 32_767  # the most that a cell of a workbook holds
BITS: Final = {word: 1 << i for i, word in enumerate(FLAG_WORDS)}
STALE_NS: Final = 2_000_000_000
FLAG_TEXTS: Final = tuple(
    ";".join(word for word, bit in BITS.items() if code & bit) for code in range(1 << len(FLAG_WORDS))
)


@dataclass
class CellRecords:
    """What one model did on one dataset; all arrays have one entry per sample, in file order.

    Args:
        model: Model folder.
        dataset: Dataset name.
        keys: Index of each sample, as text.
        quality: float32, NaN where unknown.
        predictions: Text, NA where missing.
        flags: uint8 bits, see `BITS`.
        graded_by: Rule and judge, "" if nothing could be graded.
        source: The file that gave the grades, or else the predictions.
        notes: Oddities.
    """

    model: str
    dataset: str
    keys: "pd.Series[str]"
    quality: np.ndarray
    predictions: "pd.Series[str]"
    flags: np.ndarray
    graded_by: str
    source: str
    notes: list[Note]


def read_cell(cell: Cell) -> CellRecords | None:
    """Read and grade one cell; None if its files hold nothing that can be used (a note says so).

    Raises:
        DataError: A table is damaged, or says that it is graded and has no right/wrong column.
    """
    notes = list(cell.notes)
    graded = _graded_table(cell, notes)
    predicted = _predicted_table(cell)
    if predicted is None and graded is None:
        return None
    grades: Grades | None = None
    log: LogFile
    if graded is not None:
        log, table, grades = graded
    else:
        assert predicted is not None
        log, table = predicted
        grades = _grade_predictions(cell, table)
        if grades is None and not cell.spec.known:
            return None
    keys, quality = table[KEY], np.full(len(table), np.nan, np.float32) if grades is None else grades.quality
    texts, fallback = _texts(predicted, table, keys)
    if fallback:
        notes.append(Note("predictions_from_results", log.name, "no prediction file; its own predictions are used"))
    merged = _merge(keys, quality, texts)
    if cell.spec.rule == "circular":
        merged = merged[~is_rotated(merged[KEY])].reset_index(drop=True)
    rule = grades.rule if grades is not None else ""
    graded_by = f"{rule} ({log.parsed.judge})" if rule and log.parsed.judge else rule
    return _records(cell, merged, graded_by, log, predicted, notes)


def _wanted(column: str) -> bool:
    """Return whether grading can need a column (texts are read elsewhere, once per dataset and not per model)."""
    return column.strip().lower() in _NEEDED or (len(column) == 1 and column.isupper())


_NEEDED: Final = {
    "prediction",
    "thinking",
    "answer",
    "category",
    *(name for rule in ("math_vista", "math_vision") for method in methods_for(rule) for name in method.columns),
    *("score", "extract", "extracted", "eval_score", "eval_match"),
    *(name for method in methods_for("explicit") for name in method.columns),
}


def _graded_table(cell: Cell, notes: list[Note]) -> tuple[LogFile, pd.DataFrame, Grades] | None:
    """Return the first of the graded files that is a table with grades."""
    methods = {method.form: method for method in methods_for(cell.rule)}
    for log in cell.graded:
        try:
            table = read_table(log.path, log.name, _wanted)
            return log, table, _grade(methods[log.parsed.form], table, log)
        except NotATableError as error:
            notes.append(Note("ignored_files", log.name, f"not a table of rows ({error.message})"))
        except NoGradeColumnError as error:
            if log.parsed.sure:
                raise
            notes.append(Note("ignored_files", log.name, error.message.removeprefix(f"{log.name}: ")))
    return None


def _grade(method: Method, table: pd.DataFrame, log: LogFile) -> Grades:
    try:
        if find_column(table.columns, *HIT_COLUMNS[:2]) is not None:
            return score_hit(table)  # an explicit mark wins over anything worked out
        return method.score(table)
    except NoGradeColumnError as error:
        columns = ", ".join(str(c) for c in table.columns if c != KEY)
        raise NoGradeColumnError(
            f"{log.name}: {error.message}; of the columns that grades can be read from it has {columns}",
            "evaluate it again, or remove the file to have its predictions graded",
        ) from error
    except DataError as error:
        raise DataError(f"{log.name}: {error.message}", error.hint) from error


def _predicted_table(cell: Cell) -> tuple[LogFile, pd.DataFrame] | None:
    for log in cell.predicted:
        try:
            return log, read_table(log.path, log.name, _wanted)
        except NotATableError:  # MMMU_TEST leaves its submission under this name
            continue
    return None


def _grade_predictions(cell: Cell, table: pd.DataFrame) -> Grades | None:
    for method in methods_for(cell.rule):
        if method.form == PREDICTION:
            try:
                has_hit = find_column(table.columns, *HIT_COLUMNS[:2]) is not None
                return score_hit(table) if has_hit else method.score(table)
            except NoGradeColumnError:
                return None
    return None


def _texts(
    predicted: tuple[LogFile, pd.DataFrame] | None, graded: pd.DataFrame, keys: "pd.Series[str]"
) -> tuple["pd.Series[str]", bool]:
    """Return the predictions by sample key (NA where missing), and whether they come from the graded file."""
    for table, fallback in ((predicted[1] if predicted else None, False), (graded, True)):
        column = None if table is None else find_column(table.columns, "prediction")
        if table is not None and column is not None:
            values = _with_thinking(table, column)
            return pd.Series(values.array, index=table[KEY].array, dtype="str"), fallback
    return pd.Series(pd.array([None] * len(keys), dtype="str"), index=keys.array), False


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


def _records(
    cell: Cell,
    merged: pd.DataFrame,
    graded_by: str,
    log: LogFile,
    predicted: tuple[LogFile, pd.DataFrame] | None,
    notes: list[Note],
) -> CellRecords:
    texts, quality = merged["prediction"].astype("str"), merged["quality"].to_numpy(np.float32)
    missing = texts.isna().to_numpy()
    marks = {
        "truncated": (texts.str.len() >= TRUNCATED_LENGTH).to_numpy(bool, na_value=False),
        "failed": texts.str.contains(FAILED, regex=False).to_numpy(bool, na_value=False),
        "missing_prediction": missing,
        "ungraded": np.isnan(quality),
    }
    if predicted is not None and _is_stale(log, predicted[0]):
        marks["stale"] = np.ones(len(merged), bool)
        notes.append(Note("stale_results", log.name, "older than its prediction file", len(merged)))
    flags = np.zeros(len(merged), np.uint8)
    for word, rows in marks.items():
        flags |= np.where(rows, BITS[word], 0).astype(np.uint8)
    return CellRecords(cell.model, cell.spec.name, merged[KEY], quality, texts, flags, graded_by, log.name, notes)


def _is_stale(log: LogFile, predicted: LogFile) -> bool:
    """Times are comparable only within one folder: trees are often copied in parts."""
    same_folder = log.path.parent == predicted.path.parent and log.path != predicted.path
    return same_folder and log.file.mtime_ns + STALE_NS < predicted.file.mtime_ns
