"""Summary tables of a benchmark: accuracy and cost of each model, coverage."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.tables import positions
from vlrb.metrics.baselines import oracle_decision
from vlrb.metrics.outcomes import is_correct

ORACLE = "oracle"


def model_table(Y: np.ndarray, C: np.ndarray, cards: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Return accuracy, quality and mean cost of each model and, last, of the oracle.

    Means are over the `n` graded samples of the model (cost: over its samples with a known cost); `missing` counts the
    others, so figures of models with different `n` are not over the same samples. The oracle chooses the cheapest
    correct model, or the cheapest where none is correct; it is taken over samples that every model with any grade has.

    Args:
        Y: (N, M) quality, NaN = unknown.
        C: (N, M) USD per query, NaN = unknown.
        cards: M cards with `id` and `display_name`.

    >>> Y, C = np.array([[1.0, 0.0], [0.0, 0.8], [0.0, 0.0]]), np.array([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]])
    >>> table = model_table(Y, C, [{"id": "a", "display_name": "A"}, {"id": "b", "display_name": "B"}])
    >>> table["accuracy"].round(3).tolist(), table["mean_cost_usd"].tolist()  # oracle: 1/1 + 1/1 + 0; (1 + 5 + 3) / 3
    ([0.333, 0.333, 0.667], [2.0, 5.0, 3.0])
    """
    Y, C = np.asarray(Y, np.float64), np.asarray(C, np.float64)
    rows = [
        _row(str(card["id"]), str(card["display_name"]), Y[:, column], C[:, column])
        for column, card in enumerate(cards)
    ]
    graded = ~np.isnan(Y).all(axis=0)
    rows.append(_row(ORACLE, "Oracle", *_oracle(Y[:, graded], C[:, graded])))
    return pd.DataFrame(rows)


def _row(model_id: str, display_name: str, quality: np.ndarray, cost: np.ndarray) -> dict[str, object]:
    graded = quality[~np.isnan(quality)]
    return {
        "model_id": model_id,
        "display_name": display_name,
        "accuracy": _mean(is_correct(graded)),
        "quality": _mean(graded),
        "mean_cost_usd": _mean(cost[~np.isnan(cost)]),
        "n": len(graded),
        "missing": len(quality) - len(graded),
    }


def _oracle(Y: np.ndarray, C: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    quality, cost = np.full(len(Y), np.nan), np.full(len(Y), np.nan)
    if not Y.shape[1]:
        return quality, cost
    complete = ~np.isnan(Y).any(axis=1)
    price = C[complete]
    # A model of unknown cost may be chosen, but only where no other is right; the cost of such a row stays unknown.
    choice = oracle_decision(Y[complete], np.nan_to_num(price, nan=float(np.finfo(np.float64).max)))
    rows = np.arange(len(choice))
    quality[complete] = Y[complete][rows, choice]
    cost[complete] = np.where(np.isnan(price).any(axis=1), np.nan, price[rows, choice])
    return quality, cost


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def coverage_table(
    Y: np.ndarray, tokens_out: np.ndarray, records: pd.DataFrame, samples: pd.DataFrame, model_ids: Sequence[str]
) -> pd.DataFrame:
    """Return per dataset and model how many samples are graded and answered, and how many records carry each flag."""
    names, dataset = dataset_codes(samples)
    parts = {
        "samples": np.repeat(np.bincount(dataset, minlength=len(names))[:, None], len(model_ids), axis=1),
        "graded": sum_by(dataset, ~np.isnan(Y), len(names)),
        "answered": sum_by(dataset, ~np.isnan(tokens_out), len(names)),
    }
    cell = _dataset_model_cells(records, dataset, samples, model_ids)
    for word in schema.FLAG_WORDS:
        flagged = _has_flag(records[schema.FLAGS], word)
        counts = np.bincount(cell[flagged], minlength=len(names) * len(model_ids))
        parts[word] = counts.reshape(len(names), len(model_ids))
    frame = _long(names, model_ids)
    for key, matrix in parts.items():
        frame[key] = matrix.ravel().astype(np.int64)
    return frame


def dataset_codes(samples: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """Return the dataset names, sorted, and the code of each sample (N,) int64."""
    codes, names = pd.factorize(samples[schema.DATASET], sort=True)
    return [str(name) for name in names], codes.astype(np.int64)


def sum_by(code: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Return the column sums of `values` (N, M) per code, (count, M) float64."""
    member = np.zeros((count, len(code)))
    member[code, np.arange(len(code))] = 1.0
    total: np.ndarray = member @ np.asarray(values, np.float64)
    return total


def _long(names: Sequence[str], model_ids: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame({"dataset": np.repeat(names, len(model_ids)), "model_id": np.tile(model_ids, len(names))})


def _dataset_model_cells(
    records: pd.DataFrame, dataset: np.ndarray, samples: pd.DataFrame, model_ids: Sequence[str]
) -> np.ndarray:
    row = positions(records[schema.SAMPLE_ID], samples[schema.SAMPLE_ID].tolist())
    column = positions(records[schema.MODEL_ID], model_ids)
    cells: np.ndarray = dataset[row] * len(model_ids) + column
    return cells


def _has_flag(flags: pd.Series, word: str) -> np.ndarray:
    category = pd.Categorical(flags)
    carries = np.array([word in str(words).split(";") for words in category.categories] + [False], dtype=bool)
    flagged: np.ndarray = carries[category.codes]
    return flagged
