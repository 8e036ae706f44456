"""Read the tables of one model on one dataset: grades, predictions and what is odd about them."""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from vlrb.sources.base import Note
from vlrb.sources.vlmevalkit.cell_records import CellRecords, GradedTable, Prediction, make_records
from vlrb.sources.vlmevalkit.cells import find_column
from vlrb.sources.vlmevalkit.choose import Cell, LogFile
from vlrb.sources.vlmevalkit.names import PREDICTION
from vlrb.sources.vlmevalkit.scoring import Grades, Method, NoGradeColumnError, methods_for
from vlrb.sources.vlmevalkit.scoring.base import answered, optional
from vlrb.sources.vlmevalkit.scoring.choice import groups_of, is_rotated
from vlrb.sources.vlmevalkit.scoring.explicit import HIT_COLUMNS, score_hit
from vlrb.sources.vlmevalkit.tables import KEY, NotATableError, read_table
from vlrb.utils.errors import DataError

SAME_RUN_SHARE: Final = 0.9  # of answers equal: the prediction file of another run is of the run that was graded


class Read(NamedTuple):
    """What `read_run` gives: the table that was graded, the records made of it and the run folders of both files."""

    graded: GradedTable
    records: CellRecords
    runs: set[str]


def read_run(cell: Cell) -> Read | None:
    """Read and grade the preferred files of one cell; None if they hold nothing that can be used.

    Raises:
        DataError: A table is damaged, or says that it is graded and has no right/wrong column.
    """
    notes = list(cell.notes)
    graded = _graded_table(cell, notes)
    predicted = _predicted_table(cell, graded, notes)
    if graded is None and predicted is None:
        return None
    if graded is None:
        assert predicted is not None
        graded = GradedTable(*predicted, _grade_predictions(cell, *predicted))
    if graded.grades is None and not cell.spec.known:
        return None
    if cell.spec.rule == "circular":
        graded = _graded_first_asked(graded)
        predicted = predicted and Prediction(predicted.log, _first_asked(predicted.table))
    runs = {file.log.file.run for file in (graded, predicted) if file is not None}
    return Read(graded, make_records(cell, graded, predicted, notes), runs)


def _first_asked(table: pd.DataFrame) -> pd.DataFrame:
    """Drop the rows of a circular set that ask again with rotated options."""
    return table[~is_rotated(table)].reset_index(drop=True)


def _graded_first_asked(graded: GradedTable) -> GradedTable:
    grades = graded.grades
    if grades is not None:
        grades = grades._replace(quality=grades.quality[~is_rotated(graded.table)])
    return GradedTable(graded.log, _first_asked(graded.table), grades)


def wanted(column: str) -> bool:
    """Return whether grading can need a column (texts are read elsewhere, once per dataset and not per model)."""
    return column.strip().lower() in _NEEDED or (len(column) == 1 and column.isupper())


_NEEDED: Final = {
    *("prediction", "thinking", "answer", "category", "g_index"),
    *("split", "problem_version"),  # the kit's summaries have a number for each
    *(name for rule in ("math_vista", "math_vision") for method in methods_for(rule) for name in method.columns),
    *("score", "extract", "extracted", "eval_score", "eval_match"),
    *(name for method in methods_for("explicit") for name in method.columns),
}


def _graded_table(cell: Cell, notes: list[Note]) -> GradedTable | None:
    """Return the first of the graded files that is a table with grades."""
    for log in cell.graded:
        try:
            table = read_table(log.path, log.name, wanted)
            return GradedTable(log, table, grade(cell.rule, table, log))
        except NotATableError as error:
            notes.append(Note("ignored_files", log.name, f"not a table of rows ({error.message})"))
        except NoGradeColumnError as error:
            if log.parsed.sure:
                raise
            notes.append(Note("ignored_files", log.name, error.message.removeprefix(f"{log.name}: ")))
    return None


def grade(rule: str, table: pd.DataFrame, log: LogFile) -> Grades:
    """Return the grades of a table that an evaluator wrote.

    Raises:
        NoGradeColumnError: It has no column that they can be read from.
        DataError: A cell is no grade.
    """
    method = {method.form: method for method in methods_for(rule)}[log.parsed.form]
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


def _predicted_table(cell: Cell, graded: GradedTable | None, notes: list[Note]) -> Prediction | None:
    """Return the prediction file of what was graded: that of its run, or one of another name with the same answers."""
    for log in cell.predicted:
        try:
            table = read_table(log.path, log.name, wanted)
        except NotATableError:  # MMMU_TEST leaves its submission under this name
            continue
        if graded is None or log.file.run == graded.log.file.run or _same_answers(graded.table, table):
            return Prediction(log, table)
        notes.append(Note("other_answers", log.name, f"not the answers that {graded.log.name} grades"))
    return None


def _same_answers(graded: pd.DataFrame, predicted: pd.DataFrame) -> bool:
    """Return whether two tables hold the same answers; True if one of them holds none to compare."""
    columns = [find_column(table.columns, "prediction") for table in (graded, predicted)]
    if columns[0] is None or columns[1] is None:
        return True
    left = pd.Series(graded[columns[0]].array, index=graded[KEY].array)
    right = pd.Series(predicted[columns[1]].array, index=predicted[KEY].array).reindex(left.index)
    compared = (left != "").to_numpy() & right.notna().to_numpy()
    same = (left.str.strip() == right.str.strip()).to_numpy(bool, na_value=False)[compared]
    return not compared.any() or bool(same.mean() >= SAME_RUN_SHARE)


def _grade_predictions(cell: Cell, log: LogFile, table: pd.DataFrame) -> Grades | None:
    method = next((method for method in methods_for(cell.rule) if method.form == PREDICTION), None)
    if method is None:
        return None
    marked = log.parsed.form == PREDICTION and find_column(table.columns, *HIT_COLUMNS[:2]) is not None
    try:
        return score_hit(table) if marked else _without_answers(cell, table, method)
    except NoGradeColumnError:
        return None


def _without_answers(cell: Cell, table: pd.DataFrame, method: Method) -> Grades:
    """Grade predictions; those that are no answer are unknown, or wrong where that is chosen."""
    grades = method.score(table)
    if cell.no_answer != "wrong":
        return grades
    blank = np.array([not answered(text) for text in optional(table, "prediction")], bool)
    blank &= (optional(table, "answer") != "").to_numpy(bool)
    if cell.rule == "circular":
        blank = pd.Series(blank).groupby(groups_of(table).to_numpy()).transform("max").to_numpy(bool)
    return grades._replace(quality=np.where(blank & np.isnan(grades.quality), np.float32(0), grades.quality))
