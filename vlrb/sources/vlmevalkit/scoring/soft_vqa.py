"""TextVQA: soft accuracy, the share of annotators who would have agreed."""

import re
from functools import lru_cache

import numpy as np
import pandas as pd

from vlrb.sources.vlmevalkit.scoring.base import Grades, answered, answers, as_grades, each_row, need

NUMBERS = {"none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6"}
NUMBERS |= {"seven": "7", "eight": "8", "nine": "9", "ten": "10"}
ARTICLES = frozenset(("a", "an", "the"))
# The contractions that the VQA evaluation restores.
_CONTRACTED = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've
he's how'd how'll how's I'd've I'm I've isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've
needn't not've o'clock oughtn't shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll
somebody's someone'd someone'd've someone'll someone's something'd something'd've something'll that's there'd
there'd've there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll
what're what's what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't
would've wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""
_MARKS = ';/[]"{}()=+\\_-><@`,?!'
_PERIOD = re.compile(r"\.(?!\d)")
_THOUSANDS = re.compile(r"\d,\d")


def _without_one_apostrophe(word: str) -> list[str]:
    """Return the misspellings of a contraction: each apostrophe left out, and all of them."""
    places = [i for i, letter in enumerate(word) if letter == "'"]
    return [word[:i] + word[i + 1 :] for i in places] + [word.replace("'", "")]


CONTRACTIONS = {wrong: word for word in _CONTRACTED.split() for wrong in _without_one_apostrophe(word)}


def score_eval(table: pd.DataFrame) -> Grades:
    """Return the evaluator's `eval_score`, already the soft accuracy."""
    return Grades(as_grades(need(table, "eval_score")), "eval_score")


def score_prediction(table: pd.DataFrame) -> Grades:
    """Return the soft accuracy of bare predictions; NaN without a prediction."""

    def grade(text: str, cell: str) -> float:
        return _share(normalised(text), _truths(cell)) if cell and answered(text) else np.nan

    return Grades(each_row(grade, need(table, "prediction"), need(table, "answer")), "soft accuracy")


def soft_accuracy(given: str, annotators: list[str]) -> float:
    """Return the mean over annotators of min(1, others who gave this answer / 3).

    Three of ten agree: for each of them 2 others do (2/3), for the seven others 3 do (1): (3 · 2/3 + 7) / 10 = 0.9.

    >>> soft_accuracy("Two.", ["2", "two", "2"] + ["5"] * 7)
    0.9
    """
    return _share(normalised(given), tuple(map(normalised, annotators)))


@lru_cache(maxsize=16384)
def _truths(cell: str) -> tuple[str, ...]:
    """Return the annotators' answers of a cell, normalised once for all models that answer the question."""
    return tuple(map(normalised, answers(cell)))


def _share(said: str, annotators: tuple[str, ...]) -> float:
    agree = annotators.count(said)
    others = len(annotators) - agree
    total = agree * min(1.0, (agree - 1) / 3) + others * min(1.0, agree / 3) if agree else 0.0
    return total / len(annotators)


@lru_cache(maxsize=65536)
def normalised(answer: str) -> str:
    """Return an answer as the VQA evaluation compares it: marks, case, number words, articles and contractions.

    >>> normalised("The Twelve, dont!"), normalised("1,000"), normalised("no. 5")
    ("twelve don't", '1000', 'no 5')
    """
    text = answer.replace("\n", " ").replace("\t", " ").strip()
    source, grouped = text, _THOUSANDS.search(text) is not None
    for mark in _MARKS:
        at_edge = f"{mark} " in source or f" {mark}" in source
        text = text.replace(mark, "" if at_edge or grouped else " ")
    words = (NUMBERS.get(word, word) for word in _PERIOD.sub("", text).lower().split())
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in ARTICLES)
