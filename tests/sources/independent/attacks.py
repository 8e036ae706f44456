"""Hostile and broken input: each attack spoils good logs, and says what the one line about it must hold."""

import base64
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from independent.good_logs import (
    FAR_CELL,
    ID_CELL,
    PICTURES,
    RESULT,
    N,
    claim,
    good_cells,
    picture,
    rows_of,
    sheet,
    workbook,
    write_pictures,
    write_workbook,
)

# --- what is done to good logs, and what the one line must say ------------------------------------------------------


def bomb(root: Path) -> None:
    workbook(root / RESULT, sheet(ID_CELL) + b" " * (3 << 20))


def bomb_that_claims_little(root: Path) -> None:
    bomb(root)
    claim(root / RESULT, 300)


def bomb_that_claims_much(root: Path) -> None:
    workbook(root / RESULT, sheet(ID_CELL))
    claim(root / RESULT, 4_000_000_000)


def declared_area(root: Path) -> None:
    workbook(root / RESULT, sheet(ID_CELL, dimension='<dimension ref="A1:XFD1048576"/>'))


def far_cell(root: Path) -> None:
    workbook(root / RESULT, sheet(ID_CELL + FAR_CELL, dimension='<dimension ref="A1:B2"/>'))


def far_cell_in_a_part_of_another_name(root: Path) -> None:
    workbook(root / RESULT, sheet(ID_CELL + FAR_CELL), "media/image1.xml")


def many_rows_without_a_place(root: Path) -> None:
    workbook(root / RESULT, sheet("<row/>" * 90_000 + f"<row>{'<c/>' * 400}<c><v>1</v></c></row>"))


def laughing_entities(root: Path) -> None:
    steps = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 20}">' for i in range(1, 12))
    before = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">{steps}]>'
    workbook(root / RESULT, sheet(ID_CELL.replace("index", "&e11;"), before))


def entity_that_names_a_file(root: Path) -> None:
    before = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    workbook(root / RESULT, sheet(ID_CELL.replace("index", "&e;"), before))


def packed_in_another_way(root: Path) -> None:
    with zipfile.ZipFile(root / RESULT, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", sheet(ID_CELL))


def path_outside(root: Path) -> None:
    write_pictures(root, ["../../secret.png"] * N, "image_path")


def absolute_path(root: Path) -> None:
    write_pictures(root, ["/etc/passwd"] * N, "image_path")


def path_through_a_link(root: Path) -> None:
    (root.parent / "elsewhere").mkdir(exist_ok=True)
    (root.parent / "elsewhere" / "p.png").write_bytes(picture(1))
    write_pictures(root, ["out/p.png"] * N, "image_path")
    (root / "TSV_images" / "out").symlink_to(root.parent / "elsewhere")


def endless_path(root: Path) -> None:
    write_pictures(root, ["a" * 5000] * N, "image_path")


def path_with_nul(root: Path) -> None:
    write_pictures(root, ["a\0b.png"] * N, "image_path")


def path_in_a_circle(root: Path) -> None:
    write_pictures(root, ["loop.png"] * N, "image_path")
    (root / "TSV_images" / "loop.png").symlink_to("loop.png")


def circle_of_rows(root: Path) -> None:
    write_pictures(root, [*good_cells()[:4], "5", "4"])


def row_that_is_not_there(root: Path) -> None:
    write_pictures(root, [*good_cells()[:5], "999"])


def no_picture(root: Path) -> None:
    write_pictures(root, [*good_cells()[:5], base64.b64encode(b"no picture, only text. " * 9).decode()])


def cut_picture_header(root: Path) -> None:
    write_pictures(root, [*good_cells()[:5], base64.b64encode(picture(1)[:12] + b"\0" * 60).decode()])


def endless_quote(root: Path) -> None:
    path = root / PICTURES
    path.write_text(path.read_text(encoding="utf-8") + '9\t"never closed\t' + "x" * 1000, encoding="utf-8")


def as_tsv(root: Path, text: bytes) -> None:
    (root / RESULT).unlink()
    (root / RESULT).with_suffix(".tsv").write_bytes(text)


def table_text() -> str:
    columns = rows_of("Alpha") | {"note": ["é – ü"] * N}
    lines = [columns, *zip(*columns.values(), strict=True)]
    return "".join("\t".join(map(str, line)) + "\n" for line in lines)


def utf_16(root: Path) -> None:
    as_tsv(root, table_text().encode("utf-16"))


def cp1252(root: Path) -> None:
    as_tsv(root, table_text().encode("cp1252"))


def half_a_tsv(root: Path) -> None:
    as_tsv(root, table_text().encode()[:-20])


def tsv_cut_within_its_last_number(root: Path) -> None:
    as_tsv(root, b"index\tprediction\thit\n0\tA\t1\n1\tB\t0.")


def torn_tsv_row(root: Path) -> None:
    as_tsv(root, b"index\tprediction\thit\n0\tfirst line\nsecond line\t1\n1\tB\t0\n")


def tsv_of_nul_bytes(root: Path) -> None:
    as_tsv(root, table_text().encode() + b"\0" * 512)


def half_a_json(root: Path) -> None:
    text = json.dumps([{"index": i, "prediction": "A", "hit": 1} for i in range(N)])
    (root / RESULT).unlink()
    (root / RESULT).with_suffix(".json").write_text(text[:-9], encoding="utf-8")


def deep_json(root: Path) -> None:
    (root / RESULT).unlink()
    (root / RESULT).with_suffix(".json").write_text("[" * 200_000, encoding="utf-8")


def half_a_workbook(root: Path) -> None:
    (root / RESULT).write_bytes((root / RESULT).read_bytes()[:-300])


def one_bit(root: Path) -> None:
    data = bytearray((root / RESULT).read_bytes())
    data[data.find(b"xl/sharedStrings.xml") + 90] ^= 4
    (root / RESULT).write_bytes(bytes(data))


def repeated_ids(root: Path) -> None:
    columns = rows_of("Alpha")
    columns["index"][3] = 1
    write_workbook(root / RESULT, columns)


def odd_mark(root: Path) -> None:
    columns = rows_of("Alpha")
    columns["hit"][3] = 7
    write_workbook(root / RESULT, columns)


TSV, JSON = RESULT.replace(".xlsx", ".tsv"), RESULT.replace(".xlsx", ".json")
ATTACKS: list[tuple[Callable[[Path], None], list[str]]] = [
    (bomb, [RESULT, "unpacks to more than 2 MiB"]),  # the limit is lowered for these tests
    (bomb_that_claims_little, [RESULT, "unpacks to more than 2 MiB"]),
    (bomb_that_claims_much, [RESULT, "unpacks to more than 2 MiB"]),
    (declared_area, [RESULT, "a sheet of 1,048,576 rows × 16,384 columns"]),
    (far_cell, [RESULT, "a sheet of 1,048,576 rows × 16,384 columns"]),
    (far_cell_in_a_part_of_another_name, [RESULT, "a sheet of 1,048,576 rows × 16,384 columns"]),
    (many_rows_without_a_place, [RESULT, "a sheet of 90,001 rows × 401 columns"]),
    (laughing_entities, [RESULT, "not a readable xlsx workbook"]),
    (entity_that_names_a_file, [RESULT, "not a readable xlsx workbook"]),
    (packed_in_another_way, [RESULT, "not a readable xlsx workbook", "packed in an unknown way"]),
    (path_outside, [PICTURES, "row '0'", "leads outside"]),
    (absolute_path, [PICTURES, "row '0'", "leads outside"]),
    (path_through_a_link, [PICTURES, "row '0'", "leads outside"]),
    (endless_path, [PICTURES, "row '0'", "no file aaa", "(and 5 more)"]),
    (path_with_nul, [PICTURES, "row '0'", r"no file a\0b.png"]),
    (path_in_a_circle, [PICTURES, "row '0'", "no file loop.png"]),
    (circle_of_rows, [PICTURES, "row '4'", "refers to row '4', which holds no picture"]),
    (row_that_is_not_there, [PICTURES, "row '5'", "refers to row '999'"]),
    (no_picture, [PICTURES, "row '5'", "no picture format", "unreadable=report"]),
    (cut_picture_header, [PICTURES, "row '5'", "unreadable=report"]),
    (endless_quote, [PICTURES, "a quote is never closed"]),
    (utf_16, [TSV, "not UTF-8 text (byte 0)"]),
    (cp1252, [TSV, "not UTF-8 text", "save it as UTF-8"]),
    (half_a_tsv, [TSV, "row 7 has"]),
    (tsv_cut_within_its_last_number, [TSV, "its last row is cut off"]),
    (torn_tsv_row, [TSV, "row 2 has 2 cells, the header 3"]),
    (tsv_of_nul_bytes, [TSV, "row 8 has 1 cells"]),
    (half_a_json, [JSON, "not valid JSON", "half written?"]),
    (deep_json, [JSON, "not valid JSON"]),
    (half_a_workbook, [RESULT, "not a readable xlsx workbook"]),
    (one_bit, [RESULT, "not a readable xlsx workbook"]),
    (repeated_ids, [RESULT, "the same sample more than once", "'1' in rows 3, 5"]),
    (odd_mark, [RESULT, "row 5: hit is '7'"]),
]
