"""The null model given how many models solved each sample: exact, whatever the distribution of difficulty.

Under the Rasch model the number of right answers to a sample holds all that its outcomes say of its difficulty. Given
that number, who was right depends on the abilities alone (Rasch 1960; Andersen 1973), so outcomes can be drawn that
keep the observed difficulty of every sample, and abilities can be fitted without a word on difficulties (conditional
maximum likelihood).
"""

from typing import NamedTuple

import numpy as np

from vlrb.metrics.headroom.rasch import Patterns, patterns

STEPS = 400
TOLERANCE = 1e-9


class Conditional(NamedTuple):
    """Abilities by conditional maximum likelihood, and what they say of each model given the number of right answers.

    Attributes:
        ability: (m,) logits, mean 0.
        chance: (m, k, m + 1) probability that a model is right, given that r of it and the models after it are; by
            model, pattern and r.
        expected: (k, m + 1, m) probability that a model is right given the number of right answers; 0 where unknown.
        seen: Pattern and number of right answers of every sample.
    """

    ability: np.ndarray
    chance: np.ndarray
    expected: np.ndarray
    seen: Patterns


def fit_conditional(y: np.ndarray) -> Conditional:
    """Fit abilities by conditional maximum likelihood: expected and observed right answers of every model agree.

    Args:
        y: (n, m) outcomes, every model both right and wrong somewhere (`rasch.informative`), NaN unknown.
    """
    seen = patterns(y)
    m = y.shape[1]
    right = np.nansum(y, axis=0)
    count = np.zeros((len(seen.known), m + 1))
    np.add.at(count, (seen.pattern, seen.solved), 1.0)
    share = right / (~np.isnan(y)).sum(axis=0)
    ability = np.log(share / (1 - share))
    ability -= ability.mean()
    for _ in range(STEPS):
        chance = _chances(ability, seen.known)
        expected = _expectations(chance, seen.known)
        total = np.einsum("ks,ksm->m", count, expected)
        spare = np.einsum("ks,ksm->m", count, expected * (1 - expected))
        step = np.clip((right - total) / np.maximum(spare, 1e-9), -1.0, 1.0)
        if np.abs(right - total).max() < TOLERANCE * len(y):
            break
        ability = ability + step * (m - 1) / max(m, 1)
        ability -= ability.mean()
    return Conditional(ability, chance, expected, seen)


def _chances(ability: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return P(model right | r of it and those after it are right), (m, k, m + 1): elementary symmetric functions."""
    k, m = known.shape
    odds = np.exp(ability - ability.mean())
    chance = np.zeros((m, k, m + 1))
    after = np.zeros((k, m + 1))
    after[:, 0] = 1.0
    for column in range(m - 1, -1, -1):
        won = np.zeros_like(after)
        won[:, 1:] = after[:, :-1] * (odds[column] * known[:, column])[:, None]
        both = after + won
        np.divide(won, both, out=chance[column], where=both > 0)
        after = both
    return chance


def _expectations(chance: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return P(model right | number of right answers), (k, m + 1, m): the chances, gone through from every number."""
    m, k, width = chance.shape
    left = np.broadcast_to(np.eye(width), (k, width, width)).copy()  # from s right answers to r still to be given
    out = np.zeros((k, width, m))
    reachable = np.arange(width) <= known.sum(axis=1)[:, None]
    left *= reachable[:, :, None]
    for column in range(m):
        won = left * chance[column][:, None, :]
        out[:, :, column] = won.sum(axis=2)
        left -= won
        left[:, :, :-1] += won[:, :, 1:]
    return out


def expected_outcomes(fitted: Conditional) -> np.ndarray:
    """Return the probability of being right given the number of right answers, (n, m); 0 where unknown."""
    return np.asarray(fitted.expected[fitted.seen.pattern, fitted.seen.solved])


def draw(fitted: Conditional, rng: np.random.Generator) -> np.ndarray:
    """Return outcomes (n, m) bool under the null with the observed number of right answers; False where unknown."""
    m, k, width = fitted.chance.shape
    place = fitted.seen.pattern * width
    left = fitted.seen.solved.astype(np.int64)
    out = np.empty((len(left), m), dtype=bool)
    for column in range(m):
        won = rng.random(len(left), dtype=np.float32) < fitted.chance[column].reshape(k * width)[place + left]
        out[:, column] = won
        left -= won
    return out
