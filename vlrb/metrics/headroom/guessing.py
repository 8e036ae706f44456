"""What of the oracle is guessing: where samples have options, many guessers together look like an oracle.

A model either knows the answer or picks one of K options evenly and by itself. Then of a sample that j models know,
j + Binomial(M − j, 1/K) are right. How many samples are known by 0, 1, … M models is estimated from how many are solved
by 0, 1, … M models, by nonparametric maximum likelihood (expectation–maximisation; Laird 1978).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import binom

STEPS = 3000
TOLERANCE = 1e-10


class Guessing(NamedTuple):
    """The oracle without guessing, over the samples whose number of options is known.

    Attributes:
        n: Samples with a known number of options ≥ 2.
        oracle: Share of them that at least one model solves.
        guessers: What as many models that know nothing would reach, mean of 1 − (1 − 1/K)^M.
        corrected: Share of them that at least one model knows, at least `best_single`.
        best_single: Accuracy of the best single model on them, without its guesses: max(0, (a − g) / (1 − g)),
            g = mean 1/K.
    """

    n: int
    oracle: float
    guessers: float
    corrected: float
    best_single: float


def chance_corrected(y: np.ndarray, options: np.ndarray) -> Guessing | None:
    """Return the oracle without guessing; None if no sample has a known number of options.

    Args:
        y: (n, m) outcomes: 1, 0, NaN unknown.
        options: (n,) number of options, ≥ 2; NaN = not known or an open question.

    >>> rng = np.random.default_rng(0)
    >>> found = chance_corrected((rng.random((4000, 17)) < 0.25).astype(float), np.full(4000, 4.0))
    >>> round(found.guessers, 4), found.oracle > 0.98, found.corrected < 0.05  # 1 − .75¹⁷
    (0.9925, True, True)
    """
    use = options >= 2
    if not use.any():
        return None
    y, options = y[use], options[use].astype(np.int64)
    known, solved = (~np.isnan(y)).sum(axis=1), (y == 1).sum(axis=1)
    kinds, kind, count = np.unique(np.stack([options, known], axis=1), axis=0, return_inverse=True, return_counts=True)
    kind = kind.reshape(-1)
    nobody = sum(
        size * _known_by(np.bincount(solved[kind == k], minlength=models + 1), int(choices))[0]
        for k, ((choices, models), size) in enumerate(zip(kinds, count, strict=True))
    )
    chance = 1.0 / options
    right = np.where(np.isnan(y), 0.0, y)
    cells = np.maximum((~np.isnan(y)).sum(axis=0), 1)
    guessed = np.where(np.isnan(y), 0.0, chance[:, None]).sum(axis=0) / cells
    single = (right.sum(axis=0) / cells - guessed) / (1 - guessed)
    return Guessing(
        n=len(y),
        oracle=float((solved > 0).mean()),
        guessers=float((1 - (1 - chance) ** known).mean()),
        corrected=float(max(1 - nobody / len(y), single.max())),  # some model knows at least what the best one knows
        best_single=float(max(0.0, single.max())),
    )


def _known_by(counts: np.ndarray, options: int) -> np.ndarray:
    """Return the share of samples that j of M models know, (M + 1,), from how many s of them solve (M + 1,)."""
    models = len(counts) - 1
    solved = np.arange(models + 1)
    lucky, guessers = solved[None, :] - solved[:, None], models - solved[:, None]  # (j, s), (j, 1)
    pmf = binom(guessers, lucky) * (1.0 / options) ** np.maximum(lucky, 0) * (1 - 1.0 / options) ** (models - solved)
    chance = np.where(lucky >= 0, pmf, 0.0)
    share = np.full(models + 1, 1.0 / (models + 1))
    observed = counts / max(counts.sum(), 1)
    for _ in range(STEPS):
        seen = share @ chance
        ratio = np.divide(observed, seen, out=np.zeros_like(observed), where=seen > 0)
        update = share * (chance @ ratio)
        if np.abs(update - share).max() < TOLERANCE:
            break
        share = update
    return share
