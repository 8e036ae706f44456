"""The headline metrics of one router on one split."""

import numpy as np

from vlrb.evaluation.judge import Flat, Units, difference, gap_figure, judge
from vlrb.metrics.baselines import best_single, oracle_decision
from vlrb.metrics.bootstrap import RESAMPLES
from vlrb.metrics.outcomes import Outcomes

SHORT = ("accuracy", "cost", "rank_score")


def headline_metrics(
    outcomes: Outcomes, decision: np.ndarray, best_single_column: int, seed: int = 0, resamples: int = RESAMPLES
) -> Flat:
    """Return the headline metrics of a decision, without a split prefix.

    Each figure `f` comes with `f_low` and `f_high`, a 95 % bootstrap interval clustered by split group within dataset;
    the cost bounds and all choices (also that of the best single model) stay fixed in the resamples. An undefined
    figure is None and `f_reason` says why.

    accuracy, quality, cost, rank_score, gap_closed   the router
    accuracy_gain, rank_score_gain                    router − best single, paired
    best_single_{accuracy,cost,rank_score}            the model that was strongest on the training split
    best_single_hindsight_accuracy                    the model that is strongest on the evaluated set, a bound
    oracle_{accuracy,cost,rank_score}                 the cheapest correct model of each sample, a bound
    n, groups                                         samples and split groups

    Args:
        outcomes: Outcomes of the evaluated set.
        decision: (n,) chosen columns.
        best_single_column: Column of the model that was strongest on the training split.
        seed: Seed of the resamples.
        resamples: How many; 0 gives no intervals.
    """
    choosers = {"router": outcomes.chosen(decision), "best_single": outcomes.single(best_single_column)}
    if len(outcomes):
        choosers["oracle"] = outcomes.chosen(oracle_decision(outcomes.Y, outcomes.C))
        choosers["hindsight"] = outcomes.single(best_single(outcomes.Y, outcomes.C))
    else:
        choosers["oracle"] = choosers["hindsight"] = choosers["best_single"]
    units = Units(outcomes.split_group, outcomes.dataset)
    judged = judge(choosers, units, outcomes.bounds, seed, resamples)
    router, best, oracle = judged["router"], judged["best_single"], judged["oracle"]
    return {
        **router.flat(),
        **gap_figure(router, best, oracle),
        **difference("accuracy_gain", "accuracy", router, best),
        **difference("rank_score_gain", "rank_score", router, best),
        **best.flat(SHORT, "best_single_"),
        **judged["hindsight"].flat(("accuracy",), "best_single_hindsight_"),
        **oracle.flat(SHORT, "oracle_"),
        "n": len(outcomes),
        "groups": len(np.unique(outcomes.split_group)),
    }
