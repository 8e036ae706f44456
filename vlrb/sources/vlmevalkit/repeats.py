"""Other runs of a model on a dataset, kept as replicates, and other judges' grades of one run."""

import numpy as np
import pandas as pd

from vlrb.sources.base import Note
from vlrb.sources.vlmevalkit.cell_records import CellRecords, GradedTable
from vlrb.sources.vlmevalkit.choose import Cell
from vlrb.sources.vlmevalkit.crosscheck import compare
from vlrb.sources.vlmevalkit.grading import grade, read_run, wanted
from vlrb.sources.vlmevalkit.scoring import NoGradeColumnError
from vlrb.sources.vlmevalkit.tables import KEY, NotATableError, read_table
from vlrb.utils.errors import DataError

HALF = 0.5  # right or wrong, for agreement


def read_cell(cell: Cell) -> CellRecords | None:
    """Read and grade one cell with its other runs; None if its files hold nothing that can be used.

    One other run is in memory at a time, and its answers are forgotten.

    Raises:
        DataError: A table is damaged, or says that it is graded and has no right/wrong column.
    """
    read = read_run(cell)
    if read is None:
        return None
    read.records.notes += compare(cell, read.graded)
    read.records.notes += _judges(cell, read.graded)
    for other in cell.others:
        if other.run not in read.runs:
            _add_run(other, read.records)
    return read.records


def _add_run(other: Cell, main: CellRecords) -> None:
    """Add another run to the replicates of the main one, unless it is a copy of it or has no grades."""
    where = f"{main.model} on {main.dataset}"
    run = f"run {other.run or '(no folder)'}"
    try:
        read = read_run(other)
    except DataError as error:
        main.notes.append(Note("unused_run", where, error.message, 1, "warning"))
        return
    if read is None or np.isnan(read.records.quality).all():
        main.notes.append(Note("unused_run", where, f"{run} has no grades"))
        return
    found = read.records
    if same_answers(main, found):
        main.notes.append(Note("copied_run", where, f"{run} holds the same answers", len(found.keys)))
        return
    graded, before = int((~np.isnan(found.quality)).sum()), int((~np.isnan(main.quality)).sum())
    if graded > before:
        message = f"{run} has {graded:,} graded rows, the newer one that is used {before:,}"
        main.notes.append(Note("fuller_run", where, message, graded - before, "warning"))
    found.predictions = found.predictions.iloc[:0]
    main.replicates.append(found)


def same_answers(left: CellRecords, right: CellRecords) -> bool:
    """Return whether two runs hold the same answers to the same samples, letter by letter: one is a copy."""
    if len(left.keys) != len(right.keys):
        return False
    first = pd.Series(left.predictions.array, index=left.keys.array)
    second = pd.Series(right.predictions.array, index=right.keys.array).reindex(first.index)
    if first.isna().all():
        return False
    return bool((first.fillna("") == second.fillna("")).all())


def _judges(cell: Cell, graded: GradedTable) -> list[Note]:
    """Return one note for each other judge of the same answers: on which share both say right, or both wrong."""
    notes: list[Note] = []
    if graded.grades is None:
        return notes
    ours = pd.Series(graded.grades.quality, index=graded.table[KEY].array)
    for log in cell.second_opinions(graded.log):
        try:
            table = read_table(log.path, log.name, wanted)
            theirs = pd.Series(grade(cell.rule, table, log).quality, index=table[KEY].array).reindex(ours.index)
        except (NotATableError, NoGradeColumnError) as error:
            notes.append(Note("ignored_files", log.name, error.message))
            continue
        both = ours.notna() & theirs.notna()
        if both.any():
            agree = float(((ours >= HALF) == (theirs >= HALF))[both].mean())
            message = f"{log.parsed.judge} and {graded.log.parsed.judge} agree on {100 * agree:.1f} % of the samples"
            notes.append(Note("judge_agreement", f"{cell.model} on {cell.spec.name}", message, int(both.sum())))
    return notes
