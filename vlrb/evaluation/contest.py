"""Which routers of a table can be told apart: tests against the top, ranks, and the smallest difference to be seen."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vlrb.evaluation.judge import Judgement, Units, judge
from vlrb.evaluation.seeds import across_seeds
from vlrb.metrics.bootstrap import RESAMPLES, can_resample
from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.outcomes import Chosen, is_correct
from vlrb.metrics.parts import mean_parts, rank_score_parts
from vlrb.metrics.power import design_effects, detectable_difference, detectable_errors
from vlrb.metrics.ranks import rank_intervals
from vlrb.metrics.sign_flip import FLIPS, holm, sign_flip_p_values

SCORE, ACCURACY = "rank_score", "accuracy"


class Contender(NamedTuple):
    """What one row of a table decided.

    Attributes:
        seeds: Quality and cost of its decisions, one per training seed, all on the same samples.
        ranked: Whether it takes part in the ranking; a reference is compared with the top only.
    """

    seeds: tuple[Chosen, ...]
    ranked: bool = True

    @property
    def complete(self) -> bool:
        """Whether every chosen cell is known."""
        return not any(np.isnan(chosen.quality).any() or np.isnan(chosen.cost).any() for chosen in self.seeds)


class Standing(NamedTuple):
    """Where a contender stands; None where that cannot be said.

    Attributes:
        p: p value against the top in the ranked figure, adjusted for all contenders.
        p_accuracy: The same in accuracy.
        p_single: p value in the ranked figure, not adjusted.
        rank_low: Best rank that the data allow (95 %).
        rank_high: Worst rank that the data allow.
    """

    p: float | None = None
    p_accuracy: float | None = None
    p_single: float | None = None
    rank_low: int | None = None
    rank_high: int | None = None

    @property
    def may_be_best(self) -> bool | None:
        """Whether it is in the 95 % confidence set for rank 1."""
        return None if self.rank_low is None else self.rank_low == 1


class Detectable(NamedTuple):
    """The smallest differences that paired comparisons with the top can show (80 % power, two-sided 5 %).

    Attributes:
        rank_score: In Rank Score; None where that is undefined.
        accuracy: In accuracy; None where the routers never differ.
        disagreement: Share of samples on which one of the two alone is right (over seeds: the mean squared difference).
        design_effect: By how much related samples inflate the variance.
        against: Name of the other router if there is one comparison; the figures are medians if there are several.
    """

    rank_score: float | None
    accuracy: float | None
    disagreement: float | None
    design_effect: float | None
    against: str | None


@dataclass(frozen=True)
class Contest:
    """The outcome of comparing the rows of a table.

    Args:
        top: Name of the top router.
        figure: What ranks and p values are about: rank_score, or accuracy where that is undefined.
        standings: By name; contenders with unknown cells are left out.
        detectable: What could be seen; None without anything to compare.
        compared: Contenders that were tested against the top.
    """

    top: str
    figure: str
    standings: Mapping[str, Standing]
    detectable: Detectable | None
    compared: int


def contest(
    contenders: Mapping[str, Contender],
    top: str,
    units: Units,
    bounds: CostBounds,
    resamples: int = RESAMPLES,
    flips: int = FLIPS,
) -> Contest | None:
    """Compare the rows of a table; the result does not depend on their order.

    None where nothing can be compared: no resamples wanted, no dataset with two split groups, unknown cells of the top.

    Args:
        contenders: The rows by name, all judged on the same samples.
        top: Name of the one that others are tested against.
        units: Split group and dataset of the samples.
        bounds: The benchmark's cost bounds.
        resamples: Bootstrap resamples behind ranks.
        flips: Random sign assignments behind p values.
    """
    known = {name: contender for name, contender in contenders.items() if contender.complete}
    if top not in known or not resamples or not can_resample(*units):
        return None
    parts = {name: _score_parts(contender, units, bounds) for name, contender in known.items()}
    figure = ACCURACY if parts[top] is None else SCORE
    if figure == SCORE:
        known = {name: contender for name, contender in known.items() if parts[name] is not None}
    tested = _tests(known, parts, top, units, flips)
    judged = _judged(known, units, bounds, resamples)
    ranked = {name: judged[name] for name, contender in known.items() if contender.ranked}
    places = _places(ranked, figure)
    standings = {name: tested.get(name, Standing())._replace(**places.get(name, {})) for name in known}
    rivals = [name for name in ranked if name != top] or _best(judged, figure, besides=top)
    return Contest(top, figure, standings, _detectable(known, judged, top, rivals, units), len(tested))


def _score_parts(contender: Contender, units: Units, bounds: CostBounds) -> np.ndarray | None:
    """Return what each group adds to the mean Rank Score over seeds."""
    parts = [rank_score_parts(is_correct(c.quality), c.cost, units.split_group, bounds) for c in contender.seeds]
    known = [part for part in parts if part is not None]
    return np.mean(known, axis=0) if len(known) == len(parts) else None


def _tests(
    known: Mapping[str, Contender],
    parts: Mapping[str, np.ndarray | None],
    top: str,
    units: Units,
    flips: int,
) -> dict[str, Standing]:
    """Return the p values of all but the top."""
    names = [name for name in known if name != top]
    if not names:
        return {}
    right = {name: mean_parts(_right(contender), units.split_group) for name, contender in known.items()}
    accuracy = np.stack([right[name] - right[top] for name in names])
    scores = [parts[name] for name in (*names, top)]
    own = [score for score in scores if score is not None]
    ranked = np.stack(own[:-1]) - own[-1] if len(own) == len(scores) else accuracy
    single, in_accuracy = sign_flip_p_values(np.concatenate([ranked, accuracy]), flips).reshape(2, -1)
    columns = zip(names, holm(single), holm(in_accuracy), single, strict=True)
    return {name: Standing(float(p), float(q), float(alone)) for name, p, q, alone in columns}


def _right(contender: Contender) -> np.ndarray:
    """Return y of each sample, the mean over seeds."""
    return np.asarray(np.mean([is_correct(chosen.quality) for chosen in contender.seeds], axis=0))


def _judged(
    contenders: Mapping[str, Contender], units: Units, bounds: CostBounds, resamples: int
) -> dict[str, Judgement]:
    """Return the figures of contenders, means over seeds, all from the same resamples."""
    single = {(name, k): c for name, contender in contenders.items() for k, c in enumerate(contender.seeds)}
    labels = {key: f"{key[1]} {key[0]}" for key in single}
    judged = judge({labels[key]: c for key, c in single.items()}, units, bounds, 0, resamples)
    return {
        name: across_seeds(
            [judged[labels[name, k]] for k in range(len(contender.seeds))], seed=zlib.crc32(name.encode())
        )
        for name, contender in contenders.items()
    }


def _places(judged: Mapping[str, Judgement], figure: str) -> dict[str, dict[str, int]]:
    """Return rank_low and rank_high of each; nothing for a single one."""
    if len(judged) < 2:
        return {}
    values = np.array([judgement.values[figure].value for judgement in judged.values()], dtype=np.float64)
    ranks = rank_intervals(values, np.stack([judgement.resampled[figure] for judgement in judged.values()], axis=1))
    return {
        name: {"rank_low": int(low), "rank_high": int(high)}
        for name, low, high in zip(judged, ranks.low, ranks.high, strict=True)
    }


def _best(judged: Mapping[str, Judgement], figure: str, besides: str) -> list[str]:
    """Return the name of the best but one, as a list; empty where there is no other."""
    values = {name: judgement.values[figure].value for name, judgement in judged.items() if name != besides}
    known = {name: value for name, value in values.items() if value is not None}
    return [max(known, key=lambda name: (known[name], name))] if known else []


def _detectable(
    known: Mapping[str, Contender], judged: Mapping[str, Judgement], top: str, rivals: Sequence[str], units: Units
) -> Detectable | None:
    """Return the medians over the comparisons with the top of what each could show."""
    if not rivals:
        return None
    right = _right(known[top]) - np.stack([_right(known[name]) for name in rivals])
    rows = []
    for name, difference, effect in zip(rivals, right, design_effects(right, *units), strict=True):
        share = float(np.mean(difference**2))
        accuracy = detectable_difference(share, len(difference), float(effect))
        drawn = judged[top].resampled[SCORE], judged[name].resampled[SCORE]
        error = float(np.std(drawn[0] - drawn[1], ddof=1)) if all(map(len, drawn)) else 0.0
        rows.append((detectable_errors() * error or np.nan, accuracy or np.nan, share, effect))
    middle = [_median(column) for column in zip(*rows, strict=True)]
    return Detectable(middle[0], middle[1], middle[2], middle[3], rivals[0] if len(rivals) == 1 else None)


def _median(column: Sequence[float]) -> float | None:
    known = [value for value in column if np.isfinite(value)]
    return float(np.median(known)) if known else None
