"""The smallest difference between two routers that a test split can show.

A paired comparison of accuracies sees only the samples on which exactly one of the two is right. With a share q of them
among n samples and routers of about equal accuracy, the mean difference has the standard error √(q · deff / n); deff,
the design effect, says by how much related samples inflate its variance (Kish 1965, Survey Sampling, §8.2). A two-sided
test at level α finds a true difference of (z₁₋α/₂ + z_power) standard errors with the probability `power` (Connor 1987,
Biometrics 43, for paired proportions in this large-sample form).
"""

import math
from statistics import NormalDist

import numpy as np

from vlrb.metrics.bootstrap import home_strata

POWER = 0.8
ALPHA = 0.05


def detectable_errors(alpha: float = ALPHA, power: float = POWER) -> float:
    """Return the smallest detectable difference in standard errors.

    >>> round(detectable_errors(), 4)  # 1.95996 + 0.84162
    2.8016
    """
    normal = NormalDist()
    return normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power)


def detectable_difference(
    disagreement: float, n: int, design_effect: float = 1.0, alpha: float = ALPHA, power: float = POWER
) -> float | None:
    """Return the smallest true difference in accuracy that a paired test shows with the given power.

    None where nothing can be said: no samples, or routers that never differ.

    Args:
        disagreement: Share of samples on which exactly one of the two routers is right.
        n: Samples.
        design_effect: Variance of the mean difference ÷ that of unrelated samples.
        alpha: Two-sided level of the test.
        power: Probability of finding the difference.

    >>> round(detectable_difference(0.25, 280), 3)  # 2.8016 · √(.25/280) = 2.8016 · .02988
    0.084
    >>> round(detectable_difference(0.25, 6108), 3), round(detectable_difference(0.25, 6108, 1.5), 3)
    (0.018, 0.022)
    """
    if n < 1 or not disagreement > 0 or not design_effect > 0:
        return None
    return detectable_errors(alpha, power) * math.sqrt(disagreement * design_effect / n)


def disagreement(first: np.ndarray, second: np.ndarray) -> float | None:
    """Return the share of samples on which exactly one of two routers is right; (n,) of 0 and 1, None without samples.

    Of routers with several seeds, y is the share of seeds that are right and this the mean squared difference.

    >>> disagreement(np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0, 1.0]))
    0.5
    """
    return float(np.mean((first - second) ** 2)) if len(first) else None


def design_effect(difference: np.ndarray, split_group: np.ndarray, stratum: np.ndarray) -> float | None:
    """Return by how much groups inflate the variance of a mean difference, within strata.

    The cluster-robust variance of the mean, Σ_h G_h/(G_h−1) Σ_g (e_g − ē_h)² / n² with e_g the group sums of the
    deviations from the mean, over that of unrelated samples, Σ d² / n². None where no stratum has two groups or the
    difference is always 0.

    Args:
        difference: (n,) paired differences.
        split_group: (n,) int codes.
        stratum: (n,) int codes of datasets.

    Two groups of two equal differences, 1, 1 and −1, −1: sums 2 and −2, mean 0; 2/1 · (4 + 4) / 16 = 1 against
    4/16 = .25. A design effect of 4 = 2 (group size) · 2 (only two groups):

    >>> design_effect(np.array([1.0, 1.0, -1.0, -1.0]), np.array([0, 0, 1, 1]), np.zeros(4, int))
    4.0
    """
    found = float(design_effects(np.asarray(difference)[None], split_group, stratum)[0])
    return None if math.isnan(found) else found


def design_effects(differences: np.ndarray, split_group: np.ndarray, stratum: np.ndarray) -> np.ndarray:
    """Return the design effect of several differences on the same samples, (k,); NaN where there is none.

    Args:
        differences: (k, n) paired differences.
        split_group: (n,) int codes.
        stratum: (n,) int codes of datasets.
    """
    if not differences.shape[1]:
        return np.full(len(differences), np.nan)
    _, code = np.unique(split_group, return_inverse=True)
    home = home_strata(code, stratum)
    _, place, sizes = np.unique(home, return_inverse=True, return_counts=True)
    several = sizes[place] > 1
    factor = np.where(several, sizes[place] / np.maximum(sizes[place] - 1, 1), 0.0)
    found = np.full(len(differences), np.nan)
    for row, difference in enumerate(differences):
        single = float(difference @ difference)
        if single > 0 and several.any():
            sums = np.bincount(code, weights=difference - difference.mean(), minlength=len(home))
            centred = sums - (np.bincount(place, weights=sums) / sizes)[place]
            found[row] = factor @ centred**2 / single
    return found
