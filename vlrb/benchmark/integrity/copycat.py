"""The leak audit: how much a router gains that does nothing but look up the most similar picture it was trained on."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.integrity.findings import Subject
from vlrb.benchmark.likeness.near import sign_matrix
from vlrb.benchmark.likeness.table import CONTENT_HASH, PictureTable
from vlrb.metrics.outcomes import is_correct

_BLOCK = 256


class _Side(NamedTuple):
    """Samples of one split that have a picture: rows of the benchmark, row of the first picture, group."""

    rows: np.ndarray
    picture: np.ndarray
    group: np.ndarray


def copycat(s: Subject) -> dict[str, Any]:
    """Return the accuracy of copying, with and without training samples of the test sample's own group.

    For each test sample the training sample is taken whose first picture is most similar (most equal bits of the
    perceptual hash; the same file before others, then sample order). Of the models that were right there the one that
    is right most often on train is chosen; if none was, the best single model of train. In a split without a leak no
    group is on both sides, so both figures are the same.

    Returns:
        samples, accuracy, accuracy_without_group, gain (their difference), best_single; empty if there is nothing to
        copy from or to. Unknown grades count as wrong, in all figures alike.
    """
    if s.pictures is None or s.pictures.readable.frame.empty:
        return {}
    marked = s.pictures.readable
    first = _first_pictures(s, marked)
    train, test = (_side(s, first, name) for name in (schema.TRAIN, schema.TEST))
    if not len(train.rows) or not len(test.rows):
        return {}
    right = is_correct(np.nan_to_num(np.asarray(s.bench.Y)))
    strength = right[s.sides == schema.TRAIN].mean(axis=0)
    signs = sign_matrix(marked.frame["phash"].to_numpy(np.uint64))
    twins = _nearest(signs, train, test)
    accuracy, without = (_copied(right, strength, np.where(t < 0, -1, train.rows[t]), test.rows) for t in twins)
    return {
        "samples": len(test.rows),
        "accuracy": accuracy,
        "accuracy_without_group": without,
        "gain": accuracy - without,
        "best_single": float(right[test.rows, strength.argmax()].mean()),
    }


def _first_pictures(s: Subject, marked: PictureTable) -> np.ndarray:
    """Return the row in `marked` of each sample's first picture, -1 where there is none that can be read."""
    names = [references[0][CONTENT_HASH] if len(references) else None for references in s.bench.samples[schema.IMAGES]]
    found: np.ndarray = pd.Index(marked.frame[CONTENT_HASH]).get_indexer(pd.Index(names, dtype=object))
    return found


def _side(s: Subject, first: np.ndarray, name: str) -> _Side:
    rows = np.flatnonzero((s.sides == name) & (first >= 0))
    return _Side(rows, first[rows], s.groups.of_sample[rows])


def _nearest(signs: np.ndarray, train: _Side, test: _Side) -> tuple[np.ndarray, np.ndarray]:
    """Return where in `train` the most similar sample of each of `test` is: of all, and of other groups (or -1)."""
    there = signs[train.picture]
    free, apart = np.empty((2, len(test.rows)), dtype=np.int64)
    for start in range(0, len(test.rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        likeness = signs[test.picture[block]] @ there.T
        likeness += test.picture[block, None] == train.picture  # the same file wins over another with equal bits
        free[block] = likeness.argmax(axis=1)
        likeness[test.group[block, None] == train.group] = -np.inf
        apart[block] = np.where(np.isinf(likeness).all(axis=1), -1, likeness.argmax(axis=1))
    return free, apart


def _copied(right: np.ndarray, strength: np.ndarray, twins: np.ndarray, rows: np.ndarray) -> float:
    known = (twins >= 0)[:, None] & (right[twins] > 0)
    worth = np.where(known, 1.0 + strength, strength)  # any model that was right before any that was not
    return float(right[rows, worth.argmax(axis=1)].mean())
