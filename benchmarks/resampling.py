"""Resampling at full size: intervals, ranks and paired tests of many routers, against a plain loop.

    python benchmarks/resampling.py [--routers 20] [--samples 6108] [--groups 3500] [--resamples 10000]

The plain loop draws groups and averages the samples that they bring, resample by resample; it is timed on a few and
scaled up. One thread by default (OMP_NUM_THREADS); peak memory is that of the whole process.
"""

import argparse
import resource
import sys
import time
from typing import NamedTuple

import numpy as np

from vlrb.evaluation.contest import Contender, contest
from vlrb.evaluation.judge import Units, judge
from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.outcomes import Chosen
from vlrb.metrics.rank_score import rank_scores

GOAL_S = 3.0
LOOPS = 20
BOUNDS = CostBounds(1e-5, 2e-3, "random")


class World(NamedTuple):
    """Routers with outcomes on grouped samples of 14 datasets."""

    contenders: dict[str, Contender]
    units: Units


def make_world(routers: int, samples: int, groups: int) -> World:
    rng = np.random.default_rng(0)
    group = np.concatenate([np.arange(groups), rng.integers(0, groups, samples - groups)])
    shared = rng.standard_normal(groups)[group] + rng.standard_normal(samples)
    found = {}
    for place in range(routers):
        right = shared + rng.standard_normal(samples) < 1.0 - 0.02 * place
        chosen = Chosen(right.astype(np.float64), rng.lognormal(-9, 1, samples))
        found[f"router {place}"] = Contender((chosen,))
    return World(found, Units(group, rng.integers(0, 14, groups)[group]))


def plain_loop(world: World, resamples: int) -> float:
    """Seconds that the obvious code takes."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(world.units.split_group == g) for g in np.unique(world.units.split_group)]
    dataset = np.array([world.units.dataset[rows[0]] for rows in members])
    strata = [np.flatnonzero(dataset == code) for code in np.unique(dataset)]
    started = time.perf_counter()
    for _ in range(resamples):
        drawn = np.concatenate([rng.choice(own, len(own)) for own in strata])
        rows = np.concatenate([members[g] for g in drawn])
        for contender in world.contenders.values():
            quality, cost = (values[rows].mean() for values in contender.seeds[0])
            rank_scores(quality, cost, BOUNDS.cmin or 0, BOUNDS.cmax or 0)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description="seconds of intervals, ranks and tests of many routers")
    parser.add_argument("--routers", type=int, default=20)
    parser.add_argument("--samples", type=int, default=6_108)
    parser.add_argument("--groups", type=int, default=3_500)
    parser.add_argument("--resamples", type=int, default=10_000)
    options = parser.parse_args()
    world = make_world(options.routers, options.samples, options.groups)
    started = time.perf_counter()
    choosers = {name: contender.seeds[0] for name, contender in world.contenders.items()}
    judged = judge(choosers, world.units, BOUNDS, 0, options.resamples)
    intervals = [judgement.flat() for judgement in judged.values()]
    first = time.perf_counter() - started
    started = time.perf_counter()
    top = max(judged, key=lambda name: judged[name].values["rank_score"].value or 0)
    found = contest(world.contenders, top, world.units, BOUNDS, options.resamples)
    second = time.perf_counter() - started
    loop = plain_loop(world, LOOPS) * options.resamples / LOOPS
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform != "darwin" else 2**30)
    best = sum(bool(s.may_be_best) for s in found.standings.values()) if found else 0
    size = f"{options.routers} routers × {options.samples:,} samples in {options.groups:,} groups"
    print(f"{options.resamples:,} resamples × {size}; peak {peak:.2f} GiB")
    print(f"intervals of {len(intervals)} routers: {first:.2f} s (goal {GOAL_S}: {verdict(first)})")
    print(f"those again, ranks, sign flips, power: {second:.2f} s ({verdict(second)}); {best} may be the best")
    print(f"plain loop: {loop:.0f} s (scaled up from {LOOPS} resamples), {loop / first:.0f} times the intervals")


def verdict(seconds: float) -> str:
    return "met" if seconds <= GOAL_S else "MISSED"


if __name__ == "__main__":
    main()
