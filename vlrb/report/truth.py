"""The generator's truth behind synthetic data: exact expectations. Report code alone reads it.

Realised accuracy on a few hundred samples moves by about .02 from luck. Where the probability of being right is known,
every decision has an exact expectation, and the best that any router could expect is known too.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from vlrb.metrics import bayes
from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.rank_score import rank_score
from vlrb.metrics.value import number
from vlrb.schema import SAMPLE_ID, TOKENS_PER_PRICE_UNIT
from vlrb.utils.errors import DataError

PROBABILITY = "p/"
OUTPUT_TOKENS = "output_tokens/"


class Truth(NamedTuple):
    """What is known of synthetic samples: p (n, m) = P(correct | content), cost (n, m) = E[cost | content] in USD."""

    p: np.ndarray
    cost: np.ndarray


class ObservedCosts(NamedTuple):
    """Costs as logged, to be put right by the expected answer length.

    Args:
        C: (n, m) cost in USD.
        tokens_out: (n, m) output tokens that C was made with.
        output_price: (m,) USD per million output tokens.
    """

    C: np.ndarray
    tokens_out: np.ndarray
    output_price: np.ndarray


def read_truth(path: Path, sample_ids: Sequence[str], model_ids: Sequence[str], observed: ObservedCosts) -> Truth:
    """Read the truth of given samples and models.

    E[cost] = C + (E[output tokens] − output tokens) · output price: the answer's length is the only random part.

    Args:
        path: `truth.parquet` of the generator.
        sample_ids: n ids, in the order wanted.
        model_ids: m ids, in the order wanted.
        observed: Logged costs in the same order.

    Raises:
        DataError: The file is missing or damaged, or knows nothing about a sample or model.
    """
    try:
        table = pd.read_parquet(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file", "build the synthetic data again") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable parquet file ({error})") from error
    wanted = [f"{kind}{model}" for kind in (PROBABILITY, OUTPUT_TOKENS) for model in model_ids]
    absent = [column for column in (SAMPLE_ID, *wanted) if column not in table.columns]
    if absent:
        raise DataError(f"{path}: no column {', '.join(absent[:3])}", "these logs are not of this generator")
    place = pd.Index(table[SAMPLE_ID]).get_indexer(pd.Index(sample_ids))
    if (place < 0).any():
        unknown = np.asarray(sample_ids)[place < 0]
        raise DataError(f"{path}: knows nothing about {len(unknown):,} samples, e.g. {unknown[0]}")
    values = table[wanted].to_numpy(np.float64)[place]
    p, tokens = values[:, : len(model_ids)], values[:, len(model_ids) :]
    price = np.asarray(observed.output_price, np.float64) / TOKENS_PER_PRICE_UNIT
    return Truth(p, np.asarray(observed.C, np.float64) + (tokens - observed.tokens_out) * price)


def expected_metrics(
    truth: Truth, decision: np.ndarray, best_single_column: int, bounds: CostBounds
) -> dict[str, float | str | None]:
    """Return exact expectations of a decision and what is attainable, without a split prefix.

    expected_{accuracy,cost,rank_score}                the router
    expected_best_single_{accuracy,cost,rank_score}    the model that was strongest on the training split
    bayes_accuracy, bayes_accuracy_{cost,rank_score}   the frontier's highest accuracy
    bayes_rank_score, bayes_rank_score_{accuracy,cost} the frontier's highest Rank Score
    frontier_distance                                  accuracy below the frontier at the router's own expected cost
    share_of_attainable_gain                           (expected − best single) / (Bayes − best single), in accuracy
    share_of_attainable_rank_score                     the same in Rank Score

    Args:
        truth: p and expected cost of the evaluated samples.
        decision: (n,) chosen columns.
        best_single_column: Column of the model that was strongest on the training split.
        bounds: The benchmark's cost bounds.
    """
    frontier = bayes.bayes_frontier(*truth)
    best = bayes.best_points(frontier, bounds)
    router = bayes.expected(*truth, decision)
    single = bayes.expected(*truth, np.full(len(decision), best_single_column))
    scores = [rank_score(point.accuracy, point.cost, bounds).value for point in (router, single)]
    highest = bayes.concave_accuracy(frontier, router.cost)
    shares = {
        "share_of_attainable_gain": bayes.share_of_attainable(router.accuracy, single.accuracy, best.accuracy.accuracy),
        "share_of_attainable_rank_score": bayes.share_of_attainable(scores[0], scores[1], best.best_rank_score),
    }
    out: dict[str, float | str | None] = {
        "expected_accuracy": router.accuracy,
        "expected_cost": router.cost,
        "expected_rank_score": scores[0],
        "expected_best_single_accuracy": single.accuracy,
        "expected_best_single_cost": single.cost,
        "expected_best_single_rank_score": scores[1],
        "bayes_accuracy": best.accuracy.accuracy,
        "bayes_accuracy_cost": best.accuracy.cost,
        "bayes_accuracy_rank_score": rank_score(best.accuracy.accuracy, best.accuracy.cost, bounds).value,
        "bayes_rank_score": best.best_rank_score,
        "bayes_rank_score_accuracy": best.rank_score and best.rank_score.accuracy,
        "bayes_rank_score_cost": best.rank_score and best.rank_score.cost,
        "frontier_distance": highest - router.accuracy,
    }
    for name, share in shares.items():
        out |= {name: share.value} if share.value is not None else {name: None, f"{name}_reason": share.reason}
    return out


def truth_landscape(truth: Truth, decisions: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the parts of a landscape that need the truth.

    `frontier` (points that repeat their predecessor are left out), `expected` (of given decisions by name) and
    `expected_models` (of every single model, in column order).
    """
    frontier = bayes.bayes_frontier(*truth)
    points = np.stack([frontier.accuracy, frontier.cost], axis=1)
    keep = np.append(True, (np.diff(points, axis=0) != 0).any(axis=1))
    expected = {name: bayes.expected(*truth, decision)._asdict() for name, decision in decisions.items()}
    return {
        "frontier": {name: [number(v) for v in values[keep]] for name, values in frontier._asdict().items()},
        "expected": expected,
        "expected_models": {"accuracy": truth.p.mean(axis=0).tolist(), "cost": truth.cost.mean(axis=0).tolist()},
    }
