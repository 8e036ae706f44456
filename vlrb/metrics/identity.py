"""How much of a router's gain dataset identity explains: its choices, and the same shuffled within datasets."""

from typing import NamedTuple

import numpy as np

from vlrb.metrics.outcomes import is_correct
from vlrb.metrics.value import Value
from vlrb.utils.errors import DataError


class GainParts(NamedTuple):
    """A router's gain over the best single model, in two parts that sum to it.

    Attributes:
        gain: Accuracy of the router minus that of the best single model.
        dataset: Expected accuracy of the router's choices shuffled within each dataset, minus that of the best single
            model: what the router's shares of choices by dataset are worth.
        within: Accuracy of the router minus that expectation: what looking at the sample adds.
        within_sd: Standard deviation of `within` over such shufflings: its size by chance alone.
    """

    gain: Value
    dataset: Value
    within: Value
    within_sd: Value


def gain_parts(Y: np.ndarray, decision: np.ndarray, dataset: np.ndarray, best: int) -> GainParts:
    """Split a router's gain into what its choices by dataset are worth and what its choices within datasets add.

    With q_d(m) the share of dataset d's samples that went to model m, and a_d(m) that model's accuracy on d, the
    expected accuracy under shuffling is Σ_d (n_d/n) Σ_m q_d(m)·a_d(m). Its variance is that of a linear rank statistic,
    Σ_d 1/(n²(n_d−1)) Σ_ij (y_i,m(j) − row mean − column mean + mean)² (Hoeffding, 1951, A combinatorial central limit
    theorem).

    >>> Y = np.array([[1, 0], [0, 1], [1, 1], [0, 1]])  # by hand: dataset 0 = rows 0, 1; dataset 1 = rows 2, 3
    >>> parts = gain_parts(Y, np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), best=1)
    >>> [part.value for part in parts[:3]]  # router 4/4, best 3/4; shuffled: (1/2 + 1)/2
    [0.25, 0.0, 0.25]

    Args:
        Y: (n, m) quality of every model, NaN = unknown.
        decision: (n,) chosen columns.
        dataset: (n,) int codes.
        best: Column of the best single model.

    Raises:
        DataError: Shapes that do not fit one another.
    """
    n = len(Y)
    if np.shape(decision) != (n,) or np.shape(dataset) != (n,):
        raise DataError(f"{n} samples, but {np.shape(decision)} decisions and {np.shape(dataset)} datasets")
    if not n:
        return GainParts(*[Value(None, "no samples")] * 4)
    y = is_correct(Y)
    if np.isnan(y[:, best]).any():
        return GainParts(*[Value(None, "the best single model has unknown grades")] * 4)
    shuffled, variance = 0.0, 0.0
    for code in np.unique(dataset):
        rows = np.flatnonzero(dataset == code)
        models, counts = np.unique(decision[rows], return_counts=True)
        own = y[rows][:, models]
        if np.isnan(own).any():
            return GainParts(*[Value(None, "a model that was chosen has unknown grades in that dataset")] * 4)
        shuffled += float(own.mean(axis=0) @ counts)
        variance += _shuffling_variance(own, counts)
    accuracy, base = float(y[np.arange(n), decision].mean()), float(y[:, best].mean())
    return GainParts(
        Value(accuracy - base), Value(shuffled / n - base), Value(accuracy - shuffled / n), Value(variance**0.5 / n)
    )


def _shuffling_variance(own: np.ndarray, counts: np.ndarray) -> float:
    """Return the variance of the number of right answers when choices are shuffled among the rows of one dataset."""
    n = len(own)
    if n < 2:
        return 0.0
    row_means = own @ counts / n
    centred = own - row_means[:, None] - own.mean(axis=0) + row_means.mean()
    return float(((centred**2) @ counts).sum() / (n - 1))
