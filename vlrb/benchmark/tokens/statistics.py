"""Token statistics: input and output tokens per dataset and model, and over all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vlrb.benchmark.summaries import dataset_codes
from vlrb.benchmark.tokens.counter import BY_MODEL, PUBLISHED, Counting

ALL = "all"  # names the rows over all datasets and over all models


@dataclass(frozen=True)
class TokenArrays:
    """What token statistics are made from.

    Attributes:
        tokens_in: (N, M) input tokens, NaN = a picture of unknown size whose model's rule needs it.
        tokens_out: (N, M) output tokens, NaN = no answer in the logs.
        text: (N,) tokens of the prompts.
        samples: sample_id and dataset of the N rows.
        model_ids: M ids.
        counting: How inputs are totalled over models: `by_model` one input per sample and model, `published` one per
            sample (the inputs of all models are equal then).
    """

    tokens_in: np.ndarray
    tokens_out: np.ndarray
    text: np.ndarray
    samples: pd.DataFrame
    model_ids: Sequence[str]
    counting: Counting = BY_MODEL


def token_table(arrays: TokenArrays) -> pd.DataFrame:
    """Return one row per dataset and model, with rows `all` for all models and for all datasets.

    Columns: `dataset`, `model_id`, `n` (samples); `input_count` inputs that can be counted and `input_missing` that
    cannot, `text_mean`, `picture_mean`, `input_mean` = their sum, `input_total`; `output_count` answers,
    `output_missing` cells without one, and mean, median, 95 % quantile, maximum and total of the answers. Inputs are
    those of asking every model on every sample, whether or not its answer is in the logs. Nothing missing counts as 0:
    it is left out.

    >>> samples = pd.DataFrame({"sample_id": ["s", "t"], "dataset": ["A", "A"]})
    >>> tokens_in = np.array([[266.0, 266.0], [276.0, 276.0]])  # 10 and 20 tokens of text, one picture each
    >>> tokens_out = np.array([[1.0, 3.0], [5.0, np.nan]])
    >>> for counting in ("by_model", "published"):
    ...     arrays = TokenArrays(tokens_in, tokens_out, np.array([10, 20]), samples, ["a", "b"], counting)
    ...     print(*token_table(arrays).iloc[-1][["input_count", "input_total", "output_total"]])
    4 1084.0 9.0
    2 542.0 9.0
    """
    names, code = dataset_codes(arrays.samples)
    everywhere = np.arange(len(code))
    blocks = [(name, np.flatnonzero(code == number)) for number, name in enumerate(names)] + [(ALL, everywhere)]
    return pd.DataFrame([row for name, rows in blocks for row in _block(arrays, name, rows)])


def _block(arrays: TokenArrays, dataset: str, rows: np.ndarray) -> list[dict[str, object]]:
    tokens_in = np.asarray(arrays.tokens_in[rows], np.float64)
    tokens_out = np.asarray(arrays.tokens_out[rows], np.float64)
    text = np.broadcast_to(np.asarray(arrays.text, np.float64)[rows, None], tokens_in.shape)
    every = slice(0, tokens_in.shape[1])
    inputs_of_all = slice(0, 1) if arrays.counting == PUBLISHED else every
    columns = [(model_id, slice(m, m + 1), slice(m, m + 1)) for m, model_id in enumerate(arrays.model_ids)]
    return [
        {
            "dataset": dataset,
            "model_id": model_id,
            "n": len(rows),
            **_inputs(tokens_in[:, inputs], text[:, inputs]),
            **_outputs(tokens_out[:, outputs]),
        }
        for model_id, inputs, outputs in [*columns, (ALL, inputs_of_all, every)]
    ]


def _inputs(tokens: np.ndarray, text: np.ndarray) -> dict[str, object]:
    known = ~np.isnan(tokens)
    mean, text_mean = _mean(tokens[known]), _mean(text[known])
    return {
        "input_count": int(known.sum()),
        "input_missing": int((~known).sum()),
        "text_mean": text_mean,
        "picture_mean": mean - text_mean,
        "input_mean": mean,
        "input_total": float(tokens[known].sum()),
    }


def _outputs(tokens: np.ndarray) -> dict[str, object]:
    known = tokens[~np.isnan(tokens)]
    median, p95, most = np.quantile(known, (0.5, 0.95, 1.0)) if len(known) else (np.nan,) * 3
    return {
        "output_count": len(known),
        "output_missing": tokens.size - len(known),
        "output_mean": _mean(known),
        "output_median": float(median),
        "output_p95": float(p95),
        "output_max": float(most),
        "output_total": float(known.sum()),
    }


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")
