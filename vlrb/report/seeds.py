"""Several training seeds of one configuration: means of their figures, with intervals from common resamples."""

import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from vlrb.evaluation.judge import Judgement, difference, gap_figure, judge
from vlrb.evaluation.runs import Run
from vlrb.evaluation.seeds import across_seeds
from vlrb.metrics.seeds import spread
from vlrb.metrics.value import Value
from vlrb.report.frames import Evaluated, evaluated
from vlrb.schema import SAMPLE_ID
from vlrb.utils.errors import StateError

SPREAD = ("accuracy", "cost", "rank_score")  # figures whose standard deviation over seeds is shown


class SeedJudgement(NamedTuple):
    """The mean over seeds of a router's figures, and what they are measured against, all from the same resamples."""

    router: Judgement
    best_single: Judgement
    oracle: Judgement


def aligned(runs: Sequence[Run], split: str) -> list[Evaluated]:
    """Return the decisions of runs on one split, all in the sample order of the first.

    Raises:
        StateError: Two runs decided on different samples.
    """
    tables = [evaluated(run, split) for run in runs]
    ids = tables[0].table[SAMPLE_ID].to_numpy()
    for run, found in zip(runs, tables, strict=True):
        if not np.array_equal(found.table[SAMPLE_ID].to_numpy(), ids):
            raise StateError(f"{runs[0].folder} and {run.folder} decided on different {split} samples")
    return tables


def judge_seeds(runs: Sequence[Run], split: str, resamples: int, seed: int) -> SeedJudgement:
    """Judge the seeds of one configuration on the same resamples.

    The mean is taken within each resample, so an interval is that of the mean over these seeds; with five or more they
    are drawn too, and it is that of the mean over seeds that were not trained (`across_seeds`).

    Args:
        runs: One run per seed.
        split: The split.
        resamples: Bootstrap resamples; 0 gives no intervals.
        seed: Seed of the resamples.
    """
    tables = aligned(runs, split)
    choosers = {f"seed {place}": table.chooser() for place, table in enumerate(tables)}
    choosers |= {name: tables[0].chooser(f"{name}_") for name in ("best_single", "oracle")}
    judged = judge(choosers, tables[0].units, runs[0].bounds, seed, resamples)
    mean = across_seeds([judged[f"seed {place}"] for place in range(len(runs))], zlib.crc32(runs[0].router.encode()))
    return SeedJudgement(mean, judged["best_single"], judged["oracle"])


def seed_metrics(runs: Sequence[Run], split: str, resamples: int | None) -> dict[str, Any]:
    """Return the metrics of one split, without its prefix: those of the run, or their means over several seeds.

    With several seeds, `<figure>_sd` is the standard deviation over seeds (n − 1) of accuracy, cost and Rank Score, and
    `<figure>_low`, `_high` are those of the mean.

    Args:
        runs: One run per seed.
        split: The split.
        resamples: Bootstrap resamples behind the intervals of several seeds; None leaves them out.

    Raises:
        StateError: A run has no figures for the split.
    """
    found = [_of_split(run, split) for run in runs]
    if len(runs) == 1:
        return found[0]
    names = dict.fromkeys(name for metrics in found for name in metrics)
    metrics: dict[str, Any] = {name: _mean_of([m.get(name) for m in found]) for name in names}
    metrics |= dict.fromkeys(name for name in names if name.endswith(("_low", "_high")))
    metrics |= {f"{name}_sd": _deviation([m.get(name) for m in found]) for name in SPREAD}
    if resamples is None:
        return metrics
    router, best, oracle = judge_seeds(runs, split, resamples, runs[0].seed)
    gains = [difference(f"{name}_gain", name, router, best) for name in ("accuracy", "rank_score")]
    return metrics | router.flat() | gap_figure(router, best, oracle) | gains[0] | gains[1]


def _of_split(run: Run, split: str) -> dict[str, Any]:
    metrics = {key.removeprefix(f"{split}/"): v for key, v in run.metrics.items() if key.startswith(f"{split}/")}
    if not metrics.get("n"):
        raise StateError(f"{run.folder}: metrics.json has no figures for split {split!r}")
    return metrics


def _mean_of(values: Sequence[Any]) -> Any:  # noqa: ANN401 - a JSON number, text or null
    """Return the mean of numbers, None if one is missing; of texts (reasons) the first."""
    texts = [value for value in values if isinstance(value, str)]
    if texts:
        return texts[0]
    return None if None in values else float(np.mean(values))


def _deviation(values: Sequence[Any]) -> float | None:
    return spread([Value(value) for value in values]).sd
