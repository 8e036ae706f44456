"""Texts that spreadsheets, Excel and text encodings change: what can be told comes back, what cannot is an error."""

import csv
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from vlrb import schema
from vlrb.sources.vlmevalkit.tables import DATES, KEY, read_table
from vlrb.utils.errors import DataError

Write = Callable[..., Path]


def by_openpyxl(path: Path, *rows: list[Any]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_escapes_are_decoded_exactly_once(tmp_path: Path, xlsx: Write) -> None:
    """xlsxwriter escapes a literal `_x0041_` as `_x005F_x0041_` and a bell as `_x0007_`; openpyxl escapes nothing."""
    texts = ["literal _x0041_", "bell\x07", "_xZZZZ_", "tab\there", "a\r\nb"]
    path = xlsx(tmp_path / "w.xlsx", {"index": list(range(5)), "prediction": texts})
    assert read_table(path, "w")["prediction"].tolist() == texts
    path = by_openpyxl(tmp_path / "o.xlsx", ["index", "prediction"], [1, "_x005F_x0041_"], [2, "_xZZZZ_"], [3, "a\nb"])
    assert read_table(path, "o")["prediction"].tolist() == ["_x0041_", "_xZZZZ_", "a\nb"]


def test_texts_that_look_like_nothing_or_like_numbers(tmp_path: Path, xlsx: Write) -> None:
    texts = ["None", "NA", "nan", "null", "N/A", "1.0", "1e5", "007", "12345678901234567890", "TRUE", "-0", "5%"]
    ids = ["1", "01", "001", "12345678901234567890", "9007199254740993", "1e5", "a", "b", "c", "d", "e", "f"]
    table = read_table(xlsx(tmp_path / "t.xlsx", {"index": ids, "prediction": texts}), "t")
    assert table["prediction"].tolist() == texts
    assert table[KEY].tolist() == ids


@pytest.mark.parametrize("number", [1e15, 9007199254740993.0, -1e16])
def test_an_id_that_a_number_cannot_hold_is_an_error(tmp_path: Path, xlsx: Write, number: float) -> None:
    path = xlsx(tmp_path / "t.xlsx", {"index": [1, number], "prediction": ["a", "b"]})
    with pytest.raises(DataError, match=r"runs/t: index of row 3: the number .* is too large to be exact") as caught:
        read_table(path, "runs/t")
    assert caught.value.hint == "write the column index as text"


def test_ids_of_json_are_exact(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('[{"index": 12345678901234567890}, {"index": 9007199254740993}, {"index": 3.0}, {"index": "03"}]')
    assert read_table(path, "t")[KEY].tolist() == ["12345678901234567890", "9007199254740993", "3", "03"]
    path.write_text('[{"index": 1e15}]')
    with pytest.raises(DataError, match=r"index of row 1"):
        read_table(path, "t")


def test_dates_that_a_spreadsheet_program_made(tmp_path: Path) -> None:
    day = datetime.date(2024, 1, 5)
    path = by_openpyxl(tmp_path / "t.xlsx", ["index", "prediction", "hit"], [1, day, True], [2, "1/5", False])
    table = read_table(path, "t")
    assert table["prediction"].tolist() == ["2024-01-05", "1/5"]
    assert table["hit"].tolist() == ["True", "False"]
    assert table.attrs[DATES] == 1
    path = by_openpyxl(tmp_path / "u.xlsx", ["index", "hit"], [day, 1])
    with pytest.raises(DataError, match=r"u: index of row 2: a spreadsheet program turned it into the date 2024-01-05"):
        read_table(path, "u")


def test_dates_among_answers_are_reported(tree: Any) -> None:
    path = tree.predictions("M", "MMStar", {"index": [1], "prediction": ["x"]})
    by_openpyxl(path, ["index", "prediction"], [1, datetime.date(2024, 1, 5)], [2, "A"])
    tree.result("M", "MMStar_openai_result", {"index": [1, 2], "prediction": ["1/5", "A"], "hit": [0, 1]})
    read = tree.source().read()
    assert [(note.count, note.level) for note in read.notes if note.kind == "dates"] == [(1, "warning")]


def test_formulas_in_answers_of_models_and_judges(tmp_path: Path) -> None:
    """Older kits stored a text that begins with "=" as a formula; its value is read as 0."""
    book = xlsxwriter.Workbook(str(tmp_path / "t.xlsx"))
    sheet = book.add_worksheet()
    rows = [["index", "prediction", "res", "n"], [1, "so", "=3+4", 0], [2, "=A", "plain", "=1"], [3, "", "x", 0]]
    for r, row in enumerate(rows):
        sheet.write_row(r, 0, row)
    book.close()
    table = read_table(tmp_path / "t.xlsx", "t")
    assert table["prediction"].tolist() == ["so", "=A", ""]
    assert table["res"].tolist() == ["=3+4", "plain", "x"]
    assert table["n"].tolist() == ["0", "=1", "0"]


def test_a_prediction_that_the_writer_dropped_is_missing(tree: Any) -> None:
    """xlsxwriter writes nothing for a text that begins with a URL and is longer than 2,079 characters."""
    path = tree.predictions("M", "MMStar", {"index": [1], "prediction": ["x"]})
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    for r, row in enumerate([["index", "prediction"], [1], [2, "A"]]):
        sheet.write_row(r, 0, row)
    with pytest.warns(UserWarning, match="URL"):
        sheet.write(1, 1, "http://a.b/" + "c" * 2100)
    book.close()
    tree.result("M", "MMStar_openai_result", {"index": [1, 2], "hit": [0, 1]})
    read = tree.source().read()
    assert read.records[schema.FLAGS].astype("str").tolist() == ["missing_prediction", ""]


def test_tab_separated_logs_of_every_make(tmp_path: Path) -> None:
    texts = ['say "hi"', "two\r\nlines", "tab\there", "None", "plain", ""]
    path = tmp_path / "t.tsv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\r\n")
        writer.writerows([["index", "prediction"], *([i, text] for i, text in enumerate(texts))])
    assert path.read_bytes().startswith(b"\xef\xbb\xbfindex\tprediction\r\n")
    table = read_table(path, "t")
    assert table["prediction"].tolist() == texts
    assert table[KEY].tolist() == ["0", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("encoding", "guess"),
    [("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("cp1252", "Windows-1252"), ("latin-1", "Windows-1252")],
)
@pytest.mark.parametrize("ending", ["tsv", "json"])
def test_another_encoding_is_named(tmp_path: Path, encoding: str, guess: str, ending: str) -> None:
    path = tmp_path / f"t.{ending}"
    text = "index\tprediction\n1\tcaf\u00e9\n" if ending == "tsv" else '[{"index": 1, "prediction": "caf\u00e9"}]'
    path.write_bytes(text.encode(encoding))
    with pytest.raises(DataError, match=rf"runs/t: not UTF-8 text.*seems to be {guess}") as caught:
        read_table(path, "runs/t")
    assert caught.value.hint == "save it as UTF-8"


def test_another_encoding_of_a_dataset_file_is_named(tree: Any) -> None:
    tree.star()
    path = tree.root / "TSV_images" / "MMStar.tsv"
    path.write_bytes(path.read_text().encode("utf-16"))
    with pytest.raises(DataError, match=r"TSV_images/MMStar.tsv: row 1 is not UTF-8 text; it seems to be UTF-16"):
        tree.source().read()


def test_lists_are_parsed_and_never_run(tree: Any) -> None:
    answer = "[__import__('os').abort(), 'stop']"
    columns = {"index": [1], "question": ["q"], "category": ["Text Recognition"]}
    tree.predictions("M", "OCRBench", {**columns, "answer": [answer], "prediction": [f"it says {answer}"]})
    assert tree.source().read().records[schema.QUALITY].tolist() == [1]  # the text itself is the one accepted answer
