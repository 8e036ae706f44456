"""Yes/no questions (HallusionBench): `_auxmatch` tables and bare predictions."""

import re

import numpy as np
import pandas as pd

from vlrb.sources.vlmevalkit.cells import find_column
from vlrb.sources.vlmevalkit.scoring.base import Grades, answered, as_grades, each_row, need

_WORDS = re.compile(r"[^\w\s]")


def score_auxmatch(table: pd.DataFrame) -> Grades:
    """Return `score`; where it is empty or absent (the evaluator died in between), whether `extracted` = `answer`."""
    if find_column(table.columns, "score") is None:
        return Grades(_extracted(table), "extracted = answer")
    quality = as_grades(need(table, "score"))
    gaps = np.isnan(quality)
    if gaps.any() and find_column(table.columns, "extracted") is not None:
        quality = np.where(gaps, _extracted(table), quality)
    return Grades(quality, "score")


def _extracted(table: pd.DataFrame) -> np.ndarray:
    extracted, truth = need(table, "extracted").str.strip(), need(table, "answer").str.strip()
    quality = (extracted == truth).to_numpy(dtype=np.float32)
    return np.where(((extracted == "") | (truth == "")).to_numpy(), np.float32(np.nan), quality)


def score_yes_no(table: pd.DataFrame) -> Grades:
    """Grade bare predictions by the one word, yes or no, that they contain; NaN if both or neither."""

    def grade(text: str, answer: str) -> float:
        if not answer or not answered(text):
            return np.nan
        words = set(_WORDS.sub(" ", text.lower()).split())
        said = {"yes", "no"} & words
        return np.nan if len(said) != 1 else float(said == {answer.strip().lower()})

    return Grades(each_row(grade, need(table, "prediction"), need(table, "answer")), "yes or no")
