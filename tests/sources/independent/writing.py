"""Write the tables of a made-up tree: workbooks with typed cells, TSV and JSON files."""

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

import xlsxwriter

Columns = dict[str, list[Any]]


class Log(NamedTuple):
    """One file to write.

    Args:
        section: Folder below the root, "" for a work folder.
        run: Run folder, "" for the model's folder itself.
        name: What follows `<model>_`.
    """

    section: str
    model: str
    run: str
    name: str
    ending: str
    columns: Columns

    def path(self, root: Path) -> Path:
        return root / self.section / self.model / self.run / f"{self.model}_{self.name}{self.ending}"


def write(root: Path, logs: list[Log]) -> None:
    for log in logs:
        path = log.path(root)
        path.parent.mkdir(parents=True, exist_ok=True)
        {".xlsx": write_workbook, ".tsv": write_tsv, ".json": write_json}[log.ending](path, log.columns)


def write_workbook(path: Path, columns: Columns) -> None:
    """Write typed cells; a text that begins with "=" becomes a formula, as older versions of the kit wrote it."""
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    for c, (title, values) in enumerate(columns.items()):
        sheet.write_string(0, c, title)
        for r, value in enumerate(values, 1):
            if isinstance(value, bool):
                sheet.write_boolean(r, c, value)
            elif isinstance(value, int | float):
                sheet.write_number(r, c, value)
            elif value is not None and str(value).startswith("=") and title == "prediction":
                sheet.write_formula(r, c, value)
            elif value is not None:
                sheet.write_string(r, c, str(value))
    book.close()


def write_tsv(path: Path, columns: Columns) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def write_json(path: Path, columns: Columns) -> None:
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    path.write_text(json.dumps(rows, indent=4, ensure_ascii=False), encoding="utf-8")
