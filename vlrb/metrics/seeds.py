"""One figure from several runs that differ in their training seed alone.

Two things vary: the test samples and the training. With at least `TWO_LEVEL` seeds both are resampled (seeds, then
split groups: the two-level bootstrap of Davison & Hinkley 1997, §3.8); with fewer the spread between seeds cannot be
resampled and the interval is conditional on the seeds at hand.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vlrb.metrics.value import Value, undefined

TWO_LEVEL = 5  # seeds from which on they are resampled too


class Spread(NamedTuple):
    """Mean and standard deviation over seeds; sd is None for one seed.

    Attributes:
        mean: Mean over the seeds; undefined as soon as one seed's figure is.
        sd: Standard deviation between seeds, with n − 1.
        seeds: How many seeds.
    """

    mean: Value
    sd: float | None
    seeds: int


def spread(values: Sequence[Value]) -> Spread:
    """Return mean and standard deviation of one figure over seeds.

    >>> spread([Value(0.5), Value(0.75), Value(1.0)])  # sd: √((.0625 + 0 + .0625) / 2)
    Spread(mean=Value(value=0.75, reason=None), sd=0.25, seeds=3)
    >>> spread([Value(0.7), Value(None, "no samples")]).mean.reason
    '1 of 2 seeds: no samples'
    """
    known = [value.value for value in values if value.value is not None]
    holes = [value.reason or "undefined" for value in values if value.value is None]
    if not values or holes:
        why = f"{len(holes)} of {len(values)} seeds: {holes[0]}" if holes else "no runs"
        return Spread(undefined(why), None, len(values))
    sd = float(np.std(known, ddof=1)) if len(known) > 1 else None
    return Spread(Value(float(np.mean(known))), sd, len(known))


def two_level(seeds: int) -> bool:
    """Return whether there are enough seeds to resample them.

    >>> two_level(4), two_level(5)
    (False, True)
    """
    return seeds >= TWO_LEVEL


def resampled_over_seeds(resampled: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return resamples (B,) of the mean over K seeds from joint resamples (B, K) of the K runs.

    The runs must have been judged on the same drawn groups. With enough seeds each resample also draws K seeds with
    replacement; the deviation of their mean from that of all is stretched by √(K / (K − 1)), because K drawn from K
    known values vary too little by that much (Rao & Wu 1988, JASA 83). Else it is the mean over all seeds.

    Args:
        resampled: (B, K) one figure of each run.
        seed: Seed of the draws; give routers different ones, their seeds have nothing to do with each other.
    """
    resamples, seeds = resampled.shape
    middle = resampled.mean(axis=1)
    if not two_level(seeds):
        return np.asarray(middle)
    drawn = np.random.default_rng(seed).integers(0, seeds, (resamples, seeds))
    mean = np.take_along_axis(resampled, drawn, axis=1).mean(axis=1)
    return np.asarray(middle + (mean - middle) * np.sqrt(seeds / (seeds - 1)))
