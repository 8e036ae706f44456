"""Quality and cost as matrices in the order of the samples and models, whatever order the files have."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from vlrb.sources.base import Note
from vlrb.sources.outcomes.files import read_outcomes
from vlrb.sources.outcomes.values import coded, keys, numbers
from vlrb.sources.reference.files import first_list, load_matrix
from vlrb.utils.errors import DataError

SCORES = "ORACLE/score"
Y_FILE = "data/matrices/Y.npz"
C_FILE = "data/matrices/C.npy"
NO_NAMES = (
    "data/registry/model_index.pkl is a pickle and is never opened: give the names in column order with "
    "dataset.source.models=[…], or one a line in data/registry/models.txt"
)


class Scores(NamedTuple):
    """Rows of ORACLE/score: where each came from, for messages, and what it says.

    Args:
        where: (R,) file of each row.
        sample: (R,) sample ids.
        model: (R,) model ids.
        quality: (R,) float64.
    """

    where: list[str]
    sample: np.ndarray
    model: np.ndarray
    quality: np.ndarray


def read_scores(root: Path) -> Scores | None:
    """Return all rows of ORACLE/score/*.parquet, None if there are none.

    Raises:
        DataError: A file is damaged, lacks a column, or a cell is empty or no number.
    """
    files = sorted((root / SCORES).glob("*.parquet"))
    parts = []
    for path in files:
        table = read_outcomes(path, path.relative_to(root).as_posix())
        title = next((name for name in ("quality", "quality_raw") if name in table.columns), None)
        for name in ("sample_id", "model_id"):
            if name not in table.columns:
                raise DataError(f"{table.name}: no column {name!r}", f"there are: {', '.join(table.columns)}")
        if title is None:
            raise DataError(f"{table.name}: no column 'quality'", f"there are: {', '.join(table.columns)}")
        sample, samples = coded(keys(table, "sample_id", "sample"))
        model, models = coded(keys(table, "model_id", "model"))
        named = np.array(samples, object)[sample], np.array(models, object)[model]
        parts.append(([table.name] * table.length, *named, numbers(table, title)))
    if not parts:
        return None
    where = [name for part in parts for name in part[0]]
    return Scores(where, *(np.concatenate([part[k] for part in parts]) for k in (1, 2, 3)))


def score_matrix(
    scores: Scores, sample_ids: Sequence[str], datasets: Sequence[str], models: Sequence[str], most: Mapping[str, float]
) -> np.ndarray:
    """Return quality (N, M) float64, NaN = no score.

    Args:
        scores: Rows of ORACLE/score.
        sample_ids: N ids.
        datasets: N names.
        models: M ids.
        most: Dataset → the score that means perfectly right (1 where it is not listed).

    Raises:
        DataError: A score is of an unknown sample, repeats, or is outside 0 … 1.
    """
    row = pd.Index(sample_ids).get_indexer(pd.Index(scores.sample))
    if (row < 0).any():
        at = int(np.argmax(row < 0))
        raise DataError(
            f"{scores.where[at]}: sample {scores.sample[at]} is not in BENCHMARKS ({int((row < 0).sum()):,} such rows)"
        )
    column = pd.Index(models).get_indexer(pd.Index(scores.model))
    kept = np.flatnonzero(column >= 0)
    cell = (row * len(models) + column)[kept]
    again = pd.Series(cell).duplicated().to_numpy()
    if again.any():
        at = int(kept[int(np.argmax(again))])
        raise DataError(f"{scores.where[at]}: a second score of model {scores.model[at]} on sample {scores.sample[at]}")
    scale = np.array([most.get(name, 1.0) for name in datasets])
    quality = scores.quality / scale[row]
    wrong = (quality < 0) | (quality > 1)
    if wrong.any():
        at = int(np.argmax(wrong))
        name = datasets[row[at]]
        raise DataError(
            f"{scores.where[at]}: quality {scores.quality[at]:g} of model {scores.model[at]} on sample "
            f"{scores.sample[at]} is outside 0 … {scale[row[at]]:g}",
            f"if its scores go to 100: 'dataset.source.quality_max={{{name}: 100}}'",
        )
    matrix = np.full(len(sample_ids) * len(models), np.nan)
    matrix[cell] = quality[kept]
    return matrix.reshape(len(sample_ids), len(models))


def registry_models(root: Path) -> list[str] | None:
    """Return the models that data/registry names, in column order, None if it does not."""
    names = first_list(root / "data" / "registry", root, "models")
    if names is not None and len(set(names)) < len(names):
        raise DataError("data/registry/models: a model is listed twice")
    return names


def outcome_matrix(root: Path, meta: pd.DataFrame | None, models: Sequence[str] | None) -> np.ndarray | None:
    """Return Y.npz, rows as in meta.parquet and columns as in `models`; None if there is none.

    Raises:
        DataError: Rows or columns are not named, or not as many as there are names.
    """
    if not (root / Y_FILE).is_file():
        return None
    Y = load_matrix(root / Y_FILE, Y_FILE)
    if meta is None:
        raise DataError(f"{Y_FILE}: no data/registry/meta.parquet says which samples its {len(Y):,} rows are")
    if models is None:
        raise DataError(f"{Y_FILE}: nothing says which models its {Y.shape[1]} columns are", NO_NAMES)
    if Y.shape != (len(meta), len(models)):
        raise DataError(
            f"{Y_FILE} has shape {Y.shape}, but meta.parquet × models is {(len(meta), len(models))}",
            "they were not written together: build the matrices again",
        )
    return Y


def aligned(matrix: np.ndarray, rows: Sequence[str], sample_ids: Sequence[str]) -> np.ndarray:
    """Return the rows of a matrix in the order of `sample_ids`, NaN for samples it does not have."""
    place = pd.Index(rows).get_indexer(pd.Index(sample_ids))
    found: np.ndarray = np.where((place >= 0)[:, None], matrix[place], np.nan)
    return found


def cost_matrix(
    root: Path, meta: pd.DataFrame | None, sample_ids: Sequence[str], models: Sequence[str], notes: list[Note]
) -> np.ndarray | None:
    """Return C.npy (N, M), rows and columns in the order given, NaN = unknown; None if there is none.

    The file has an order of its own: its rows are `sample_ids` beside it or in the registry, else the sorted ids of
    meta.parquet; its columns `model_names` beside it, else the registry's models, else the models sorted. A zero is
    how the reference writes a missing cost.

    Raises:
        DataError: Rows or columns are not as many as there are names.
    """
    if not (root / C_FILE).is_file():
        return None
    C = load_matrix(root / C_FILE, C_FILE)
    folder = root / "data" / "matrices"
    known = sorted(meta["sample_id"]) if meta is not None else sorted(sample_ids)
    rows = first_list(folder, root, "sample_ids") or first_list(root / "data" / "registry", root, "sample_ids") or known
    columns = first_list(folder, root, "model_names") or registry_models(root) or sorted(models)
    if C.shape != (len(rows), len(columns)):
        raise DataError(
            f"{C_FILE} has shape {C.shape}, but samples × models is {(len(rows), len(columns))}",
            "say which rows and columns it has, one id a line in data/matrices/sample_ids.txt and model_names.txt "
            "(the pickles beside it are never opened)",
        )
    free = C == 0
    if free.any():
        what = "costs of 0, which is how the reference writes a missing one: taken as unknown"
        notes.append(Note("zero_costs", C_FILE, what, int(free.sum())))
    C = aligned(np.where(free, np.nan, C), rows, sample_ids)
    strangers = sorted(set(columns) - set(models))
    if strangers:
        notes.append(Note("unknown_models", C_FILE, f"columns without scores: {', '.join(strangers)}", len(strangers)))
    return aligned(C.T, columns, models).T
