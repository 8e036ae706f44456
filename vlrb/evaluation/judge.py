"""Figures and bootstrap intervals of several choosers on the same samples, all from the same resamples."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vlrb.metrics.bootstrap import (
    RESAMPLES,
    Interval,
    can_resample,
    percentile_interval,
    ratio_interval,
    resampled_sums,
)
from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.gap import gap_closed
from vlrb.metrics.grouped import figures
from vlrb.metrics.outcomes import Chosen, is_correct
from vlrb.metrics.rank_score import rank_scores
from vlrb.metrics.value import Value, number

FIGURES = ("accuracy", "quality", "cost", "rank_score")
Flat = dict[str, float | int | str | None]


class Units(NamedTuple):
    """What the samples of an evaluated set belong to, (n,) int codes each."""

    split_group: np.ndarray
    dataset: np.ndarray


@dataclass(frozen=True)
class Judgement:
    """The figures of one chooser.

    Args:
        values: Accuracy, quality, cost and rank score of the evaluated set.
        resampled: The same figures in each bootstrap resample, (B,) each; empty where undefined.
    """

    values: Mapping[str, Value]
    resampled: Mapping[str, np.ndarray]

    def flat(self, names: tuple[str, ...] = FIGURES, prefix: str = "") -> Flat:
        """Return `<prefix><figure>` with `_low`, `_high` and, where undefined, `_reason`."""
        out: Flat = {}
        for name in names:
            out |= with_interval(f"{prefix}{name}", self.values[name], percentile_interval(self.resampled[name]))
        return out


def with_interval(name: str, value: Value, interval: Interval) -> Flat:
    """Return a figure with its interval under flat names; no interval without a value.

    >>> with_interval("gap_closed", Value(0.25), Interval(0.1, 0.4))
    {'gap_closed': 0.25, 'gap_closed_low': 0.1, 'gap_closed_high': 0.4}
    """
    if value.value is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None, f"{name}_reason": value.reason or "undefined"}
    return {name: number(value.value), f"{name}_low": interval.low, f"{name}_high": interval.high}


def judge(
    choosers: Mapping[str, Chosen], units: Units, bounds: CostBounds, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, Judgement]:
    """Return the figures of every chooser; differences between them may be taken resample by resample.

    Args:
        choosers: Quality and cost of each chooser's decisions, (n,) each, on the same samples.
        units: Split group and dataset of the samples.
        bounds: The benchmark's cost bounds, the same in every resample.
        seed: Seed of the resamples.
        resamples: How many; 0 gives no intervals.
    """
    values = {name: figures(chosen, bounds) for name, chosen in choosers.items()}
    known = [name for name, chosen in choosers.items() if not np.isnan([chosen.quality, chosen.cost]).any()]
    sums = _sums([choosers[name] for name in known], units, seed, resamples)
    out = {}
    for name, value in values.items():
        means = sums[:, known.index(name)] if name in known else np.empty((0, 3))
        out[name] = Judgement({f: getattr(value, f) for f in FIGURES}, _resampled(means, bounds))
    return out


def _sums(choosers: list[Chosen], units: Units, seed: int, resamples: int) -> np.ndarray:
    """Return resampled means (B, choosers, 3) of y, quality and cost; B = 0 where nothing can be resampled."""
    if not choosers or not resamples or not can_resample(*units):
        return np.empty((0, len(choosers), 3))
    columns = [column for c in choosers for column in (is_correct(c.quality), c.quality, c.cost)]
    table = np.stack([*columns, np.ones(len(units.dataset))], axis=1).astype(np.float64)
    sums = resampled_sums(table, units.split_group, units.dataset, resamples, seed)
    return np.asarray(sums[:, :-1] / sums[:, -1:]).reshape(len(sums), len(choosers), 3)


def _resampled(means: np.ndarray, bounds: CostBounds) -> dict[str, np.ndarray]:
    accuracy, quality, cost = means.T
    score = np.empty(0)
    if bounds.problem() is None and bounds.cmin is not None and bounds.cmax is not None:
        score = rank_scores(accuracy, cost, bounds.cmin, bounds.cmax)
    return {"accuracy": accuracy, "quality": quality, "cost": cost, "rank_score": score}


def gap_figure(router: Judgement, best: Judgement, oracle: Judgement) -> Flat:
    """Return the oracle gap closed with its interval; both parts are taken anew in every resample."""
    value = gap_closed(*(j.values["accuracy"].value for j in (router, best, oracle)))
    parts = [j.resampled["accuracy"] for j in (router, best, oracle)]
    interval = Interval(None, None)
    if value.value is not None and all(map(len, parts)):
        interval = ratio_interval(parts[0] - parts[1], parts[2] - parts[1])
    return with_interval("gap_closed", value, interval)


def difference(name: str, figure: str, first: Judgement, second: Judgement) -> Flat:
    """Return first − second of one figure, paired: both are judged on the same resamples."""
    a, b = first.values[figure], second.values[figure]
    value = Value(None, a.reason or b.reason) if a.value is None or b.value is None else Value(a.value - b.value)
    left, right = first.resampled[figure], second.resampled[figure]
    interval = percentile_interval(left - right) if len(left) and len(right) else Interval(None, None)
    return with_interval(name, value, interval)
