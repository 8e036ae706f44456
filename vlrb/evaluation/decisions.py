"""Decision tables: what a router chose on every sample, and what that and the alternatives brought.

Leaderboards, intervals and plots are made from these tables alone, so a run folder is enough to make them again.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from vlrb.metrics.baselines import oracle_decision
from vlrb.metrics.outcomes import Outcomes
from vlrb.schema import (
    COST,
    DATASET,
    DECISIONS_FILE,
    MODEL_ID,
    QUALITY,
    REFERENCES_FILE,
    SAMPLE_ID,
    SCORE_PREFIX,
    SPLIT,
    SPLIT_GROUP,
    TOKENS,
)
from vlrb.utils.errors import DataError, StateError
from vlrb.utils.files import atomic_path

ROUTER = "router"
CHOOSERS = ("oracle", "best_single")  # prefixes of the columns that hold the alternatives
DECISION_COLUMNS = (
    SAMPLE_ID,
    SPLIT,
    DATASET,
    SPLIT_GROUP,
    MODEL_ID,
    QUALITY,
    COST,
    TOKENS,
    *(f"{chooser}_{column}" for chooser in CHOOSERS for column in (MODEL_ID, QUALITY, COST)),
)
REFERENCE_COLUMNS = (ROUTER, SAMPLE_ID, SPLIT, MODEL_ID, QUALITY, COST)


def decision_rows(
    outcomes: Outcomes,
    sample_ids: np.ndarray,
    split: str,
    decision: np.ndarray,
    scores: np.ndarray,
    tokens_in: np.ndarray,
    best_single_column: int,
) -> pd.DataFrame:
    """Return the decision table of one split: DECISION_COLUMNS, then one `score/<model_id>` column per model.

    Args:
        outcomes: Outcomes of the split's samples.
        sample_ids: (n,) ids.
        split: Name of the split.
        decision: (n,) chosen columns.
        scores: (n, m) scores that led to the decision.
        tokens_in: (n, m) input tokens; the chosen model's are stored.
        best_single_column: Column of the model that was strongest on the training split.
    """
    n, m = outcomes.Y.shape
    if len(sample_ids) != n or np.shape(scores) != (n, m) or np.shape(tokens_in) != (n, m):
        raise DataError(f"decisions on {n} samples × {m} models: ids, scores or tokens have another shape")
    columns: dict[str, object] = {
        SAMPLE_ID: np.asarray(sample_ids, dtype=object),
        SPLIT: split,
        DATASET: np.array(outcomes.dataset_names, dtype=object)[outcomes.dataset],
        SPLIT_GROUP: outcomes.split_group,
    }
    columns |= _brought(outcomes, decision, "") | {TOKENS: np.asarray(tokens_in)[np.arange(n), decision]}
    columns |= _brought(outcomes, oracle_decision(outcomes.Y, outcomes.C) if n else decision, "oracle_")
    columns |= _brought(outcomes, np.full(n, best_single_column), "best_single_")
    columns |= {f"{SCORE_PREFIX}{model}": np.asarray(scores)[:, j] for j, model in enumerate(outcomes.model_ids)}
    return pd.DataFrame(columns, index=range(n))


def reference_rows(
    outcomes: Outcomes, sample_ids: np.ndarray, split: str, name: str, decision: np.ndarray
) -> pd.DataFrame:
    """Return the decisions of one reference router on one split, REFERENCE_COLUMNS (long format)."""
    head: dict[str, object] = {ROUTER: name, SAMPLE_ID: np.asarray(sample_ids, dtype=object), SPLIT: split}
    return pd.DataFrame(head | _brought(outcomes, decision, ""), index=range(len(outcomes)))


def _brought(outcomes: Outcomes, decision: np.ndarray, prefix: str) -> dict[str, object]:
    chosen = outcomes.chosen(decision)
    return {
        f"{prefix}{MODEL_ID}": np.array(outcomes.model_ids, dtype=object)[np.asarray(decision, dtype=np.int64)],
        f"{prefix}{QUALITY}": chosen.quality,
        f"{prefix}{COST}": chosen.cost,
    }


def write_decisions(folder: Path, tables: Iterable[pd.DataFrame]) -> Path:
    """Write `decisions.parquet` of a run from the tables of its splits."""
    return _write(Path(folder) / DECISIONS_FILE, tables)


def write_references(folder: Path, tables: Iterable[pd.DataFrame]) -> Path:
    """Write `references.parquet` of a run from the tables of its references and splits."""
    return _write(Path(folder) / REFERENCES_FILE, tables)


def _write(path: Path, tables: Iterable[pd.DataFrame]) -> Path:
    frame = pd.concat(list(tables), ignore_index=True)
    with atomic_path(path) as temporary:
        frame.to_parquet(temporary, index=False)
    return path


def read_decisions(folder: Path) -> pd.DataFrame:
    """Read the decisions of a run.

    Raises:
        StateError: The file is missing, damaged or has other columns.
    """
    return _read(Path(folder) / DECISIONS_FILE, DECISION_COLUMNS)


def read_outcomes(folder: Path) -> pd.DataFrame:
    """Read the decisions of a run without the scores: what was chosen and what it and the alternatives brought.

    Raises:
        StateError: The file is missing, damaged or has other columns.
    """
    return _read(Path(folder) / DECISIONS_FILE, DECISION_COLUMNS, lambda name: not name.startswith(SCORE_PREFIX))


def read_reference_names(folder: Path) -> list[str]:
    """Read the names of a run's reference routers, in the order of the file.

    Raises:
        StateError: The file is missing, damaged or has other columns.
    """
    table = _read(Path(folder) / REFERENCES_FILE, (ROUTER,), lambda name: name == ROUTER)
    return [str(name) for name in table[ROUTER].unique()]


def read_references(folder: Path) -> pd.DataFrame:
    """Read the decisions of a run's reference routers.

    Raises:
        StateError: The file is missing, damaged or has other columns.
    """
    return _read(Path(folder) / REFERENCES_FILE, REFERENCE_COLUMNS)


def _read(path: Path, needed: tuple[str, ...], wanted: Callable[[str], bool] | None = None) -> pd.DataFrame:
    """Read a table that has the needed columns; with `wanted`, only those of its columns that it accepts."""
    hint = "train this run again with overwrite=true"
    try:
        frame = _columns(path, wanted)
    except FileNotFoundError as error:
        raise StateError(f"{path}: no such file", hint) from error
    except (OSError, ValueError) as error:  # pyarrow raises subclasses of both for damaged files
        raise StateError(f"{path}: not a readable parquet file ({error})", hint) from error
    absent = [column for column in needed if column not in frame.columns]
    if absent:
        raise StateError(f"{path}: no column {', '.join(absent)}", hint)
    return frame


def _columns(path: Path, wanted: Callable[[str], bool] | None) -> pd.DataFrame:
    """Read a parquet file, or those of its columns that are wanted."""
    if wanted is None:
        return pd.read_parquet(path)
    import pyarrow.parquet as pq

    return pd.read_parquet(path, columns=[name for name in pq.read_schema(path).names if wanted(name)])
