"""Decisions to measure against: the oracle and the best single model."""

import numpy as np

from vlrb.metrics.outcomes import is_correct
from vlrb.utils.errors import DataError


def oracle_decision(Y: np.ndarray, C: np.ndarray) -> np.ndarray:
    """Return the cheapest correct model of each sample, (n,) int64; where none is correct, the cheapest.

    It knows the answers: a bound, not a router. Ties go to the lower column. An unknown cell is never chosen before a
    known one; a sample without any known cell gets column 0 (and its figures stay undefined).

    Args:
        Y: (n, m) quality in [0, 1], NaN = unknown.
        C: (n, m) cost in USD, NaN = unknown.

    >>> Y = np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    >>> C = np.array([[1.0, 3.0, 2.0], [2.0, 1.0, 3.0]])
    >>> oracle_decision(Y, C).tolist()  # models 1 and 2 are right, 2 is cheaper; none right, 1 is cheapest
    [2, 1]
    """
    known = ~(np.isnan(Y) | np.isnan(C))
    cost = np.where(known, C, np.inf)
    among_correct = np.where(known & (is_correct(Y) == 1), cost, np.inf)
    solvable = np.isfinite(among_correct).any(axis=1)
    return np.asarray(np.where(solvable[:, None], among_correct, cost).argmin(axis=1), dtype=np.int64)


def best_single(Y: np.ndarray, C: np.ndarray) -> int:
    """Return the column with the highest mean y; ties to the lower mean cost, then to the lower column.

    Given the training split this is the honest baseline (`best_single`); given the evaluated split it is a choice in
    hindsight (`best_single_hindsight`), a bound. Models are compared on their known cells.

    Args:
        Y: (n, m) quality in [0, 1], NaN = unknown.
        C: (n, m) cost in USD, NaN = unknown.

    Raises:
        DataError: No cell is known.

    >>> Y = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    >>> best_single(Y, np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]]))  # .5, .5, 0: of the first two, 1 is cheaper
    1
    """
    accuracy, cost = known_means(is_correct(Y)), known_means(np.asarray(C, np.float64))
    if np.isnan(accuracy).all():
        raise DataError("no model has a known outcome here, so there is no best single model")
    columns = np.arange(Y.shape[1])
    order = np.lexsort((columns, np.nan_to_num(cost, nan=np.inf), -np.nan_to_num(accuracy, nan=-np.inf)))
    return int(order[0])


def known_means(values: np.ndarray) -> np.ndarray:
    """Return the mean of each column over its known values, (m,), NaN where there is none.

    >>> known_means(np.array([[1.0, np.nan], [2.0, np.nan]])).tolist()
    [1.5, nan]
    """
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
