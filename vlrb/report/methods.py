"""From runs to methods: seeds are averaged, and of each method's operating points one is chosen on dev.

A *method* is a router and what it reads (its encoder). λ, k, a learning rate and every other value of the
configuration are choices, and a choice is made on dev: reporting the best test figure of a sweep would reward sweeping.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeVar

import numpy as np

from vlrb.evaluation.runs import Run
from vlrb.metrics.selection import one_standard_error
from vlrb.report.names import run_names
from vlrb.report.seeds import judge_seeds
from vlrb.schema import DEV
from vlrb.utils.config import LOADING_KEYS, identity
from vlrb.utils.fingerprint import fingerprint

T = TypeVar("T")
Select = Literal["dev", "router", "none"]
RESAMPLES, RESAMPLING_SEED = 2000, 0  # behind the standard error: a choice must not depend on how intervals are made
HOW_IT_LEARNS = ("training", "batch_size", "unreadable", *LOADING_KEYS)  # parts of an encoder's node that it reads not
SCORE, SCORE_WITHOUT_BOUNDS = "rank_score", "accuracy"


class Candidate(NamedTuple):
    """One configuration: an operating point.

    Attributes:
        name: Name in tables.
        runs: One run per seed, lowest seed first.
    """

    name: str
    runs: tuple[Run, ...]

    def mean(self, key: str) -> float:
        """Return the mean over seeds of a figure of metrics.json (`split/name`); NaN if it is undefined for one."""
        values = [run.metrics.get(key) for run in self.runs]
        return float("nan") if None in values else float(np.mean(np.array(values, np.float64)))


class Method(NamedTuple):
    """A router, what it reads, and the operating points it was tried at.

    Attributes:
        candidates: The points, in the order of the runs.
        place: Which of them dev chose.
        figure: The dev figure it was chosen by; None where there was nothing to choose.
        error: Standard error of the best point's dev figure, NaN where nothing was chosen.
    """

    candidates: tuple[Candidate, ...]
    place: int = 0
    figure: str | None = None
    error: float = float("nan")

    @property
    def chosen(self) -> Candidate:
        """The point on the leaderboard."""
        return self.candidates[self.place]

    @property
    def router(self) -> str:
        """Name of the router."""
        return self.chosen.runs[0].router


def find_methods(runs: Sequence[Run], select: Select = "dev") -> list[Method]:
    """Return the methods of runs on the same data, in order of their first runs, with the point that dev chose.

    dev     one method per router and encoder (whatever is under `encoder` but how it is trained and loaded)
    router  one method per router: the encoder is chosen on dev too
    none    every run for itself, seeds too

    Budget points (`evaluate.py … budget=`) are methods of their own: dev has chosen them already, under a constraint.
    Points without any dev figure cannot be chosen from; each is a method then.

    Args:
        runs: Runs on the same data.
        select: What is chosen on dev.
    """
    if select == "none":
        return [Method((Candidate(name, (run,)),)) for run, name in zip(runs, run_names(runs), strict=True)]
    seeds = _by_configuration(runs)
    names = run_names([same[0] for same in seeds], name_seeds=False)
    candidates = [
        Candidate(name, tuple(sorted(same, key=lambda run: run.seed))) for name, same in zip(names, seeds, strict=True)
    ]
    grouped = _grouped(candidates, lambda candidate: _method(candidate.runs[0], select))
    return [method for group in grouped for method in _chosen(group)]


def _grouped(items: Sequence[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    groups: dict[Hashable, list[T]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return list(groups.values())


def _by_configuration(runs: Sequence[Run]) -> list[list[Run]]:
    """Return the runs that differ in their seed alone together; one that repeats a seed begins another group."""
    repeated: Counter[Hashable] = Counter()

    def key(run: Run) -> Hashable:
        repeated[found := (_configuration(run), run.seed)] += 1
        return found[0], repeated[found]

    return _grouped(runs, key)


def _configuration(run: Run) -> Hashable:
    config = {name: value for name, value in run.config.items() if name not in ("seed", "resamples")}
    return identity(config), run.setting, run.point is None, run.repriced_from


def _method(run: Run, select: Select) -> Hashable:
    encoder = run.config.get("encoder") or {}
    reads = {name: value for name, value in encoder.items() if name not in HOW_IT_LEARNS}
    budget = None if run.point is None else run.point["budget"]
    return run.router, fingerprint(reads) if select == "dev" else None, budget, run.repriced_from


def _chosen(candidates: list[Candidate]) -> list[Method]:
    """Return the method of some points, or one for each point where dev has nothing to say."""
    if len(candidates) == 1:
        return [Method(tuple(candidates))]
    figure = SCORE if candidates[0].runs[0].bounds.problem() is None else SCORE_WITHOUT_BOUNDS
    score, cost = (np.array([c.mean(f"{DEV}/{name}") for c in candidates]) for name in (figure, "cost"))
    if not np.isfinite(score).any():
        return [Method((candidate,)) for candidate in candidates]
    error = standard_error(candidates[int(np.nanargmax(score))], figure)
    place = one_standard_error(score, cost, error)
    assert place is not None
    return [Method(tuple(candidates), place, figure, error)]


def standard_error(candidate: Candidate, figure: str) -> float:
    """Return the standard error of a point's dev figure, averaged over seeds, from resampled split groups.

    0 where nothing can be resampled (one group per dataset): the best point is chosen then.
    """
    resampled = judge_seeds(candidate.runs, DEV, RESAMPLES, RESAMPLING_SEED).router.resampled[figure]
    return float(resampled.std(ddof=1)) if len(resampled) else 0.0


def selection_notes(methods: Mapping[str, Method]) -> list[str]:
    """Return what a reader must know about how the rows came about."""
    notes = []
    chosen = [method for method in methods.values() if method.figure is not None]
    if chosen:
        points = sum(len(method.candidates) for method in chosen)
        words = "Rank Score" if chosen[0].figure == SCORE else "accuracy"
        notes.append(
            f"each row was chosen on dev from its operating points ({points}, see points.csv):\n"
            f"  the cheapest within one standard error of the best dev {words}"
        )
    undecided = Counter(_method(method.chosen.runs[0], "dev") for method in methods.values() if _blind(method))
    if any(count > 1 for count in undecided.values()):
        notes.append("there are no dev figures to choose by, so every operating point is a row")
    return notes


def _blind(method: Method) -> bool:
    return method.figure is None and np.isnan(method.chosen.mean(f"{DEV}/accuracy"))
