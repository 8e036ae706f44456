"""The samples of one dataset: texts and pictures from its TSV file, or else from the logs themselves."""

from collections.abc import Iterable

import pandas as pd

from vlrb import schema
from vlrb.sources.base import Note
from vlrb.sources.vlmevalkit.cells import find_column, natural_key
from vlrb.sources.vlmevalkit.choose import Cell
from vlrb.sources.vlmevalkit.datasets import DatasetSpec
from vlrb.sources.vlmevalkit.prompts import prompts, questions, split_keys
from vlrb.sources.vlmevalkit.settings import Rules
from vlrb.sources.vlmevalkit.tables import KEY, NotATableError, read_table
from vlrb.sources.vlmevalkit.tsv import TsvIndex
from vlrb.utils.errors import DataError


def dataset_samples(
    spec: DatasetSpec, keys: set[str], cells: Iterable[Cell], index: TsvIndex | None, rules: Rules, notes: list[Note]
) -> pd.DataFrame:
    """Return the samples (columns `schema.SAMPLE_COLUMNS`) of one dataset in natural order of their index.

    Args:
        spec: The dataset.
        keys: Index of every sample that has a record.
        cells: The dataset's log files, for texts that no TSV file holds.
        index: Its TSV file, if there is one.
        rules: Which MMMU rows count, and what to do about unreadable pictures.
        notes: Oddities are added here.

    Raises:
        DataError: A picture of these samples cannot be read and `rules.unreadable` is "error".
    """
    if index is not None:
        respell(index, keys)
    table = _texts(spec, keys, cells, index, notes)
    table = _mmmu_rows(table, spec, rules)
    found = table[KEY].tolist()
    table = table.iloc[sorted(range(len(found)), key=lambda row: natural_key(found[row]))]
    pictures = index.pictures if index is not None else {}
    if index is not None:
        _check_pictures(index, set(table[KEY]), rules, notes)
    texts, suffix = prompts(table, spec)
    return pd.DataFrame(
        {
            schema.SAMPLE_ID: (f"{spec.name}/" + table[KEY]).array,
            schema.DATASET: spec.name,
            schema.GROUP: spec.group,
            schema.TASK: _task(spec, suffix),
            schema.QUESTION: pd.array(questions(table), dtype="str"),
            schema.PROMPT: pd.array(texts, dtype="str"),
            schema.SUFFIX: suffix,
            schema.IMAGES: pd.Series([pictures.get(key, []) for key in table[KEY]], dtype=object),
            schema.SPLIT_KEY: pd.array(split_keys(table, spec), dtype="str"),
        }
    )


def respell(index: TsvIndex, keys: set[str]) -> None:
    """Spell the TSV file's ids as the logs do where only leading zeros differ (the kit reads ids as numbers)."""
    have = set(index.table[KEY])
    plain = {key: key.lstrip("0") or "0" for key in have - keys if key.isdecimal()}
    names = {key: new for key, new in plain.items() if new in keys and new not in have}
    if not names or len(set(names.values())) < len(names):
        return
    index.table[KEY] = index.table[KEY].replace(names)
    index.pictures = {names.get(key, key): references for key, references in index.pictures.items()}
    index.problems = [problem._replace(key=names.get(problem.key, problem.key)) for problem in index.problems]


def _task(spec: DatasetSpec, suffix: str) -> str:
    return "vqa_mc" if not spec.known and suffix else spec.task


def _texts(
    spec: DatasetSpec, keys: set[str], cells: Iterable[Cell], index: TsvIndex | None, notes: list[Note]
) -> pd.DataFrame:
    """Gather one row of text cells for every key: the TSV file's, then each log's until none is missing."""
    tables, missing = [], set(keys)
    if index is not None:
        tables.append(index.table[index.table[KEY].isin(keys)])
        missing -= set(tables[0][KEY])
        if missing:
            shown = ", ".join(sorted(missing, key=natural_key)[:3])
            notes.append(Note("not_in_tsv", index.name, f"samples without picture, e.g. {shown}", len(missing)))
        unused = len(index.table) - len(tables[0])
        if unused:
            notes.append(Note("not_in_logs", index.name, "rows that no log answers are left out", unused))
    else:
        notes.append(Note("no_pictures", spec.name, "no TSV file, so its samples have no picture", len(keys)))
    for log in [log for cell in cells for log in (*cell.predicted, *cell.graded)]:
        if not missing:
            break
        try:
            table = read_table(log.path, log.name, _is_text)
        except NotATableError:
            continue
        tables.append(table[table[KEY].isin(missing)])
        missing -= set(tables[-1][KEY])
    return pd.concat(tables, ignore_index=True).fillna("")


def _is_text(column: str) -> bool:
    """Return whether a log's column can be part of a prompt or tell related samples."""
    name = column.strip().lower()
    return name in _TEXT_COLUMNS or (len(column) == 1 and column.isupper())


_TEXT_COLUMNS = {"question", "prompt", "query", "text", "query_cot", "hint", "split", "problem_index", "g_index"}


def _mmmu_rows(table: pd.DataFrame, spec: DatasetSpec, rules: Rules) -> pd.DataFrame:
    column = find_column(table.columns, "split")
    if rules.mmmu == "all" or not spec.name.startswith("MMMU_") or column is None:
        return table
    return table[table[column] == "validation"]


def _check_pictures(index: TsvIndex, keys: set[str], rules: Rules, notes: list[Note]) -> None:
    problems = [problem for problem in index.problems if problem.key in keys]
    if problems and rules.unreadable == "error":
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise DataError(
            f"{index.name}: the picture of row {first.key!r} cannot be used: {first.reason}{more}",
            "copy the file again, or list such pictures and go on with dataset.source.rules.unreadable=report",
        )
    notes.extend(Note("unreadable_picture", index.name, f"row {p.key!r}: {p.reason}") for p in problems)
    bare = sum(not index.pictures.get(key) for key in keys & set(index.table[KEY]))
    if bare:
        notes.append(Note("no_pictures", index.name, "rows without a picture", bare))
