"""Several training seeds of one configuration, judged as one."""

from collections.abc import Sequence

import numpy as np

from vlrb.evaluation.judge import FIGURES, Judgement
from vlrb.metrics.seeds import TWO_LEVEL, resampled_over_seeds, spread, two_level


def across_seeds(judged: Sequence[Judgement], seed: int = 0) -> Judgement:
    """Return the mean over seeds of every figure, with resamples of that mean.

    A figure is undefined as soon as one seed's is. With five seeds or more the seeds are drawn too, so that intervals
    also hold the luck of training; with fewer they are conditional on the seeds (`seeds_note` says which).

    Args:
        judged: One judgement per seed, all from one call of `judge` (the same resamples).
        seed: Seed of the drawn seeds; different ones for different routers.
    """
    if len(judged) == 1:
        return judged[0]
    values = {name: spread([j.values[name] for j in judged]).mean for name in FIGURES}
    resampled = {name: _resampled([j.resampled[name] for j in judged], seed) for name in FIGURES}
    return Judgement(values, resampled)


def _resampled(parts: Sequence[np.ndarray], seed: int) -> np.ndarray:
    return resampled_over_seeds(np.stack(parts, axis=1), seed) if all(map(len, parts)) else np.empty(0)


def seeds_note(counts: Sequence[int]) -> str | None:
    """Return what the intervals of rows over several seeds mean, None if there are no such rows.

    Args:
        counts: Seeds behind each row.

    >>> seeds_note([3, 1, 3])
    'means over several seeds (3); intervals are conditional on them (fewer than 5)'
    >>> seeds_note([1, 1])
    """
    several = sorted({count for count in counts if count > 1})
    if not several:
        return None
    means = f"means over several seeds ({', '.join(map(str, several))}); intervals"
    if all(map(two_level, several)):
        return f"{means} draw seeds, then split groups"
    if any(map(two_level, several)):
        return f"{means} draw seeds too from {TWO_LEVEL} on"
    return f"{means} are conditional on them (fewer than {TWO_LEVEL})"
