"""Cells of xlsx, tsv and json tables come back exactly as written; damaged tables give one clear error."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from vlrb.sources.vlmevalkit import xlsx as xlsx_module
from vlrb.sources.vlmevalkit.cells import cell_text, parse_literal
from vlrb.sources.vlmevalkit.tables import KEY, NotATableError, read_table
from vlrb.utils.errors import DataError

TRAPS = [
    "None",
    "NA",
    "N/A",
    "nan",
    "null",
    "1.0",
    "007",
    "TRUE",
    "a\r\nb",
    "bell\x07",
    "literal _x000D_ text",
    " x ",
    "=",
]


def test_text_survives_a_workbook(tmp_path: Path, xlsx: Callable[..., Path]) -> None:
    path = xlsx(tmp_path / "t.xlsx", {"index": list(range(len(TRAPS))), "prediction": TRAPS})
    assert read_table(path, "t")["prediction"].tolist() == TRAPS


@pytest.mark.parametrize("ending", ["tsv", "json"])
def test_text_survives_other_formats(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t.{ending}"
    if ending == "json":
        records = [{"index": i, "prediction": text} for i, text in enumerate(TRAPS)]
        path.write_text(json.dumps(records), encoding="utf-8")
    else:
        quoted = [f'{i}\t"{text}"' for i, text in enumerate(TRAPS)]
        path.write_bytes("\n".join(["index\tprediction", *quoted, ""]).encode())
    assert read_table(path, "t")["prediction"].tolist() == TRAPS


def test_numbers_and_marks_become_plain_text(tmp_path: Path, xlsx: Callable[..., Path]) -> None:
    path = xlsx(
        tmp_path / "t.xlsx", {"index": [1, 2, 3, 4], "hit": [1.0, True, 0.25, None], "x": [12345678, 0, -3, 1e300]}
    )
    table = read_table(path, "t")
    assert table["hit"].tolist() == ["1", "True", "0.25", ""]
    assert table["x"].tolist() == ["12345678", "0", "-3", "1e+300"]


def test_index_has_one_spelling_and_keeps_leading_zeros(tmp_path: Path, xlsx: Callable[..., Path]) -> None:
    path = xlsx(tmp_path / "t.xlsx", {"index": [12.0, "13.0", "007", "VD_1_2", " 5 "]})
    assert read_table(path, "t")[KEY].tolist() == ["12", "13", "007", "VD_1_2", "5"]


def test_a_text_stored_as_formula_is_recovered(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "t.xlsx"))
    sheet = book.add_worksheet()
    for r, row in enumerate([["index", "prediction"], [1, "=A & B"], [2, "0"], [3, "plain"]]):
        sheet.write_row(r, 0, row)
    book.close()
    assert read_table(tmp_path / "t.xlsx", "t")["prediction"].tolist() == ["=A & B", "0", "plain"]
    other = openpyxl.Workbook()
    other.active.append(["index", "prediction"])
    other.active.append([1, "=1<2"])
    other.save(tmp_path / "u.xlsx")
    assert read_table(tmp_path / "u.xlsx", "u")["prediction"].tolist() == ["=1<2"]


def test_blank_rows_are_no_samples_and_only_wanted_columns_are_kept(tmp_path: Path, xlsx: Callable[..., Path]) -> None:
    path = xlsx(tmp_path / "t.xlsx", {"index": [1, "", 2], "hit": [1, "", 0], "question": ["a", "", "b"]})
    table = read_table(path, "t", lambda column: column == "hit")
    assert list(table.columns) == ["index", "hit", KEY]
    assert table[KEY].tolist() == ["1", "2"]


def test_repeated_samples_name_rows_and_ids(tmp_path: Path, xlsx: Callable[..., Path]) -> None:
    path = xlsx(tmp_path / "t.xlsx", {"index": [7, 8, "7.0", 9, 8], "hit": [1, 1, 0, 1, 0]})
    with pytest.raises(DataError, match=r"runs/t.xlsx: .*'7' in rows 2, 4; '8' in rows 3, 6"):
        read_table(path, "runs/t.xlsx")


def test_a_row_without_index_is_named(tmp_path: Path, xlsx: Callable[..., Path]) -> None:
    path = xlsx(tmp_path / "t.xlsx", {"index": [7, "", 9], "hit": [1, 1, 0]})
    with pytest.raises(DataError, match=r"t: row 3 has no index"):
        read_table(path, "t")


def test_no_id_column_lists_what_is_there(tmp_path: Path, xlsx: Callable[..., Path]) -> None:
    path = xlsx(tmp_path / "t.xlsx", {"split": ["dev"], "Overall": [0.5]})
    with pytest.raises(DataError, match=r"no id column \(index, sample_id, id\) among its columns split, Overall"):
        read_table(path, "t")


def damaged(path: Path, xlsx: Callable[..., Path], how: str) -> Path:
    xlsx(path, {"index": list(range(500)), "prediction": ["some text"] * 500})
    data = path.read_bytes()
    changed = {
        "empty": b"",
        "half": data[: len(data) // 2],
        "text": b"index,hit\n1,1\n",
        "flipped": data[:200] + bytes(b ^ 0xFF for b in data[200:600]) + data[600:],
    }
    path.write_bytes(changed[how])
    return path


@pytest.mark.parametrize("how", ["empty", "half", "text", "flipped"])
def test_a_damaged_workbook_is_one_clear_error(tmp_path: Path, xlsx: Callable[..., Path], how: str) -> None:
    path = damaged(tmp_path / "t.xlsx", xlsx, how)
    with pytest.raises(DataError, match=r"runs/t.xlsx: not a readable xlsx workbook") as caught:
        read_table(path, "runs/t.xlsx")
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_an_empty_sheet_has_no_header(tmp_path: Path, xlsx: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"t: no header row"):
        read_table(xlsx(tmp_path / "t.xlsx", {}), "t")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, xlsx: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx_module, "MAX_UNPACKED_BYTES", 1 << 20)
    path = xlsx(tmp_path / "t.xlsx", {"index": [1]})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb.bin", bytes(2 << 20))
    with pytest.raises(DataError, match=r"t: unpacks to more than 1 MiB"):
        read_table(path, "t")


def test_a_bomb_that_lies_about_its_size_is_refused(
    tmp_path: Path, xlsx: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = xlsx(tmp_path / "t.xlsx", {"index": [1]})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb.bin", bytes(3 << 20))
    data = path.read_bytes()
    path.write_bytes(data.replace((3 << 20).to_bytes(4, "little"), (3 << 8).to_bytes(4, "little")))
    monkeypatch.setattr(xlsx_module, "MAX_UNPACKED_BYTES", 1 << 20)
    with pytest.raises(DataError, match=r"unpacks to more than|not a readable xlsx workbook"):
        read_table(path, "t")


def test_a_sheet_with_one_far_cell_is_refused(tmp_path: Path) -> None:
    """The reader would keep a place for 16,384 × 1,048,576 cells."""
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "index", "x"
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(DataError, match=r"a sheet of 1,048,576 rows × 16,384 columns"):
        read_table(tmp_path / "t.xlsx", "t")


def test_json_that_is_no_table_and_json_that_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('{"1": "A"}', encoding="utf-8")
    with pytest.raises(NotATableError, match=r"no list of records"):
        read_table(path, "t")
    path.write_text('[{"index": 1}, {"ind', encoding="utf-8")
    with pytest.raises(DataError, match=r"t: not valid JSON"):
        read_table(path, "t")


def test_json_numbers_lists_and_nan(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('[{"index": 1, "hit": true, "answer": ["a", 2]}, {"index": 2.0, "hit": NaN, "answer": null}]')
    table = read_table(path, "t")
    assert table[KEY].tolist() == ["1", "2"]
    assert table["hit"].tolist() == ["True", ""]
    assert table["answer"].tolist() == ["['a', 2]", ""]


def test_text_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_bytes("index\tprediction\n1\tcaf\xe9\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"t: not UTF-8 text \(byte 22\)"):
        read_table(path, "t")


def test_literals_are_never_evaluated() -> None:
    assert parse_literal("['a', {'b': 1}]") == ["a", {"b": 1}]
    assert parse_literal("[__import__('os').getcwd()]") is None
    assert parse_literal("[" * 5000) is None
    assert cell_text(float("nan")) == ""


@pytest.mark.slow
def test_no_flipped_bit_of_a_workbook_changes_a_cell(tmp_path: Path, xlsx: Callable[..., Path]) -> None:
    """One bit of every byte: the table is the same, or the file is refused."""
    path = xlsx(tmp_path / "t.xlsx", {"index": [0, 1], "prediction": ["A", "é"], "hit": [1, 0.5]})
    whole, good = read_table(path, "t"), path.read_bytes()
    refused = 0
    for place in range(len(good)):
        data = bytearray(good)
        data[place] ^= 1 << place % 8
        path.write_bytes(bytes(data))
        try:
            read = read_table(path, "t")
        except DataError:
            refused += 1
        else:
            assert read.equals(whole), place
    assert refused > len(good) // 4
