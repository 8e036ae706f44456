"""Made-up trees of all 14 datasets in every file form: each cell as a second reader, which shares no code, reads it."""

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from independent.reader import read_tree
from independent.trees import trees
from independent.writing import Log, write

from vlrb import schema
from vlrb.utils.errors import DataError

QUICK = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def compare(logs: list[Log], mmmu: str, tree: Any) -> None:
    shutil.rmtree(tree.root, ignore_errors=True)
    write(tree.root, logs)
    check(tree.root, tree, mmmu)


@QUICK
@given(logs=trees(), mmmu=st.sampled_from(["all", "validation"]))
def test_every_cell(logs: list[Log], mmmu: str, tree: Any) -> None:
    compare(logs, mmmu, tree)


@pytest.mark.slow
@LONG
@given(logs=trees(), mmmu=st.sampled_from(["all", "validation"]))
def test_every_cell_of_many_trees(logs: list[Log], mmmu: str, tree: Any) -> None:
    compare(logs, mmmu, tree)


def check(root: Path, tree: Any, mmmu: str) -> None:
    theirs = read_tree(root, mmmu)
    try:
        records = tree.source(root, mmmu=mmmu).read().records
    except DataError as error:
        if not theirs:  # MMMU without validation rows
            return
        raise AssertionError(f"{error.message}; the second reader reads {theirs}") from error
    names = zip(records[schema.SAMPLE_ID].astype(str), records[schema.MODEL_ID].astype(str), strict=True)
    ours = dict(zip(names, records[schema.QUALITY].tolist(), strict=True))
    wrong = {cell: (ours.get(cell), grade) for cell, grade in theirs.items() if not same(ours.get(cell), grade)}
    assert not wrong, f"(ours, theirs): {wrong}"
    beyond = {cell: grade for cell, grade in ours.items() if cell not in theirs and not math.isnan(grade)}
    assert not beyond, f"only ours: {beyond}"


def same(a: float | None, b: float) -> bool:
    return a is not None and ((math.isnan(a) and math.isnan(b)) or abs(a - b) < 1e-6)
