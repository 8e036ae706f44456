"""Compare our accuracy of a table with the totals that the kit wrote beside it."""

import csv
import io
import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from vlrb.sources.base import Note
from vlrb.sources.vlmevalkit.cell_records import GradedTable
from vlrb.sources.vlmevalkit.choose import Cell, TotalsFile
from vlrb.sources.vlmevalkit.scoring.base import optional

MAX_BYTES = 4 << 20
TOLERANCE = 6e-5  # percentages are written with two digits after the point, if they are rounded at all
CHOICE_RULES = ("choice", "circular")
VQA_RULES = ("soft_vqa", "relaxed", "anls")
Rows = list[dict[str, str]]


class Claim(NamedTuple):
    """A number of a summary: the accuracy, 0 … 1, of the rows that have `value` in `column` ("" = all rows)."""

    accuracy: float
    column: str = ""
    value: str = ""


def compare(cell: Cell, graded: GradedTable) -> list[Note]:
    """Return one note for each summary of the graded run: it agrees, disagrees (a warning), or cannot be compared."""
    if graded.grades is None:
        return []
    notes = []
    for found in cell.totals:
        if _belongs(found, graded):
            claims = list(_claims(cell.rule, found, len(graded.table)))
            notes += _verdict(cell, found, graded.table, graded.grades.quality, claims)
    return notes


def _belongs(found: TotalsFile, graded: GradedTable) -> bool:
    """Return whether a summary is of the table: same run, same judge if it names one, same kind of evaluation."""
    parsed, judge = graded.log.parsed, found.totals.judge
    if found.file.run != graded.log.file.run:
        return False
    if judge:
        return judge == parsed.judge
    return parsed.form == "detailed" or not (parsed.judge and found.totals.kind == "score")


def _verdict(
    cell: Cell, found: TotalsFile, table: pd.DataFrame, quality: np.ndarray, claims: list[Claim]
) -> list[Note]:
    where = f"{cell.model} on {cell.spec.name}"
    compared, unknown = 0, 0
    for claim in claims:
        rows = np.ones(len(table), bool)
        if claim.column:
            rows = (optional(table, claim.column) == claim.value).to_numpy(bool)
        grades = quality[rows].astype(np.float64)
        if not len(grades):
            continue
        gaps = int(np.isnan(grades).sum())
        low = float(np.nansum(grades)) / len(grades)
        if not low - TOLERANCE <= claim.accuracy <= low + gaps / len(grades) + TOLERANCE:
            return [_disagrees(where, found, claim, grades)]
        compared += not gaps
        unknown += gaps
    if compared:
        return [Note("summary_agrees", where, "the accuracy in the kit's own summary is the one of these records")]
    if unknown:
        message = "the kit's summary cannot be compared exactly: some rows have no grade here"
        return [Note("summary_unchecked", where, message, unknown)]
    return []


def _disagrees(where: str, found: TotalsFile, claim: Claim, grades: np.ndarray) -> Note:
    of = f" {claim.value}" if claim.value else ""
    gaps = int(np.isnan(grades).sum())
    ours = f"{100 * np.nansum(grades) / len(grades):.2f} %" + (f" (and {gaps} rows unknown)" if gaps else "")
    message = f"{found.file.name} says {100 * claim.accuracy:.2f} %, the{of} rows here give {ours}"
    return Note("summary_disagrees", where, message, len(grades), "warning")


def _claims(rule: str, found: TotalsFile, count: int) -> Iterator[Claim]:
    """Yield what a summary says, by the form that the rule's evaluator gives it."""
    rows = _read(found)
    if rule in CHOICE_RULES and found.totals.kind == "acc":
        yield from _by_split(rows, "split", "")
    elif rule == "vanilla" and found.totals.kind == "acc_all":
        yield from _by_split(rows, "split", "vanilla_0")
    elif rule in VQA_RULES and found.totals.kind == "acc":
        yield from _plain(rows, "Overall", 100)
    elif rule == "yes_no":
        yield from _plain([row for row in rows if row.get("split") == "Overall"], "aAcc", 100)
    elif rule == "math_verse":
        yield from _by_split(rows, "problem_version", "", percent=True)
    elif rule == "ocr":
        yield from _plain(rows, "Final Score", count)
    elif rule.startswith(("math_vista", "math_vision")):
        yield from _hits(rows)


def _plain(rows: Rows, column: str, scale: int) -> Iterator[Claim]:
    numbers = [_number(row.get(column)) for row in rows]
    yield from (Claim(number / scale) for number in numbers if number is not None and scale)


def _by_split(rows: Rows, column: str, prefix: str, *, percent: bool = False) -> Iterator[Claim]:
    """Yield `Overall` of every row; its `split` names the rows it is of (none, Overall: all of them)."""
    numbers = [(row.get("split", ""), _number(row.get("Overall"))) for row in rows]
    scale = 100 if percent or any(number is not None and number > 1 for _, number in numbers) else 1
    for split, number in numbers:
        if number is None or not split.startswith(prefix):
            continue
        name = split.removeprefix(prefix).removeprefix("_") if prefix else split
        everything = name in ("", "none", "None", "nan", "Overall")
        yield Claim(number / scale) if everything else Claim(number / scale, column, name)


def _hits(rows: Rows) -> Iterator[Claim]:
    for row in rows:
        hit, total = _number(row.get("hit")), _number(row.get("tot"))
        if "Overall" in row.values() and hit is not None and total:
            yield Claim(hit / total)


def _number(cell: str | None) -> float | None:
    try:
        value = float(cell or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _read(found: TotalsFile) -> Rows:
    """Return a summary's rows as text; none if it is no summary after all."""
    if found.file.size > MAX_BYTES:
        return []
    try:
        text = found.file.path.read_text(encoding="utf-8-sig")
        if found.file.path.suffix == ".json":
            content: Any = json.loads(text)
            records = content if isinstance(content, list) else [content]
            return [{str(k): str(v) for k, v in record.items()} for record in records if isinstance(record, dict)]
        return [{str(k): str(v) for k, v in row.items()} for row in csv.DictReader(io.StringIO(text))]
    except (OSError, ValueError, csv.Error, RecursionError):
        return []
