"""Dataset TSV files: texts, and the place, size and hash of every picture, in one pass."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from vlrb.sources.base import PictureReader
from vlrb.sources.vlmevalkit import tsv_rows
from vlrb.sources.vlmevalkit.tables import KEY
from vlrb.sources.vlmevalkit.tsv import match_tsv, read_tsv
from vlrb.sources.vlmevalkit.tsv_rows import cell_string, rows
from vlrb.utils.errors import DataError

MakePicture = Callable[..., str]


def cells(data: bytes) -> list[list[str]]:
    return [[cell_string(b, span, "t", 1) for span in spans] for _, b, spans in rows(io.BytesIO(data), "t")]


@pytest.mark.parametrize(
    "data",
    [
        b"a\tb\n1\t2\n",
        b"a\tb\r\n1\t2\r\n",
        b"a\tb\n1\t2",
        b'a\tb\n"1\n\t ""x"""\t2\n',
        b"a\tb\n\t\n1\t\n",
        b'a\tb\n5" wide\tx"y"\n',
        'a\tb\n"é\n"\tü\n'.encode(),
        b'a\tb\n""\t"x"\n\n\n3\t4\n',
    ],
)
@pytest.mark.parametrize("block", [1, 3, 1 << 20])
def test_rows_agree_with_pandas_whatever_the_block(data: bytes, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsv_rows, "BLOCK", block)
    frame = pd.read_csv(io.BytesIO(data), sep="\t", dtype=str, keep_default_na=False, header=None)
    assert cells(data) == frame.to_numpy().tolist()


def test_a_cut_off_row_is_an_error_with_its_place() -> None:
    with pytest.raises(DataError, match=r"t: the row at byte 4 is cut off"):
        cells(b'a\tb\n1\t"never closed\n2\t3\n')


def test_offsets_are_places_in_the_file_for_any_block(
    tmp_path: Path, make_picture: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tsv_rows, "BLOCK", 16)
    pictures = [make_picture(i) for i in range(5)]
    lines = [f'{i}\t"line\n""{i}"""\t{cell}\tend' for i, cell in enumerate(pictures)]
    path = tmp_path / "D.tsv"
    path.write_text("\n".join(["index\tquestion\timage\tanswer", *lines]) + "\n", encoding="utf-8")
    index = read_tsv(path, tmp_path)
    data = path.read_bytes()
    for i, cell in enumerate(pictures):
        (reference,) = index.pictures[str(i)]
        assert data[reference["offset"] : reference["offset"] + reference["length"]] == cell.encode()
        assert (reference["width"], reference["height"]) == (40, 30)
    assert index.table["question"].tolist() == [f'line\n"{i}"' for i in range(5)]
    assert "image" in index.table
    assert set(index.table["image"]) == {""}


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_hash_is_of_the_decoded_bytes(
    tmp_path: Path, make_picture: MakePicture, make_picture_bytes: Callable[..., bytes]
) -> None:
    index = read_tsv(
        write(tmp_path / "D.tsv", "index\timage", f"0\t{make_picture(9)}", f"1\t{make_picture(9)}"), tmp_path
    )
    expected = hashlib.blake2b(make_picture_bytes(9), digest_size=16).hexdigest()
    assert [index.pictures[k][0]["content_hash"] for k in "01"] == [expected, expected]


def test_references_and_lists(tmp_path: Path, make_picture: MakePicture) -> None:
    first, second = make_picture(1), make_picture(2, (8, 4))
    path = write(
        tmp_path / "D.tsv",
        "index\timage\tquestion",
        f"0\t{first}\tq",
        "1.0\t0\tq",  # the picture of row 0
        f"2\t\"['{first}', '{second}']\"\tq",
        f'3\t"[""{second}"", ""0""]"\tq',
        "4\t1\tq",  # by way of row 1
        "5\t\tq",
    )
    index = read_tsv(path, tmp_path)
    reader = PictureReader(tmp_path)
    shades: dict[str, list[Any]] = {
        key: [reader.open(r).getpixel((0, 0)) for r in references] for key, references in index.pictures.items()
    }
    one, two = (1, 2, 7), (2, 4, 7)
    assert shades == {"0": [one], "1": [one], "2": [one, two], "3": [two, one], "4": [one]}
    assert index.pictures["2"][1]["width"] == 8
    assert index.problems == []


def test_problems_are_listed_by_row(tmp_path: Path, make_picture: MakePicture) -> None:
    broken = "QUFB" * 40
    path = write(
        tmp_path / "D.tsv",
        "index\timage",
        f"0\t{make_picture(1)}",
        f"1\t{broken}",
        "2\t99",
        "3\t3",
        f"4\t{'A' * 101}",
    )
    index = read_tsv(path, tmp_path)
    problems = {problem.key: problem.reason for problem in index.problems}
    assert set(problems) == {"1", "2", "3", "4"}
    assert "no picture format that is known" in problems["1"]
    assert "refers to row '99'" in problems["2"]
    assert "not base64" in problems["4"]
    assert index.pictures["1"][0]["width"] == 0
    assert index.pictures["2"] == []


def test_plain_files_are_found_where_the_kit_puts_them(
    tmp_path: Path, make_picture_bytes: Callable[..., bytes]
) -> None:
    for name, shade in (("a.png", 3), ("images/MMBench/b.png", 4), ("images/MMBench_DEV_EN/c d,e.png", 5)):
        path = tmp_path / "TSV_images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make_picture_bytes(shade))
    tsv = write(
        tmp_path / "TSV_images" / "MMBench_DEV_EN_local.tsv",
        "index\timage_path",
        "0\ta.png",
        "1\t['b.png', 'c d,e.png']",
        "2\tgone.png",
    )
    index = read_tsv(tsv, tmp_path)
    paths = {key: [r["path"] for r in references] for key, references in index.pictures.items()}
    assert paths["0"] == ["TSV_images/a.png"]
    assert paths["1"] == ["TSV_images/images/MMBench/b.png", "TSV_images/images/MMBench_DEV_EN/c d,e.png"]
    assert [problem.key for problem in index.problems] == ["2"]
    assert PictureReader(tmp_path).open(index.pictures["1"][1]).getpixel((0, 0)) == (5, 10, 7)


@pytest.mark.parametrize("name", ["../../secret.png", "/etc/passwd"])
def test_a_path_that_leaves_the_root_is_an_error(tmp_path: Path, name: str) -> None:
    root = tmp_path / "logs"
    root.mkdir()
    (tmp_path / "secret.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"leads outside"):
        read_tsv(write(root / "D.tsv", "index\timage_path", f"0\t{name}"), root)


def test_damaged_files_name_the_row(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"D.tsv: no id column"):
        read_tsv(write(tmp_path / "D.tsv", "question\timage", "q\tx"), tmp_path)
    with pytest.raises(DataError, match=r"D.tsv: row 2 has 3 cells, the header 2"):
        read_tsv(write(tmp_path / "D.tsv", "index\timage", "0\tx\ty"), tmp_path)
    with pytest.raises(DataError, match=r"D.tsv: .*'7' in rows 2, 4"):
        read_tsv(write(tmp_path / "D.tsv", "index\tq", "7\tx", "8\ty", "7\tz"), tmp_path)
    (tmp_path / "D.tsv").write_bytes(b"index\tq\n0\tcaf\xe9\n")
    with pytest.raises(DataError, match=r"D.tsv: row 2 is not UTF-8"):
        read_tsv(tmp_path / "D.tsv", tmp_path)
    (tmp_path / "D.tsv").write_bytes(b"")
    with pytest.raises(DataError, match=r"D.tsv: empty file"):
        read_tsv(tmp_path / "D.tsv", tmp_path)


def test_matching_a_file_to_its_dataset() -> None:
    def files(*stems: str) -> dict[str, Path]:
        return {stem: Path(f"/d/{stem}.tsv") for stem in stems}

    assert match_tsv("MMStar", files("MMStar", "mmstar")) == Path("/d/MMStar.tsv")
    assert match_tsv("MMStar", files("mm_star")) == Path("/d/mm_star.tsv")
    assert match_tsv("DocVQA_VAL", files("DocVQA_VAL_local")) == Path("/d/DocVQA_VAL_local.tsv")
    assert match_tsv("MathVerse_MINI_Vision_Only", files("MathVerse_MINIVOnly")) == Path("/d/MathVerse_MINIVOnly.tsv")
    assert match_tsv("MMStar", files("MMStar_MINI")) is None


def test_row_keys_match_those_of_the_logs(tmp_path: Path) -> None:
    index = read_tsv(write(tmp_path / "D.tsv", "\ufeffindex\tq", "1.0\tx", "007\ty"), tmp_path)
    assert index.table[KEY].tolist() == ["1", "007"]
