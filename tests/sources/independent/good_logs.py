"""Small good logs of two models, and workbooks written by hand, part by part."""

import base64
import io
import zipfile
from pathlib import Path
from typing import Any

import xlsxwriter
from PIL import Image

N = 6
MODELS = ("Alpha", "org--My Model 2")
RUN = "T20250901_Gabc"
RESULT = f"VLMEvalKit_evaluation/Alpha/{RUN}/Alpha_MMStar_openai_result.xlsx"
PICTURES = "TSV_images/MMStar.tsv"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def picture(shade: int, size: tuple[int, int] = (12, 9)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (shade, 3, 7)).save(stream, "PNG")
    return stream.getvalue()


def rows_of(model: str) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {"index": list(range(N)), "question": [f"What is {i}?" for i in range(N)]}
    columns |= {"A": ["red"] * N, "B": ["blue"] * N, "answer": ["A"] * N, "prediction": ["A", "B"] * (N // 2)}
    return columns | {"hit": [(i + len(model)) % 2 for i in range(N)]}


def write_workbook(path: Path, columns: dict[str, list[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for c, (title, values) in enumerate(columns.items()):
            sheet.write_column(0, c, [title, *values])


def write_pictures(root: Path, cells: list[str], header: str = "image") -> None:
    (root / "TSV_images").mkdir(exist_ok=True)
    lines = [f"index\tquestion\t{header}\n", *(f"{i}\tWhat is {i}?\t{cell}\n" for i, cell in enumerate(cells))]
    (root / PICTURES).write_text("".join(lines), encoding="utf-8")


def good_cells() -> list[str]:
    return [base64.b64encode(picture(i)).decode() for i in range(N)]


def write_logs(root: Path) -> None:
    for model in MODELS:
        for section, suffix in (("evaluation", "_openai_result"), ("inference", "")):
            columns = rows_of(model)
            if not suffix:
                del columns["hit"]
            write_workbook(root / f"VLMEvalKit_{section}" / model / RUN / f"{model}_MMStar{suffix}.xlsx", columns)
    write_pictures(root, good_cells())


def workbook(path: Path, sheet: bytes, part: str = "worksheets/sheet1.xml") -> None:
    """Write a workbook around the XML of its sheet."""
    rel = f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" Type="{OFFICE}/{{}}" Target="{{}}"/></Relationships>'
    sheets = '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets>'
    book = f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{sheets}</workbook>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("_rels/.rels", rel.format("officeDocument", "xl/workbook.xml"))
        archive.writestr("xl/workbook.xml", book)
        archive.writestr("xl/_rels/workbook.xml.rels", rel.format("worksheet", part))
        archive.writestr(f"xl/{part}", sheet)


def sheet(rows: str, before: str = "", dimension: str = "") -> bytes:
    return f'{before}<worksheet xmlns="{MAIN}">{dimension}<sheetData>{rows}</sheetData></worksheet>'.encode()


ID_CELL = '<row r="1"><c r="A1" t="inlineStr"><is><t>index</t></is></c></row>'
FAR_CELL = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'


def claim(path: Path, size: int) -> None:
    """Make the archive's directory say that its largest part unpacks to `size` bytes."""
    with zipfile.ZipFile(path) as archive:
        member = max(archive.infolist(), key=lambda m: m.compress_size)
    data = bytearray(path.read_bytes())
    real, lie = member.file_size.to_bytes(4, "little"), size.to_bytes(4, "little")
    at = data.rfind(member.filename.encode()) - 46 + 24  # the size in the entry of the directory
    assert data[at : at + 4] == real
    data[at : at + 4] = lie
    data[member.header_offset + 22 : member.header_offset + 26] = lie
    path.write_bytes(bytes(data))
