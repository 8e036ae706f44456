"""Pictures of large TSV files at random, and everywhere else the kit may have put them."""

import base64
import csv
import hashlib
import io
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vlrb.sources.base import PictureReader
from vlrb.sources.vlmevalkit.tsv import TsvIndex, read_tsv
from vlrb.utils.errors import DataError

MakeBytes = Callable[..., bytes]
MIB = 1 << 20


def index_of(root: Path, name: str = "MMStar") -> TsvIndex:
    return read_tsv(root / "TSV_images" / f"{name}.tsv", root)


def write(root: Path, text: str, name: str = "MMStar") -> Path:
    path = root / "TSV_images" / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def contents(root: Path, index: TsvIndex, key: str) -> list[bytes]:
    reader = PictureReader(root)
    return [reader.read(reference) for reference in index.pictures.get(key, [])]


def put(root: Path, name: str, data: bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


# --- unpacked pictures: neither held nor named ----------------------------------------------------------------------


@pytest.mark.parametrize("header", ["index\tquestion", "index\tquestion\timage", "index\tquestion\timage_path"])
@pytest.mark.parametrize("folder", ["TSV_images/images/MMStar", "images/MMStar"])
def test_unpacked_pictures_are_found_by_index(
    tmp_path: Path, make_picture_bytes: MakeBytes, header: str, folder: str
) -> None:
    one, two, three = (make_picture_bytes(shade) for shade in (1, 2, 3))
    put(tmp_path, f"{folder}/7.png", one)
    put(tmp_path, f"{folder}/7.jpg", three)  # .png comes first
    put(tmp_path, f"{folder}/8.jpg", two)
    put(tmp_path, f"{folder}/9_0.png", one)
    put(tmp_path, f"{folder}/9_1.jpg", two)
    put(tmp_path, f"{folder}/9_3.png", three)  # after a gap: not of this row
    end = "\t" * header.count("\t")
    write(tmp_path, f"{header}\n" + "".join(f"{key}{end}\n" for key in (7, 8, 9, 10)))
    index = index_of(tmp_path)
    assert contents(tmp_path, index, "7") == [one]
    assert contents(tmp_path, index, "8") == [two]
    assert contents(tmp_path, index, "9") == [one, two]
    assert contents(tmp_path, index, "10") == []
    assert index.problems == []


def test_unpacked_pictures_of_mmbench_share_a_folder(tmp_path: Path, make_picture_bytes: MakeBytes) -> None:
    data = make_picture_bytes(5)
    put(tmp_path, "TSV_images/images/MMBench_V11/3.jpg", data)
    write(tmp_path, "index\tquestion\n3\tq\n", "MMBench_DEV_EN_V11")
    assert contents(tmp_path, index_of(tmp_path, "MMBench_DEV_EN_V11"), "3") == [data]


def test_a_reference_in_vain_takes_the_own_then_the_other_row_s_file(
    tmp_path: Path, make_picture_bytes: MakeBytes
) -> None:
    one, two = make_picture_bytes(1), make_picture_bytes(2)
    put(tmp_path, "TSV_images/images/MMStar/1.png", one)
    put(tmp_path, "TSV_images/images/MMStar/2.jpg", two)
    write(tmp_path, "index\timage\n1\t2\n5\t2\n6\t77\n")
    index = index_of(tmp_path)
    assert contents(tmp_path, index, "1") == [one]
    assert contents(tmp_path, index, "5") == [two]
    assert contents(tmp_path, index, "6") == []
    assert [problem.key for problem in index.problems] == ["6"]


def test_a_picture_in_the_file_comes_before_an_unpacked_one(
    tmp_path: Path, make_picture: Callable[..., str], make_picture_bytes: MakeBytes
) -> None:
    put(tmp_path, "TSV_images/images/MMStar/1.png", make_picture_bytes(1))
    write(tmp_path, f"index\timage\n1\t{make_picture(9)}\n")
    assert contents(tmp_path, index_of(tmp_path), "1") == [make_picture_bytes(9)]


def test_a_local_file_names_its_pictures(tmp_path: Path, make_picture_bytes: MakeBytes) -> None:
    one, two = make_picture_bytes(1), make_picture_bytes(2)
    put(tmp_path, "TSV_images/images/DocVQA_VAL/1.jpg", one)
    put(tmp_path, "TSV_images/images/DocVQA_VAL/2.jpg", two)
    write(tmp_path, "index\timage_path\n1\t1.jpg\n2\t1.jpg\n3\t['1.jpg', '2.jpg']\n", "DocVQA_VAL_local")
    index = index_of(tmp_path, "DocVQA_VAL_local")
    assert [contents(tmp_path, index, key) for key in "123"] == [[one], [one], [one, two]]


def test_links_out_of_the_folder_of_unpacked_pictures_are_not_followed(
    tmp_path: Path, make_picture_bytes: MakeBytes
) -> None:
    root = tmp_path / "logs"
    put(tmp_path, "secret.png", make_picture_bytes(1))
    put(root, "TSV_images/images/MMStar/2.png", make_picture_bytes(2))
    (root / "TSV_images/images/MMStar/1.png").symlink_to(tmp_path / "secret.png")
    write(root, "index\tquestion\n1\tq\n2\tq\n")
    with pytest.raises(DataError, match=r"row '1'.* leads outside"):
        index_of(root)


# --- base64 as people write it --------------------------------------------------------------------------------------


def test_base64_in_all_shapes(tmp_path: Path, make_picture_bytes: MakeBytes) -> None:
    one, two = make_picture_bytes(1), make_picture_bytes(2)
    text, other = base64.b64encode(one).decode(), base64.b64encode(two).decode()
    wrapped = base64.encodebytes(one).decode().strip()  # a line end after each 76 characters
    crlf = wrapped.replace("\n", "\r\n")
    cells = [text, f'"{wrapped}"', f'"{crlf}"', f" {text} ", f"['{text}', '{other}']", f'"[""{text}"", ""{other}""]"']
    write(tmp_path, "index\timage\n" + "".join(f"{i}\t{cell}\n" for i, cell in enumerate(cells)))
    index = index_of(tmp_path)
    assert index.problems == []
    assert [contents(tmp_path, index, str(i)) for i in range(4)] == [[one]] * 4
    assert [contents(tmp_path, index, str(i)) for i in (4, 5)] == [[one, two]] * 2
    hashes = {reference["content_hash"] for i in range(4) for reference in index.pictures[str(i)]}
    assert len(hashes) == 1  # of the picture, however it is written


@pytest.mark.parametrize("damage", ["padding", "letter"])
def test_damaged_base64_is_told_with_its_row(tmp_path: Path, make_picture_bytes: MakeBytes, damage: str) -> None:
    data = make_picture_bytes(1) + b"x" * (-len(make_picture_bytes(1)) % 3 + 1)  # ends with padding
    text = base64.b64encode(data).decode()
    assert text.endswith("=")
    broken = text.rstrip("=") if damage == "padding" else text[:100] + text[101:]
    write(tmp_path, f"index\timage\n1\t{text}\n2\t{broken}\n")
    index = index_of(tmp_path)
    assert [problem.key for problem in index.problems] == ["2"]
    assert "base64" in index.problems[0].reason
    assert contents(tmp_path, index, "1") == [data]


# --- large files ----------------------------------------------------------------------------------------------------
ROWS, NOISE = 1500, 150_000  # 1,500 pictures of 200 kB of base64: 300 MB


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("large")
    rng = np.random.default_rng(0)
    stream = io.BytesIO()
    Image.new("RGB", (256, 256)).save(stream, "PNG")
    head = stream.getvalue()  # a whole picture, made large by what comes after it
    (root / "TSV_images").mkdir()
    with (root / "TSV_images" / "MMStar.tsv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(["index", "question", "image", "answer"])
        for i in range(ROWS):
            data = head + rng.bytes(NOISE + int(rng.integers(999)))
            writer.writerow([i, f'é "quoted"\tand\nbroken {i}' * (1 + i % 3), base64.b64encode(data).decode(), "A"])
    return root


@pytest.mark.slow
def test_any_picture_of_a_large_file(large: Path) -> None:
    """The bytes of 200 rows at random, against a pass over the whole file by csv; how long a warm access takes."""
    chosen = {str(i) for i in np.random.default_rng(1).choice(ROWS, 200, replace=False)}
    index, wanted = index_of(large), {}
    csv.field_size_limit(MIB << 5)
    with (large / "TSV_images" / "MMStar.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["index"] in chosen:
                wanted[row["index"]] = base64.b64decode(row["image"])
    assert len(index.table) == ROWS
    assert index.problems == []
    reader, seconds = PictureReader(large), []
    for key in sorted(chosen):
        start = time.perf_counter()
        data = reader.read(index.pictures[key][0])
        seconds.append(time.perf_counter() - start)
        assert data == wanted[key]
        assert index.pictures[key][0]["content_hash"] == hashlib.blake2b(data, digest_size=16).hexdigest()
    median, slowest = np.percentile(seconds, [50, 95]) * 1000
    sys.stderr.write(f"\none of {ROWS} pictures: {median:.2f} ms, 95 % within {slowest:.2f} ms\n")


CHILD = """
import sys
from pathlib import Path
from vlrb.sources.vlmevalkit.tsv import read_tsv

def peak():  # of this program alone: what getrusage tells begins with the parent's
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])

before = peak()
index = read_tsv(Path(sys.argv[1]), Path(sys.argv[1]).parent.parent)
key = sys.argv[2]
reference = index.pictures[key][0]
print(len(index.table), reference["offset"], reference["length"], before // 1024, peak() // 1024)
"""


def indexed(path: Path, key: str) -> tuple[int, int, int, int]:
    """Index a file in a process of its own; return rows, place and length of a picture, and the peak in MiB."""
    done = subprocess.run([sys.executable, "-c", CHILD, str(path), key], capture_output=True, text=True, check=True)
    rows, offset, length, before, peak = map(int, done.stdout.split())
    sys.stderr.write(f"\n{path.stat().st_size >> 20} MiB indexed: peak {peak} MiB, {before} MiB of it before\n")
    return rows, offset, length, peak


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak is read from /proc")
def test_indexing_a_large_file_takes_little_memory(large: Path) -> None:
    path = large / "TSV_images" / "MMStar.tsv"
    assert path.stat().st_size > 280 * MIB
    rows, offset, length, peak = indexed(path, str(ROWS - 1))
    assert rows == ROWS
    with path.open("rb") as file:
        file.seek(offset)
        assert base64.b64decode(file.read(length)).startswith(b"\x89PNG")
    assert peak < 500


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak is read from /proc")
def test_a_cell_of_a_hundred_megabytes(tmp_path: Path, make_picture_bytes: MakeBytes) -> None:
    """One picture of 75 MB between two small ones: places are right, memory stays bounded."""
    small, big = make_picture_bytes(1), make_picture_bytes(2) + b"\0" * 75_000_000
    cells = [base64.b64encode(data).decode() for data in (small, big, small)]
    path = write(tmp_path, "index\timage\n" + "".join(f"{i}\t{cell}\n" for i, cell in enumerate(cells)))
    start = len("index\timage\n0\t\n1\t\n2\t") + len(cells[0]) + len(cells[1])
    rows, offset, length, peak = indexed(path, "2")
    assert (rows, offset, length) == (3, start, len(cells[2]))
    assert peak < 700
    assert contents(tmp_path, index_of(tmp_path), "2") == [small]
