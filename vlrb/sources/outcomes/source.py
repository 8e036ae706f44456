"""Read an outcomes table into samples and records."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from vlrb import schema
from vlrb.sources.base import Note, RecordSet
from vlrb.sources.outcomes.cells import Cells, long_cells, missing_notes, wide_cells
from vlrb.sources.outcomes.columns import OF_A_MODEL, Roles, choose_form, find_roles, model_columns
from vlrb.sources.outcomes.files import OutcomesTable, find_table, read_outcomes
from vlrb.sources.outcomes.samples import SampleKeys, sample_frame, sample_keys
from vlrb.sources.outcomes.settings import Columns, Options
from vlrb.utils.errors import DataError

READER_VERSION = 1  # raise when the same table gives other records
RECORDED = {
    "cost": schema.RECORDED_COST,
    "tokens_in": schema.RECORDED_TOKENS_IN,
    "tokens_out": schema.RECORDED_TOKENS_OUT,
}


class OutcomesSource:
    """A table of outcomes: one row per sample and model (long) or per sample (wide).

    Args:
        root: The table, or the folder it lies in.
        table: Name of the table in the folder; None = the only one there.
        pictures: Folder that picture paths are relative to; None = the table's own.
        dataset: Name of the dataset where no column says it.
        columns: Which column plays which role.
        options: How cells are understood.
    """

    def __init__(
        self,
        root: str | int,
        table: str | None,
        pictures: str | None,
        dataset: str | int,
        columns: Columns,
        options: Options,
    ) -> None:
        self.place = Path(str(root)).expanduser()
        self.table, self.dataset, self.columns, self.options = table, str(dataset), columns, options
        self.pictures = None if pictures is None else Path(pictures).expanduser()

    @property
    def root(self) -> Path:
        """Folder that picture references are relative to."""
        if self.pictures is not None:
            return self.pictures
        return self.place.parent if self.place.is_file() else self.place

    def fingerprint(self) -> dict[str, Any]:
        """Return settings, and name, size and time of the table; no file is opened."""
        path = find_table(self.place, self.table)
        status = path.stat()
        settings = {"columns": vars(self.columns), "options": vars(self.options), "dataset": self.dataset}
        files = [[path.name, status.st_size, status.st_mtime_ns]]
        return {"reader": READER_VERSION, "settings": settings, "pictures": str(self.pictures), "files": files}

    def read(self) -> RecordSet:
        """Read everything.

        Raises:
            DataError: A column is missing, a cell is not what its column holds, a row repeats, or a picture cannot be
                read; messages name the file and the row.
        """
        if self.pictures is not None and not self.pictures.is_dir():
            raise DataError(f"{self.pictures}: no such folder", "dataset.source.pictures=<folder of the pictures>")
        path = find_table(self.place, self.table)
        table = read_outcomes(path, path.name, self.options.delimiter)
        roles = find_roles(table, self.columns)
        form = choose_form(table, roles, self.options)
        if form == "wide":
            roles = {role: title for role, title in roles.items() if role not in OF_A_MODEL and role != "model"}
        found = sample_keys(table, roles, self.dataset)
        cells, used = self._cells(table, form, roles, found)
        notes = _column_notes(table, roles, used) + cells.notes
        samples = sample_frame(table, roles, found, self.root.resolve(), self.options.unreadable, notes)
        notes += missing_notes(table, cells, len(found.ids))
        return RecordSet(samples, _records(table.name, cells, found), cells.model_ids, notes)

    def _cells(self, table: OutcomesTable, form: str, roles: Roles, found: SampleKeys) -> tuple[Cells, set[str]]:
        if form == "long":
            return long_cells(table, roles, self.options, found.code), set(roles.values())
        models = model_columns(table, roles.values(), self.options.models)
        used = {title for columns in models.values() for title in columns.values()}
        return wide_cells(table, models, self.options, found.code), used | set(roles.values())


def _column_notes(table: OutcomesTable, roles: Roles, used: set[str]) -> list[Note]:
    notes = []
    unused = [title for title in table.columns if title not in used]
    if unused:
        shown = ", ".join(unused[:8]) + (" …" if len(unused) > 8 else "")
        notes.append(Note("unused_columns", table.name, f"columns that nothing is read from: {shown}", len(unused)))
    if "sample" not in roles:
        notes.append(Note("no_sample_ids", table.name, "no sample column: rows are numbered from 0", table.length))
    return notes


def _records(name: str, cells: Cells, found: SampleKeys) -> pd.DataFrame:
    count = len(cells.sample)
    quality = cells.figures["quality"].astype(np.float32)
    answer = cells.answer if cells.answer is not None else pa.nulls(count, pa.large_string())
    unanswered = np.zeros(count, bool) if cells.answer is None else answer.is_null().to_numpy(zero_copy_only=False)
    flags = unanswered.astype(np.int8) + 2 * np.isnan(quality).astype(np.int8)
    words = ["", "missing_prediction", "ungraded", "missing_prediction;ungraded"]
    same = np.zeros(count, np.int8)
    frame = pd.DataFrame(
        {
            schema.SAMPLE_ID: pd.Categorical.from_codes(cells.sample, pd.Index(found.ids)),
            schema.MODEL_ID: pd.Categorical.from_codes(cells.model, pd.Index(cells.model_ids)),
            schema.QUALITY: quality,
            schema.GRADED_BY: pd.Categorical.from_codes(same, pd.Index(["recorded"])),
            schema.SOURCE: pd.Categorical.from_codes(same, pd.Index([name])),
            schema.FLAGS: pd.Categorical.from_codes(flags, pd.Index(words)),
            schema.PREDICTION: pd.Series(answer.to_pandas(), dtype="str"),
        }
    )
    for role, column in RECORDED.items():
        if role in cells.figures:
            frame[column] = cells.figures[role]
    return frame
