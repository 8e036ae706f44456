"""The null model of headroom: some samples are hard, some models are able, and nobody specialises (Rasch 1960).

P(y_im = 1) = 1 / (1 + exp(b_i − a_m)), difficulties b_i ~ N(0, s²). Abilities a and spread s are fitted by marginal
maximum likelihood (Bock & Aitkin 1981): difficulties are integrated out. Fitting one difficulty per sample beside the
abilities (joint maximum likelihood) is biased however many samples there are (Neyman & Scott 1948).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from vlrb.utils.errors import DataError

NODES = 81  # of the integral over difficulty, evenly from −5.5 to 5.5 spreads
REACH = 5.5
SPREAD_RANGE = (0.01, 20.0)
ABILITY_RANGE = 25.0


class Patterns(NamedTuple):
    """Samples by what is known of them: all that the likelihood needs, since the number of right answers is sufficient.

    Attributes:
        known: (k, m) bool, the different sets of models with a known outcome.
        pattern: (n,) int, which of them a sample has.
        solved: (n,) int, how many of its known outcomes are right.
    """

    known: np.ndarray
    pattern: np.ndarray
    solved: np.ndarray


class Rasch(NamedTuple):
    """A fitted null model.

    Attributes:
        ability: (m,) logits; −inf for a model that is never right, +inf for one that always is.
        spread: Standard deviation of the difficulties, logits.
    """

    ability: np.ndarray
    spread: float


def patterns(y: np.ndarray) -> Patterns:
    """Return the patterns of outcomes y (n, m): 1 right, 0 wrong, NaN unknown.

    >>> found = patterns(np.array([[1.0, 0.0], [np.nan, 1.0], [1.0, 1.0]]))
    >>> found.known.tolist(), found.pattern.tolist(), found.solved.tolist()
    ([[False, True], [True, True]], [1, 0, 1], [1, 1, 2])
    """
    known, pattern = np.unique(~np.isnan(y), axis=0, return_inverse=True)
    return Patterns(known, pattern.reshape(-1), (y == 1).sum(axis=1))


def informative(y: np.ndarray) -> np.ndarray:
    """Return which models (m,) were both right and wrong; the others have no finite ability.

    >>> informative(np.array([[1.0, 0.0, 1.0], [1.0, 0.0, 0.0]])).tolist()
    [False, False, True]
    """
    return np.asarray((y == 1).any(axis=0) & (y == 0).any(axis=0))


def fit_rasch(y: np.ndarray) -> Rasch:
    """Fit abilities and the spread of difficulty by marginal maximum likelihood.

    Args:
        y: (n, m) outcomes: 1 right, 0 wrong, NaN unknown (left out of the likelihood).

    Raises:
        DataError: No outcome is known.
    """
    if not len(y) or np.isnan(y).all():
        raise DataError("no outcome is known, so there is nothing to fit")
    use = informative(y)
    ability = np.where((y == 1).any(axis=0), np.inf, -np.inf)
    ability[np.isnan(y).all(axis=0)] = np.nan
    if not use.any():
        return Rasch(ability, 0.0)
    ability[use], spread = _maximise(y[:, use])
    return Rasch(ability, spread)


def _maximise(y: np.ndarray) -> tuple[np.ndarray, float]:
    """Return abilities and spread where the likelihood is highest; every column has right and wrong answers."""
    seen = patterns(y)
    right = np.nansum(y, axis=0)
    share = right / (~np.isnan(y)).sum(axis=0)
    cells, count = np.unique(np.stack([seen.pattern, seen.solved], axis=1), axis=0, return_counts=True)
    problem = _Likelihood(seen.known.astype(np.float64), cells[:, 0], cells[:, 1].astype(np.float64), count, right)
    start = np.append(np.log(share / (1 - share)) * 1.3, 0.0)
    bounds = [(-ABILITY_RANGE, ABILITY_RANGE)] * len(right) + [(np.log(SPREAD_RANGE[0]), np.log(SPREAD_RANGE[1]))]
    options = {"maxiter": 500, "ftol": 1e-12, "gtol": 1e-7}
    best = minimize(problem, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return best.x[:-1], float(np.exp(best.x[-1]))


@dataclass(frozen=True)
class _Likelihood:
    """Mean negative log-likelihood and its gradient; parameters are abilities and the logarithm of the spread."""

    known: np.ndarray  # (k, m) float
    pattern: np.ndarray  # (c,) which row of `known`
    solved: np.ndarray  # (c,) how many are right
    counts: np.ndarray  # (c,) how many samples are like this
    right: np.ndarray  # (m,) right answers of each model

    def __call__(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        ability, spread = parameters[:-1], np.exp(parameters[-1])
        nodes = np.linspace(-REACH, REACH, NODES)
        weight = -0.5 * nodes**2
        difficulty = spread * nodes
        logit = ability[:, None] - difficulty  # (m, q)
        fails = self.known @ np.logaddexp(0.0, logit)  # (k, q)
        joint = weight - self.solved[:, None] * difficulty - fails[self.pattern]  # (c, q)
        top = joint.max(axis=1, keepdims=True)
        posterior = np.exp(joint - top)
        total = posterior.sum(axis=1, keepdims=True)
        posterior *= self.counts[:, None] / total
        value = float(self.right @ ability + self.counts @ (top + np.log(total))[:, 0])
        by_pattern = np.zeros((len(self.known), NODES))
        np.add.at(by_pattern, self.pattern, posterior)
        p = expit(logit)
        expected = ((self.known.T @ by_pattern) * p).sum(axis=1)
        slope = -float((self.solved @ posterior) @ nodes)
        slope += float((by_pattern * (self.known @ p) * nodes).sum())
        gradient = np.append(self.right - expected, slope * spread)
        return -value / self.counts.sum(), -gradient / self.counts.sum()
