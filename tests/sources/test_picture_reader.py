"""Pictures are found by offset, from base64 cells and plain files, also in other processes."""

import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from vlrb.sources.base import PictureReader
from vlrb.utils.errors import DataError


@pytest.fixture
def references(
    tmp_path: Path, make_picture: Callable[..., str], make_picture_bytes: Callable[..., bytes]
) -> list[dict[str, Any]]:
    """A base64 cell after 5 bytes, and a plain file."""
    cell = make_picture(50).encode()
    (tmp_path / "d.tsv").write_bytes(b"1234\t" + cell + b"\n")
    (tmp_path / "p.png").write_bytes(make_picture_bytes(60))
    base = {"width": 40, "height": 30, "content_hash": ""}
    return [
        {"path": "d.tsv", "offset": 5, "length": len(cell), "encoding": "base64", **base},
        {"path": "p.png", "offset": 0, "length": 1, "encoding": "file", **base},
    ]


def shades(reader: PictureReader, references: list[dict[str, Any]]) -> list[Any]:
    return [reader.open(reference).getpixel((0, 0)) for reference in references]


def test_both_encodings_give_rgb_pictures(tmp_path: Path, references: list[dict[str, Any]]) -> None:
    reader = PictureReader(tmp_path)
    assert [reader.open(r).size for r in references] == [(40, 30)] * 2
    assert [reader.open(r).mode for r in references] == ["RGB"] * 2
    assert shades(reader, references) == [(50, 100, 7), (60, 120, 7)]


def test_copies_work_in_threads_and_forked_children(tmp_path: Path, references: list[dict[str, Any]]) -> None:
    reader = PictureReader(tmp_path)
    expected = shades(reader, references)
    copy = pickle.loads(pickle.dumps(reader))
    assert shades(copy, references) == expected
    with ThreadPoolExecutor(4) as threads:
        assert all(got == expected for got in threads.map(lambda _: shades(reader, references), range(20)))


@pytest.mark.process
def test_an_open_reader_works_in_another_process(tmp_path: Path, references: list[dict[str, Any]]) -> None:
    reader = PictureReader(tmp_path)
    expected = shades(reader, references)
    with ProcessPoolExecutor(1) as pool:
        assert pool.submit(shades, reader, references).result() == expected


def test_a_damaged_picture_names_file_and_offset(tmp_path: Path, references: list[dict[str, Any]]) -> None:
    cut = {**references[0], "length": references[0]["length"] // 2 // 4 * 4}
    with pytest.raises(DataError, match=r"d.tsv at byte 5: not a readable picture"):
        PictureReader(tmp_path).open(cut)
    with pytest.raises(DataError, match=r"d.tsv at byte 0"):
        PictureReader(tmp_path).open({**references[0], "offset": 0, "length": 4})
    with pytest.raises(DataError, match=r"gone.png at byte 0: cannot read the picture"):
        PictureReader(tmp_path).open({**references[1], "path": "gone.png"})


def test_nothing_outside_the_root_is_opened(tmp_path: Path, references: list[dict[str, Any]]) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    with pytest.raises(DataError, match=r"leads outside"):
        PictureReader(inner).open({**references[1], "path": "../p.png"})
