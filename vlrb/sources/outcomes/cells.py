"""The rows of a long or wide table as one list of cells: which sample, which model, what came out."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from vlrb.sources.base import Note
from vlrb.sources.outcomes.columns import OF_A_MODEL, Roles
from vlrb.sources.outcomes.files import OutcomesTable
from vlrb.sources.outcomes.settings import Options
from vlrb.sources.outcomes.values import coded, keys, numbers, texts
from vlrb.utils.errors import DataError
from vlrb.utils.suggest import did_you_mean

NUMBERS = ("quality", "cost", "tokens_in", "tokens_out")


@dataclass
class Cells:
    """R outcomes.

    Attributes:
        sample: (R,) int64 codes into the samples.
        model: (R,) int64 codes into `model_ids`.
        model_ids: M ids, sorted.
        figures: (R,) float64 of each role of NUMBERS that the table has, NaN = unknown.
        answer: (R,) texts, null = missing; None if the table has no answers.
        notes: Oddities.
    """

    sample: np.ndarray
    model: np.ndarray
    model_ids: list[str]
    figures: dict[str, np.ndarray]
    answer: pa.Array | None = None
    notes: list[Note] = field(default_factory=list)


def long_cells(table: OutcomesTable, roles: Roles, options: Options, sample: np.ndarray) -> Cells:
    """Return the outcomes of a table with one row per sample and model.

    Args:
        table: The table.
        roles: Its columns.
        options: How cells are understood.
        sample: (rows,) code of the sample of each row.

    Raises:
        DataError: A model is not named, a pair of sample and model repeats, or a figure is out of range.
    """
    model, names = coded(keys(table, roles["model"], "model"))
    figures = {role: _figures(table, roles[role], role, options) for role in NUMBERS if role in roles}
    answer = texts(table, roles["answer"]) if "answer" in roles else None
    _check_unique(table, sample, model, names)
    order, place = _sorted(names)
    cells = Cells(sample, place[model], order, figures, answer)
    return cells if options.models is None else _only(table, cells, options.models)


def _only(table: OutcomesTable, cells: Cells, models: list[str]) -> Cells:
    for model in models:
        if model not in cells.model_ids:
            raise DataError(f"{table.name}: no rows of model {model!r}", did_you_mean(model, cells.model_ids))
    order = sorted(set(models))
    place = np.array([order.index(name) if name in order else -1 for name in cells.model_ids], np.int64)
    model = place[cells.model]
    kept = np.flatnonzero(model >= 0)
    figures = {role: values[kept] for role, values in cells.figures.items()}
    answer = None if cells.answer is None else cells.answer.take(pa.array(kept))
    return Cells(cells.sample[kept], model[kept], order, figures, answer, cells.notes)


def wide_cells(table: OutcomesTable, models: dict[str, Roles], options: Options, sample: np.ndarray) -> Cells:
    """Return the outcomes of a table with one row per sample; a cell that holds nothing is no outcome.

    Args:
        table: The table.
        models: Columns of each model.
        options: How cells are understood.
        sample: (rows,) code of the sample of each row.

    Raises:
        DataError: A sample repeats, or a figure is out of range.
    """
    order = sorted(models)
    _check_unique(table, sample, np.zeros(len(sample), np.int64), ["the sample"])
    figures = {role: _stacked(table, models, order, role, options) for role in NUMBERS}
    answer = _stacked_answers(table, models, order)
    known = np.zeros(len(sample) * len(order), bool)
    for values in figures.values():
        known |= ~np.isnan(values)
    if answer is not None:
        known |= answer.is_valid().to_numpy(zero_copy_only=False)
    kept = np.flatnonzero(known)
    return Cells(
        np.tile(sample, len(order))[kept],
        np.repeat(np.arange(len(order)), len(sample))[kept],
        order,
        {role: values[kept] for role, values in figures.items() if any(role in models[m] for m in order)},
        None if answer is None else answer.take(pa.array(kept)),
    )


def _stacked(
    table: OutcomesTable, models: dict[str, Roles], order: list[str], role: str, options: Options
) -> np.ndarray:
    nothing = np.full(table.length, np.nan)
    return np.concatenate(
        [_figures(table, models[m][role], role, options) if role in models[m] else nothing for m in order]
    )


def _stacked_answers(table: OutcomesTable, models: dict[str, Roles], order: list[str]) -> pa.Array | None:
    if not any("answer" in models[model] for model in order):
        return None
    nothing = pa.nulls(table.length, pa.large_string())
    parts = [texts(table, models[m]["answer"]) if "answer" in models[m] else nothing for m in order]
    return pa.concat_arrays(parts)


def _figures(table: OutcomesTable, title: str, role: str, options: Options) -> np.ndarray:
    values = numbers(table, title)
    if role == "quality":
        values = values / options.quality_max
        wrong, why = (values < 0) | (values > 1), f"outside 0 … {options.quality_max:g}"
    else:
        values = values * options.cost_factor if role == "cost" else values
        wrong, why = values < 0, "negative"
    if wrong.any():
        row = int(np.argmax(wrong))
        shown = table.columns[title][row].as_py()
        raise DataError(f"{table.row(row)}: {title} is {shown}, {why}", _scale_hint(role, values, options))
    return values


def _scale_hint(role: str, values: np.ndarray, options: Options) -> str:
    if role != "quality":
        return "an unknown value is an empty cell"
    if np.nanmin(values) < 0:
        return "qualities go from 0 to 1; an unknown one is an empty cell"
    best = np.nanmax(values) * options.quality_max
    return f"if {best:g} means perfectly right: dataset.source.options.quality_max={best:g}"


def _check_unique(table: OutcomesTable, sample: np.ndarray, model: np.ndarray, names: list[str]) -> None:
    pair = sample * len(names) + model
    order = np.argsort(pair, kind="stable")
    again = np.flatnonzero(pair[order][1:] == pair[order][:-1])
    if len(again):
        second = int(order[again + 1].min())
        first = int(np.flatnonzero(pair == pair[second])[0])
        who = f" of model {names[model[second]]}" if len(names) > 1 or names != ["the sample"] else ""
        raise DataError(
            f"{table.row(second)}: a second row{who} on the sample of row {first + table.first_row:,}",
            "keep one row for each sample and model",
        )


def _sorted(names: list[str]) -> tuple[list[str], np.ndarray]:
    order = sorted(names)
    place = np.empty(len(names), np.int64)
    place[[names.index(name) for name in order]] = np.arange(len(order))
    return order, place


def missing_notes(table: OutcomesTable, cells: Cells, samples: int) -> list[Note]:
    """Return notes on cells without a row, and on rows without the figures that the table is about."""
    per_model = np.bincount(cells.model, minlength=len(cells.model_ids))
    notes = [
        Note(
            "missing_cells", f"{table.name}: {model}", "samples that the table says nothing about", samples - int(count)
        )
        for model, count in zip(cells.model_ids, per_model, strict=True)
        if count < samples
    ]
    for role in (*NUMBERS, OF_A_MODEL[-1]):
        values = cells.answer if role == OF_A_MODEL[-1] else cells.figures.get(role)
        if values is None:
            continue
        holes = int(np.isnan(values).sum()) if isinstance(values, np.ndarray) else values.null_count
        if holes:
            notes.append(Note("empty_cells", table.name, f"rows without {role.replace('_', ' ')}", holes))
    return notes
