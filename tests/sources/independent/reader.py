"""The grades of a whole tree: {(sample, model): grade}."""

import math
from pathlib import Path

from independent.files import HIT, PRED, Row, key_of, rows_of, tables
from independent.grades import GRADES, multiple_choice

Grades = dict[tuple[str, str], float]


def read_tree(root: Path, mmmu: str = "all") -> Grades:
    """Return every grade that the logs below `root` tell (NaN: there is a record, and no rule can grade it)."""
    grades: Grades = {}
    for (dataset, model), found in tables(root).items():
        form, rows = found[0].form, rows_of(found[0].path)
        if dataset == "MMBench_DEV_EN_V11":
            graded = circular(rows, form)
        else:
            graded = {key_of(row["index"]): GRADES[dataset](row, form) for row in rows if _counts(row, dataset, mmmu)}
        grades |= {(f"{dataset}/{key}", model): grade for key, grade in graded.items()}
    return grades


def _counts(row: Row, dataset: str, mmmu: str) -> bool:
    return dataset != "MMMU_DEV_VAL" or mmmu == "all" or row["split"] == "validation"


def circular(rows: list[Row], form: str) -> dict[str, float]:
    """Return the grades of the questions as first asked; from predictions all rotations must be right."""
    if form == HIT:
        return {key_of(row["index"]): multiple_choice(row, form) for row in rows if _base(row)}
    groups: dict[str, list[float]] = {}
    for row in rows:
        groups.setdefault(_group(row), []).append(multiple_choice(row, PRED))
    return {key: _all_right(groups[key]) for row in rows if _base(row) for key in [key_of(row["index"])]}


def _all_right(grades: list[float]) -> float:
    if 0.0 in grades:
        return 0.0
    return math.nan if any(map(math.isnan, grades)) else 1.0


def _group(row: Row) -> str:
    if row.get("g_index") is not None:
        return key_of(row["g_index"])
    return str(int(float(row["index"])) % 1_000_000)


def _base(row: Row) -> bool:
    return key_of(row["index"]) == _group(row)
