"""Paired tests of two routers: whole split groups change sides (sign-flip randomisation).

If two routers are equally good, it is a coin toss in each split group which of them got the better of it. The p value
is the share of sign assignments to the groups' differences whose sum is at least as far from 0 as the observed one.
Related samples change sides together, which keeps the test honest where questions share a picture.

What a group adds to a figure is the figure's linearisation at the router's own accuracy and cost (`parts.py`). For the
accuracy that is the group's own share of the mean, and the test is exact if the routers are exchangeable. For the Rank
Score it keeps the level also where two equal scores are made of different accuracies and costs: exchanging accuracies
and costs and scoring those rejects 8–11 % instead of 5 % of true hypotheses for routers whose costs differ fivefold
(simulated; equal for equal costs).

Sources: Fisher 1935, The Design of Experiments, §21 (the test); Canay, Romano & Shaikh 2017, Econometrica 85 (signs of
whole clusters); Phipson & Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9 (the +1 of sampled flips); Holm 1979, Scand. J.
Statist. 6 (several comparisons).
"""

import numpy as np

FLIPS = 10_000
CHUNK_CELLS = 2_000_000  # flips × groups held at once
TIE = 1e-12  # sums this close to the observed one count as equal to it


def sign_flip_p_values(differences: np.ndarray, flips: int = FLIPS, seed: int = 0) -> np.ndarray:
    """Return two-sided p values (k,) for the sum of each row of differences being 0.

    A row with so few groups that differ that all their sign assignments are at most `flips` is tried with all of them:
    its p is exact. Others get p = (1 + hits) / (flips + 1) from random assignments, the same for all rows, so that p
    depends neither on the order of the rows nor on which others are there. A row of zeros has p = 1.

    Args:
        differences: (k, G) what each split group adds to the difference of two routers; no NaN.
        flips: Random sign assignments.
        seed: Seed of the signs.

    Sums of ±1 ±2 ±4 with |sum| ≥ 7 are 2 of 8, with |1 + 2 − 4| = 1 all of 8:

    >>> sign_flip_p_values(np.array([[1.0, 2.0, 4.0], [1.0, 2.0, -4.0], [0.0, 0.0, 0.0]])).tolist()
    [0.25, 1.0, 1.0]
    """
    differences = np.asarray(differences, dtype=np.float64)
    exact = (differences != 0).sum(axis=1) <= np.log2(max(flips, 1))
    p = np.ones(len(differences))
    for row in np.flatnonzero(exact):
        own = differences[row][differences[row] != 0]
        p[row] = _hits(_all_signs(len(own)) @ own, own.sum()).mean()
    p[~exact] = (1 + _sampled_hits(differences[~exact], flips, seed)) / (flips + 1)
    return p


def _sampled_hits(differences: np.ndarray, flips: int, seed: int) -> np.ndarray:
    """Return in how many random flips each row's sum is at least as far from 0 as the observed one, (k,)."""
    count, groups = differences.shape
    hits = np.zeros(count)
    if not count:
        return hits
    observed, columns = differences.sum(axis=1), differences.T
    rng = np.random.default_rng(seed)
    step = max(1, CHUNK_CELLS // groups)
    for first in range(0, flips, step):
        signs = _random_signs(rng, min(step, flips - first), groups)
        hits += _hits(signs @ columns, observed).sum(axis=0)
    return hits


def _hits(sums: np.ndarray, observed: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs(sums) >= np.abs(observed) - TIE)


def _random_signs(rng: np.random.Generator, rows: int, groups: int) -> np.ndarray:
    """Return random signs (rows, groups); whole words a row, so that they do not depend on how rows are cut."""
    width = 8 * -(-groups // 64)
    drawn = np.frombuffer(rng.bytes(rows * width), dtype=np.uint8).reshape(rows, width)
    return np.asarray(np.unpackbits(drawn, axis=1, count=groups) * 2.0 - 1.0)


def _all_signs(groups: int) -> np.ndarray:
    """Return all 2^d assignments of signs to d groups, (2^d, d)."""
    bits = np.arange(2**groups)[:, None] >> np.arange(groups)
    return np.asarray((bits & 1) * 2.0 - 1.0)


def holm(p: np.ndarray) -> np.ndarray:
    """Return p values adjusted for having made several comparisons (Holm's step-down); NaN = not compared.

    The smallest of k is multiplied by k, the next by k − 1, …; none falls below one before it, none exceeds 1. The
    chance of one or more false rejections among the k stays below the level, whatever the dependence. Hopeless rows
    cost the others nothing: they are rejected first and then no longer counted.

    >>> holm(np.array([0.01, 0.04, 0.03, np.nan])).tolist()  # 3·.01; 2·.03; max(1·.04, .06)
    [0.03, 0.06, 0.06, nan]
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")[: int(np.isfinite(p).sum())]  # NaN sorts last
    stepped = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
    out = np.full(len(p), np.nan)
    out[order] = np.minimum(stepped, 1.0)
    return out
