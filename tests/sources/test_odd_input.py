"""Odd input that must be read, or noted: damaged pictures, odd names and encodings, empty datasets, zip bombs."""

import base64
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from independent.attacks import as_tsv, table_text
from independent.good_logs import (
    ID_CELL,
    MODELS,
    PICTURES,
    RESULT,
    RUN,
    N,
    claim,
    good_cells,
    picture,
    rows_of,
    sheet,
    write_logs,
    write_pictures,
    write_workbook,
)

from vlrb.sources.base import RecordSet
from vlrb.sources.vlmevalkit.settings import Folders, Rules, Selection
from vlrb.sources.vlmevalkit.source import VLMEvalKitSource
from vlrb.utils.errors import DataError


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    write_logs(tmp_path / "logs")
    return tmp_path / "logs"


def read(root: Path, **rules: Any) -> RecordSet:
    folders = Folders(["VLMEvalKit_evaluation"], ["VLMEvalKit_inference"], ["TSV_images"])
    return VLMEvalKitSource(str(root), folders, Selection(), Rules(**rules), None).read()


def notes_of(found: RecordSet, kind: str) -> list[str]:
    return [f"{note.where}: {note.message}" for note in found.notes if note.kind == kind]


def test_damaged_pictures_are_listed_one_by_one_and_never_replaced(logs: Path) -> None:
    cells = good_cells()
    cells[2] = base64.b64encode(b"no picture, only text. " * 9).decode()
    cells[4] = "2"  # the same damaged picture
    write_pictures(logs, cells)
    found = read(logs, unreadable="report")
    listed = notes_of(found, "unreadable_picture")
    assert [line.split("row ")[1][:3] for line in listed] == ["'2'", "'4'"]
    images = found.samples["images"].tolist()
    assert [(i[0]["width"], i[0]["height"]) for i in images] == [(12, 9), (12, 9), (0, 0), (12, 9), (0, 0), (12, 9)]
    assert images[2] == images[4]


def test_a_damaged_picture_of_a_row_without_logs_is_told_of_the_row_that_refers_to_it(logs: Path) -> None:
    cells = good_cells()
    cells[1] = "17"
    write_pictures(logs, cells)
    with (logs / PICTURES).open("a", encoding="utf-8") as file:
        file.write(f"17\tnobody was asked\t{base64.b64encode(b'no picture, only text. ' * 9).decode()}\n")
    with pytest.raises(
        DataError, match=r"the picture of row '1' cannot be used: refers to row '17': no picture format"
    ):
        read(logs)


def test_smallest_and_widest_pictures(logs: Path) -> None:
    cells = good_cells()
    cells[0] = base64.b64encode(picture(1, (1, 1))).decode()
    cells[1] = base64.b64encode(picture(1, (20_000, 2))).decode()
    write_pictures(logs, cells)
    images = read(logs).samples["images"].tolist()
    assert [(image[0]["width"], image[0]["height"]) for image in images[:2]] == [(1, 1), (20_000, 2)]


def huge_header() -> bytes:
    """A PNG header of 60,000 × 60,000 pixels without pixels."""
    body = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    chunk = (13).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0IEND\xaeB`\x82"


def test_a_picture_that_would_fill_the_memory_is_refused(logs: Path) -> None:
    write_pictures(logs, [*good_cells()[:5], base64.b64encode(huge_header() + b"\0" * 40).decode()])
    with pytest.raises(DataError, match=r"MMStar.tsv: the picture of row '5' cannot be used"):
        read(logs)


def test_an_empty_dataset_and_a_model_without_one_are_noted(logs: Path) -> None:
    for model in MODELS:
        path = logs / "VLMEvalKit_inference" / model / RUN
        write_workbook(path / f"{model}_AI2D_TEST.xlsx", {"index": [], "prediction": [], "answer": []})
    shutil.rmtree(logs / "VLMEvalKit_evaluation" / MODELS[1])
    columns = rows_of("Alpha") | {"index": [f"VD_chart_0_{i}_0_0" for i in range(N)], "answer": ["Yes"] * N}
    write_workbook(logs / "VLMEvalKit_inference" / "Alpha" / RUN / "Alpha_HallusionBench.xlsx", columns)
    found = read(logs)
    assert notes_of(found, "unused_logs") == [f"{model} on AI2D_TEST: no rows" for model in MODELS]
    assert found.model_ids == list(MODELS)
    counts = found.records.groupby(
        ["model_id", found.records["sample_id"].astype(str).str.partition("/")[0]], observed=True
    )
    assert counts.size().to_dict() == {("Alpha", "HallusionBench"): N, ("Alpha", "MMStar"): N, (MODELS[1], "MMStar"): N}
    graded = found.records.query("model_id == @MODELS[1]")["quality"]  # its predictions are A, B, A, B …
    assert graded.tolist() == [1, 0] * (N // 2)


def test_odd_names_are_read_or_noted(logs: Path) -> None:
    folder = logs / "VLMEvalKit_evaluation" / "Alpha" / RUN
    (folder / "Alpha_AI2D_TEST_openai_result.xlsx").mkdir()
    longest = folder / f"Alpha_{'x' * 244}.xlsx"  # 255 bytes, the most that a name may have
    write_workbook(longest, {"index": [1], "prediction": ["A"]})
    (folder / "Alpha_MMStar_\u202eresult.txt").write_text("x", encoding="utf-8")
    found = read(logs)
    assert found.model_ids == list(MODELS)
    assert len(found.records) == 2 * N
    assert any("Alpha" in line for line in notes_of(found, "unused_logs"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", [RESULT, PICTURES])
def test_a_file_that_may_not_be_read(logs: Path, name: str) -> None:
    (logs / name).chmod(0)
    with pytest.raises(DataError, match=name):
        read(logs)


def test_a_byte_order_mark_is_no_part_of_the_first_title(logs: Path) -> None:
    as_tsv(logs, table_text().encode("utf-8-sig"))
    records = read(logs).records.query("model_id == 'Alpha'")
    assert records["quality"].tolist() == [float(hit) for hit in rows_of("Alpha")["hit"]]


CHILD = """
import sys
from pathlib import Path
from vlrb.sources.vlmevalkit.xlsx import read_rows
from vlrb.utils.errors import DataError
try:
    read_rows(Path(sys.argv[1]), "bomb.xlsx")
except DataError as error:
    print(error.message)
# The peak of this program alone: what getrusage tells begins with the parent's.
print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak is read from /proc")
@pytest.mark.parametrize("claimed", [None, 300])
def test_a_bomb_of_two_gigabytes_takes_no_more_than_the_limit(tmp_path: Path, claimed: int | None) -> None:
    """Two megabytes that unpack to two gigabytes, told or not; the limit is one gigabyte."""
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/worksheets/s.xml", "w") as part:
        part.write(sheet(ID_CELL))
        for _ in range(120):
            part.write(b" " * (1 << 24))
    if claimed is not None:
        claim(path, claimed)
    assert path.stat().st_size < 4 << 20
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=True)
    message, peak = done.stdout.splitlines()
    assert message == "bomb.xlsx: unpacks to more than 1024 MiB"
    assert int(peak) < (1300 if claimed else 200)  # MiB; what is declared is not unpacked at all
