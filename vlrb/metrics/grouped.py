"""Figures per dataset and per reporting group, and the two ways to average over datasets, each under its name.

micro = every sample counts the same; macro = every dataset counts the same. They answer different questions: in the
full VL-RouterBench three datasets hold almost half of the samples.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.means import accuracy, mean_cost, mean_quality
from vlrb.metrics.outcomes import Chosen
from vlrb.metrics.rank_score import rank_score
from vlrb.metrics.value import Value, undefined


class Figures(NamedTuple):
    """The four figures of one set of samples."""

    n: int
    accuracy: Value
    quality: Value
    cost: Value
    rank_score: Value


def figures(chosen: Chosen, bounds: CostBounds) -> Figures:
    """Return the figures of one set of samples (the bounds are always the benchmark's).

    >>> chosen = Chosen(np.array([1.0, 0.0]), np.array([0.001, 0.001]))
    >>> figures(chosen, CostBounds(0.0005, 0.01, "h")).accuracy.value
    0.5
    """
    right, cost = accuracy(chosen.quality), mean_cost(chosen.cost)
    score = rank_score(right.value, cost.value, bounds)
    return Figures(len(chosen.quality), right, mean_quality(chosen.quality), cost, _with_cause(score, right, cost))


def by_dataset(chosen: Chosen, dataset: np.ndarray, names: Sequence[str], bounds: CostBounds) -> dict[str, Figures]:
    """Return the figures of each dataset, in the order of `names`.

    Args:
        chosen: Quality and cost of the decisions, (n,) each.
        dataset: (n,) int codes into `names`.
        names: Names of the datasets; one without samples has undefined figures.
        bounds: The benchmark's cost bounds.
    """
    members = {name: dataset == code for code, name in enumerate(names)}
    return {name: figures(Chosen(chosen.quality[m], chosen.cost[m]), bounds) for name, m in members.items()}


def micro(chosen: Chosen, member: np.ndarray, bounds: CostBounds) -> Figures:
    """Return the figures over all samples of some datasets: every sample counts the same.

    Args:
        chosen: Quality and cost of the decisions, (n,) each.
        member: (n,) bool, the samples meant.
        bounds: The benchmark's cost bounds.
    """
    return figures(Chosen(chosen.quality[member], chosen.cost[member]), bounds)


def macro(parts: dict[str, Figures], bounds: CostBounds) -> Figures:
    """Return unweighted means over datasets: every dataset counts the same.

    Undefined, naming the datasets, as soon as one dataset's figure is. The Rank Score is that of the macro accuracy and
    the macro cost, not a mean of scores.

    >>> bounds = CostBounds(0.0005, 0.01, "h")
    >>> small = figures(Chosen(np.array([1.0]), np.array([0.001])), bounds)
    >>> large = figures(Chosen(np.array([0.0, 0.0, 1.0, 0.0]), np.full(4, 0.003)), bounds)
    >>> macro({"small": small, "large": large}, bounds).accuracy.value  # (1 + .25) / 2; micro: 2/5 = .4
    0.625
    >>> macro({"small": small, "empty": figures(Chosen(np.zeros(0), np.zeros(0)), bounds)}, bounds).accuracy.reason
    'undefined for empty (no samples)'
    """
    means = {
        field: _mean_of({k: getattr(f, field) for k, f in parts.items()}) for field in ("accuracy", "quality", "cost")
    }
    score = rank_score(means["accuracy"].value, means["cost"].value, bounds)
    return Figures(
        n=sum(part.n for part in parts.values()),
        **means,
        rank_score=_with_cause(score, means["accuracy"], means["cost"]),
    )


def mean_figures(seeds: Sequence[Figures]) -> Figures:
    """Return the means over several seeds' figures of the same samples; undefined where one of them is.

    >>> bounds, cost = CostBounds(0.0005, 0.01, "h"), np.array([0.001, 0.001])
    >>> seeds = [figures(Chosen(np.array(quality), cost), bounds) for quality in ([1.0, 1.0], [1.0, 0.0])]
    >>> mean_figures(seeds).accuracy.value  # (1 + .5) / 2
    0.75
    """
    if len(seeds) == 1:
        return seeds[0]
    means = {}
    for field in ("accuracy", "quality", "cost", "rank_score"):
        values = [getattr(found, field) for found in seeds]
        holes = [value for value in values if value.value is None]
        means[field] = holes[0] if holes else Value(float(np.mean([value.value for value in values])))
    return Figures(seeds[0].n, **means)


def _mean_of(values: dict[str, Value]) -> Value:
    if not values:
        return undefined("no datasets")
    holes = [f"{name} ({value.reason})" for name, value in values.items() if value.value is None]
    if holes:
        return undefined("undefined for " + ", ".join(holes))
    return Value(float(np.mean([value.value for value in values.values()])))


def _with_cause(score: Value, *causes: Value) -> Value:
    """Return a score with the reason of its undefined part, which says more than 'undefined'."""
    reasons = [cause.reason for cause in causes if cause.value is None]
    return undefined(str(reasons[0])) if reasons else score
