"""Small VLMEvalKit trees, written cell by cell."""

import base64
import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from PIL import Image

from vlrb.sources.vlmevalkit.settings import Expected, Folders, Rules, Selection
from vlrb.sources.vlmevalkit.source import VLMEvalKitSource

RUN = "T20250901_Gabcdef12"
Columns = Mapping[str, Sequence[Any]]


def write_xlsx(path: Path, columns: Columns) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), {"strings_to_numbers": False, "strings_to_urls": False})
    sheet = book.add_worksheet()
    for c, (title, values) in enumerate(columns.items()):
        sheet.write_string(0, c, title)
        for r, value in enumerate(values, 1):
            if isinstance(value, bool):
                sheet.write_boolean(r, c, value)
            elif isinstance(value, int | float):
                sheet.write_number(r, c, value)
            elif value is not None:
                sheet.write_string(r, c, value)
    book.close()
    return path


def write_tsv(path: Path, columns: Columns) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def picture_bytes(shade: int, size: tuple[int, int] = (40, 30)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (shade, 2 * shade % 256, 7)).save(stream, "PNG")
    return stream.getvalue()


def picture(shade: int, size: tuple[int, int] = (40, 30)) -> str:
    return base64.b64encode(picture_bytes(shade, size)).decode()


class Tree:
    """A tree in the published layout: evaluation, inference and TSV folders."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def result(self, model: str, name: str, columns: Columns, run: str = RUN) -> Path:
        return write_xlsx(self.root / "VLMEvalKit_evaluation" / model / run / f"{model}_{name}.xlsx", columns)

    def predictions(self, model: str, name: str, columns: Columns, run: str = RUN) -> Path:
        return write_xlsx(self.root / "VLMEvalKit_inference" / model / run / f"{model}_{name}.xlsx", columns)

    def tsv(self, name: str, columns: Columns) -> Path:
        return write_tsv(self.root / "TSV_images" / f"{name}.tsv", columns)

    def source(self, root: Path | None = None, **changes: Any) -> VLMEvalKitSource:
        folders = Folders(
            changes.pop("evaluation", ["VLMEvalKit_evaluation"]),
            changes.pop("inference", ["VLMEvalKit_inference"]),
            changes.pop("pictures", ["TSV_images"]),
            changes.pop("work", ["mmeval"]),
        )
        keys = ("mmbench", "mmmu", "unreadable", "math_vista", "no_answer", "replicates")
        rules = Rules(**{key: changes.pop(key) for key in keys if key in changes})
        expected: Expected | None = changes.pop("expected", None)
        where = changes.pop("where", "")
        return VLMEvalKitSource(str(root or self.root), folders, Selection(**changes), rules, expected, where)

    def star(self, model: str = "Alpha", hits: Sequence[Any] = (1, 0)) -> None:
        """Two questions of MMStar with pictures, answered by one model."""
        rows: dict[str, Any] = {
            "index": [0, 1],
            "question": ["Which animal?", "Which colour?"],
            "A": ["cat", "red"],
            "B": ["dog", "None"],
            "answer": ["A", "B"],
        }
        self.tsv("MMStar", {**rows, "image": [picture(1), picture(2)]})
        rows["prediction"] = ["A", "A"]
        self.predictions(model, "MMStar", rows)
        self.result(model, "MMStar_openai_result", {**rows, "hit": list(hits), "log": ["", ""]})


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "logs")


@pytest.fixture
def xlsx() -> Callable[[Path, Columns], Path]:
    return write_xlsx


@pytest.fixture
def make_picture() -> Callable[..., str]:
    return picture


@pytest.fixture
def make_picture_bytes() -> Callable[..., bytes]:
    return picture_bytes
