"""The samples of an outcomes table: ids, texts and pictures, once per sample whatever the number of rows."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from vlrb import schema
from vlrb.sources.base import Note
from vlrb.sources.outcomes.columns import Roles
from vlrb.sources.outcomes.files import OutcomesTable
from vlrb.sources.outcomes.pictures import picture_lists
from vlrb.sources.outcomes.values import coded, keys, texts
from vlrb.sources.vlmevalkit.cells import natural_key
from vlrb.sources.vlmevalkit.datasets import dataset_spec
from vlrb.utils.errors import DataError

# Texts that may differ between the rows of one sample: the first is kept. Differences in other columns are errors.
MAY_DIFFER = ("prompt", "question")


class SampleKeys(NamedTuple):
    """Which sample each row is about.

    Args:
        code: (rows,) int64 into `ids`.
        ids: Ids, `<dataset>/<index>`.
        datasets: Dataset of each.
        first: Row where each first appears.
    """

    code: np.ndarray
    ids: list[str]
    datasets: list[str]
    first: np.ndarray


def sample_keys(table: OutcomesTable, roles: Roles, dataset: str) -> SampleKeys:
    """Return the samples of a table, datasets sorted, natural order of the index within a dataset.

    An id that already begins with its dataset's name and "/" is kept if all ids of the table do; otherwise the name
    is put before every id. Rows of a table without a sample column are numbered from 0.
    """
    if "dataset" in roles:
        dataset_code, datasets = coded(keys(table, roles["dataset"], "dataset"))
    else:
        dataset_code, datasets = np.zeros(table.length, np.int64), [dataset]
    if "sample" in roles:
        index_code, indices = coded(keys(table, roles["sample"], "sample"))
    else:
        index_code, indices = np.arange(table.length), [str(row) for row in range(table.length)]
    pair, first, code = np.unique(dataset_code * len(indices) + index_code, return_index=True, return_inverse=True)
    names = [datasets[p // len(indices)] for p in pair.tolist()]
    own = [indices[p % len(indices)] for p in pair.tolist()]
    if all(index.startswith(f"{name}/") for name, index in zip(names, own, strict=True)):
        own = [index[len(name) + 1 :] for name, index in zip(names, own, strict=True)]
    order = sorted(range(len(pair)), key=lambda k: (names[k], natural_key(own[k])))
    place = np.empty(len(pair), np.int64)
    place[order] = np.arange(len(pair))
    ids = [f"{names[k]}/{own[k]}" for k in order]
    return SampleKeys(place[code.reshape(-1)], ids, [names[k] for k in order], first[order])


def sample_frame(
    table: OutcomesTable, roles: Roles, found: SampleKeys, root: Path, unreadable: str, notes: list[Note]
) -> pd.DataFrame:
    """Return the samples, columns `schema.SAMPLE_COLUMNS` and, where the table has one, the given split.

    Raises:
        DataError: Rows of one sample disagree, or a picture cannot be used.
    """
    specs = {name: dataset_spec(name) for name in set(found.datasets)}
    prompt = _text(table, roles, "prompt", found, notes)
    if prompt is None:
        notes.append(Note("no_prompts", table.name, "no prompt column: the prompts of all samples are empty"))
    question = _text(table, roles, "question", found, notes) if "question" in roles else prompt
    empty = [""] * len(found.ids)
    frame = pd.DataFrame(
        {
            schema.SAMPLE_ID: found.ids,
            schema.DATASET: found.datasets,
            schema.GROUP: _text(table, roles, "group", found, notes, [specs[name].group for name in found.datasets]),
            schema.TASK: _text(table, roles, "task", found, notes, [specs[name].task for name in found.datasets]),
            schema.QUESTION: question or empty,
            schema.PROMPT: prompt or empty,
            schema.SUFFIX: "",
            schema.IMAGES: pd.Series(_pictures(table, roles, found, root, unreadable, notes), dtype=object),
            schema.SPLIT_KEY: _text(table, roles, "split_key", found, notes) or empty,
        }
    )
    given = _text(table, roles, "split", found, notes)
    return frame if given is None else frame.assign(**{schema.GIVEN_SPLIT: given})


def _text(
    table: OutcomesTable,
    roles: Roles,
    role: str,
    found: SampleKeys,
    notes: list[Note],
    default: list[str] | None = None,
) -> list[str] | None:
    """Return the text of each sample ("" or the default where it has none); None without column and default."""
    if role not in roles:
        return default
    code, names = coded(texts(table, roles[role]))
    value = _one_per_sample(table, roles[role], role, code, found, notes)
    missing = default or [""] * len(value)
    return [names[v] if v >= 0 else missing[k] for k, v in enumerate(value.tolist())]


def _one_per_sample(
    table: OutcomesTable, title: str, role: str, code: np.ndarray, found: SampleKeys, notes: list[Note]
) -> np.ndarray:
    """Return the first known code of each sample, -1 where there is none; say or refuse where rows disagree."""
    known = np.flatnonzero(code >= 0)
    value = np.full(len(found.ids), -1, np.int64)
    value[found.code[known][::-1]] = code[known][::-1]  # written last wins: the first row of each sample
    other = known[code[known] != value[found.code[known]]]
    if len(other):
        row = int(other[0])
        if role not in MAY_DIFFER:
            raise DataError(
                f"{table.row(row)}: {title} of sample {found.ids[found.code[row]]} is not the one of its other rows"
            )
        count = len(np.unique(found.code[other]))
        message = f"samples whose rows differ in {title}: the first is kept"
        notes.append(Note("differing_rows", table.name, message, count))
    return value


def _pictures(
    table: OutcomesTable, roles: Roles, found: SampleKeys, root: Path, unreadable: str, notes: list[Note]
) -> list[list[dict[str, object]]]:
    if "images" not in roles:
        notes.append(Note("no_pictures", table.name, "no picture column: samples have no picture", len(found.ids)))
        return [[] for _ in found.ids]
    column = table.columns[roles["images"]]
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        cells: list[object] = column.take(pa.array(found.first)).to_pylist()
    else:
        code, names = coded(texts(table, roles["images"]))
        value = _one_per_sample(table, roles["images"], "images", code, found, notes)
        cells = [names[v] if v >= 0 else None for v in value.tolist()]
    return picture_lists(cells, found.ids, root, table.name, unreadable, notes)
