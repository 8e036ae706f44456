"""Whom a router would have chosen had its choice not been there: what leaving one model out comes down to."""

import numpy as np
import pandas as pd

from vlrb.metrics.outcomes import Outcomes
from vlrb.schema import COST, MODEL_ID, QUALITY, SCORE_PREFIX

RUNNER_UP = "runner_up"
RUNNER_UP_COLUMNS = tuple(f"{RUNNER_UP}_{column}" for column in (MODEL_ID, QUALITY, COST))


def runner_up(scores: np.ndarray, decision: np.ndarray, mean_cost: np.ndarray) -> np.ndarray:
    """Return the column with the highest score but for the chosen one, (n,) int64; ties as in every decision.

    Args:
        scores: (n, m) scores, higher = choose, m ≥ 2.
        decision: (n,) chosen columns.
        mean_cost: (m,) mean training cost: the cheaper of equal scores is taken, then the lower column.

    >>> runner_up(np.array([[0.9, 0.5, 0.5]]), np.array([0]), np.array([1.0, 3.0, 2.0]))  # .5 twice, 2 is cheaper
    array([2])
    """
    order = np.lexsort((np.arange(scores.shape[1]), np.nan_to_num(np.asarray(mean_cost, np.float64), nan=np.inf)))
    others = np.array(scores, np.float64, copy=True)
    # Scores may be −inf themselves, so the chosen column is told apart by another key, not by a value.
    chosen = np.arange(scores.shape[1]) == np.asarray(decision)[:, None]
    rank = np.lexsort((-others[:, order], chosen[:, order]), axis=1)[:, 0]
    return np.asarray(order[rank], dtype=np.int64)


def with_runner_up(table: pd.DataFrame, outcomes: Outcomes, columns: np.ndarray) -> pd.DataFrame:
    """Return a decision table with RUNNER_UP_COLUMNS after the other choosers' columns.

    Args:
        table: What `decision_rows` returned, n rows.
        outcomes: Outcomes of the same samples.
        columns: (n,) what `runner_up` returned.
    """
    brought = outcomes.chosen(columns)
    ids = np.array(outcomes.model_ids, dtype=object)[columns]
    values = dict(zip(RUNNER_UP_COLUMNS, (ids, brought.quality, brought.cost), strict=True))
    scores = [name for name in table.columns if name.startswith(SCORE_PREFIX)]
    return table.assign(**values)[[*table.columns.drop(scores), *RUNNER_UP_COLUMNS, *scores]]
