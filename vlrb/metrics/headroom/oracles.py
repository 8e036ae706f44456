"""What choices in hindsight would reach: best single model, best model of each group, oracle; and pools of models."""

from typing import NamedTuple

import numpy as np


class Pool(NamedTuple):
    """Models (columns) and the share of samples that at least one of them solves."""

    columns: tuple[int, ...]
    oracle: float


def known_means(values: np.ndarray) -> np.ndarray:
    """Return the mean of each column over its known values (m,), NaN where there is none.

    >>> known_means(np.array([[1.0, np.nan], [0.0, np.nan]])).tolist()
    [0.5, nan]
    """
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def oracle_accuracy(y: np.ndarray) -> float:
    """Return the share of samples that at least one model solves; unknown outcomes solve nothing.

    >>> oracle_accuracy(np.array([[0.0, 1.0], [0.0, np.nan]]))
    0.5
    """
    return float((y == 1).any(axis=1).mean())


def independence_oracle(y: np.ndarray) -> float:
    """Return what the oracle would be if models were right independently: mean of 1 − Π (1 − a_m) over known cells.

    >>> round(independence_oracle(np.array([[1.0, 0.0], [0.0, 1.0]])), 6)  # 1 − .5 · .5
    0.75
    """
    fails = 1.0 - np.where(np.isnan(y), 0.0, known_means(y))
    return float(1.0 - np.prod(fails, axis=1).mean())


def solve_counts(y: np.ndarray) -> np.ndarray:
    """Return how many samples are solved by 0, 1, …, m models, (m + 1,) int.

    >>> solve_counts(np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 1.0]])).tolist()
    [1, 1, 1]
    """
    return np.bincount((y == 1).sum(axis=1).astype(np.int64), minlength=y.shape[1] + 1)


def greedy_pool(right: np.ndarray) -> list[Pool]:
    """Return pools of 1, 2, … m models, each the one before and the model that solves most of what is left.

    Greedy cover: at least 1 − 1/e = 63 % of what the best pool of that size covers (Nemhauser, Wolsey & Fisher 1978).
    Ties go to the lower column.

    Args:
        right: (n, m) bool outcomes, n ≥ 1.

    >>> [pool.oracle for pool in greedy_pool(np.array([[1, 0], [1, 0], [0, 1], [0, 0]], dtype=bool))]
    [0.5, 0.75]
    """
    n, m = right.shape
    free = np.ones(m, dtype=bool)
    chosen: list[int] = []
    solved, pools = 0, []
    for _ in range(m):
        gains = np.where(free, right.sum(axis=0), -1)
        best = int(gains.argmax())
        free[best] = False
        chosen.append(best)
        solved += int(gains[best])
        right = right[~right[:, best]]
        pools.append(Pool(tuple(chosen), solved / n))
    return pools


def best_pools(right: np.ndarray) -> list[Pool]:
    """Return the best pair and the best three models, all of them looked at (fewer if there are fewer models).

    Args:
        right: (n, m) bool outcomes, n ≥ 1.

    >>> best_pools(np.array([[1, 0, 0], [0, 1, 0], [0, 1, 1]], dtype=bool))[0]
    Pool(columns=(0, 1), oracle=1.0)
    """
    wrong = (~right).astype(np.float32)
    m = wrong.shape[1]
    fails: dict[tuple[int, ...], float] = dict(_joint(wrong, 0))
    threes: dict[tuple[int, ...], float] = {}
    for first in range(m - 2):
        rows = wrong[wrong[:, first] == 1]
        threes |= {(first, *pair): count for pair, count in _joint(rows, first + 1)}
    found = []
    for counts in (fails, threes):
        if counts:
            columns = min(counts, key=lambda key: (counts[key], key))
            found.append(Pool(columns, 1.0 - counts[columns] / len(right)))
    return found


def _joint(wrong: np.ndarray, first: int) -> list[tuple[tuple[int, int], float]]:
    """Return for each pair of columns from `first` on how many rows both fail."""
    both = wrong.T.astype(np.float64) @ wrong
    m = wrong.shape[1]
    return [((a, b), float(both[a, b])) for a in range(first, m) for b in range(a + 1, m)]
