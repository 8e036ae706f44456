import io
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from vlrb.benchmark import tables
from vlrb.benchmark.likeness import marks, near, table
from vlrb.benchmark.likeness.marks import mark
from vlrb.benchmark.likeness.table import COLUMNS, PictureTable, as_frame, distinct_pictures, picture_table
from vlrb.utils.errors import DataError, StateError

INK = (20, 20, 20)


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def photo(seed, size=(320, 240)):
    """Smooth coloured noise in several octaves."""
    rng = np.random.default_rng(seed)
    total = np.full((size[1], size[0], 3), 128.0)
    for cells, strength in ((3, 60), (9, 30), (27, 15)):
        noise = rng.normal(0, strength, (cells, cells, 3))
        for c in range(3):
            layer = Image.fromarray(noise[..., c].astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
            total[..., c] += np.asarray(layer)
    return Image.fromarray(np.clip(total, 0, 255).astype(np.uint8))


def chart(heights, size=(320, 240)):
    """A bar chart: axes and colours are those of every other one."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    draw.line((30, 10, 30, 220, 310, 220), fill=INK, width=2)
    for k, height in enumerate(heights):
        draw.rectangle((45 + 50 * k, 220 - height, 80 + 50 * k, 219), fill=(70, 110, 180))
    return image


def triangle(a, b, c, size=(320, 240)):
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).line((*a, *b, *c, *a), fill=INK, width=2)
    return image


def marks_table(found):
    rows = [{"content_hash": f"{k:06d}", "problem": "", **m._asdict()} for k, m in enumerate(found)]
    return PictureTable(as_frame(rows))


def marked(*images):
    return marks_table([mark(image if isinstance(image, bytes) else encoded(image)) for image in images])


def same(*images):
    return len(near.same_pictures(marked(*images))) > 0


def scaled(image, factor):
    return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)


DRAWINGS = {
    "photo": photo(0),
    "chart": chart([40, 150, 90, 120, 60]),
    "triangle": triangle((40, 200), (280, 190), (150, 30)),
}
COPIES = {
    "png packed otherwise": lambda i: encoded(i, compress_level=9),
    "jpeg 95": lambda i: encoded(i, "JPEG", quality=95),
    "jpeg 85": lambda i: encoded(i, "JPEG", quality=85),
    "half": lambda i: encoded(scaled(i, 0.5)),
    "half, jpeg 85": lambda i: encoded(scaled(i, 0.5), "JPEG", quality=85),
    "double": lambda i: encoded(scaled(i, 2)),
}


@pytest.mark.parametrize("what", DRAWINGS)
@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_shows_the_same(what, copy):
    assert same(DRAWINGS[what], COPIES[copy](DRAWINGS[what]))


def test_two_jpeg_qualities_of_one_picture_show_the_same():
    assert same(encoded(photo(1), "JPEG", quality=95), encoded(photo(1), "JPEG", quality=85))


def test_a_large_jpeg_is_decoded_reduced_and_still_recognised():
    large = photo(2, (2400, 1800))
    jpeg = encoded(large, "JPEG", quality=90)
    found = mark(jpeg)
    assert (found.width, found.height) == (2400, 1800)
    assert same(jpeg, large)
    assert same(jpeg, scaled(large, 0.15))
    assert not same(jpeg, photo(3, (2400, 1800)))


def test_different_drawings_of_one_style_are_not_joined():
    rng = np.random.default_rng(0)
    charts = [chart(rng.integers(20, 200, 5)) for _ in range(60)]
    triangles = [triangle(*(tuple(map(int, rng.integers(20, 220, 2))) for _ in range(3))) for _ in range(60)]
    assert near.same_pictures(marked(*charts, *triangles, *map(photo, range(20)))).tolist() == []


def test_one_bar_or_one_corner_makes_another_picture():
    assert not same(chart([40, 150, 90, 120, 60]), chart([40, 150, 90, 90, 60]))
    assert not same(triangle((40, 200), (280, 190), (150, 30)), triangle((40, 200), (280, 190), (190, 30)))


def test_clocks_with_other_hands_differ_though_their_hashes_are_close():
    def clock(degrees):
        image = Image.new("RGB", (240, 240), "white")
        draw = ImageDraw.Draw(image)
        draw.ellipse((20, 20, 220, 220), outline=INK, width=6)
        angle = np.deg2rad(degrees)
        draw.line((120, 120, 120 + 80 * np.sin(angle), 120 - 80 * np.cos(angle)), fill=INK, width=4)
        return image

    assert near.same_pictures(marked(*(clock(d) for d in range(0, 360, 30)))).tolist() == []


def test_colour_counts():
    red, blue = (Image.blend(photo(4), Image.new("RGB", (320, 240), c), 0.5) for c in ("red", "blue"))
    assert not same(red, blue)


def test_blank_pictures_are_compared_by_their_pixels_alone():
    blank, other, larger = (
        Image.new("RGB", s, c) for s, c in (((9, 9), "white"), ((9, 9), "ivory"), ((10, 9), "white"))
    )
    pairs = near.same_pictures(marked(blank, other, larger, encoded(blank, compress_level=0)))
    assert pairs.tolist() == [[0, 3]]


def test_shape_counts():
    stretched = photo(5).resize((480, 240))
    assert not same(photo(5), stretched)


def test_transparent_drawings_are_seen_on_white():
    def drawn(box, ink=(0, 0, 0, 255)):
        image = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
        ImageDraw.Draw(image).rectangle(box, outline=ink, width=6)
        return image

    on_white = Image.new("RGBA", (200, 200), "white")
    on_white.alpha_composite(drawn((20, 30, 120, 160)))
    assert same(drawn((20, 30, 120, 160)), on_white.convert("RGB"))
    assert not same(drawn((20, 30, 120, 160)), drawn((80, 30, 190, 160)))  # black on black without the background
    # White on transparent is blank on white: nothing to compare, and the transparency tells them apart.
    white = (255, 255, 255, 255)
    assert not same(drawn((20, 30, 120, 160), white), drawn((80, 30, 190, 160), white))


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA", "CMYK", "I;16"])
def test_every_mode_has_a_mark(mode):
    image = (
        photo(6).convert(mode) if mode != "I;16" else Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30))
    )
    found = mark(encoded(image, "TIFF" if mode == "CMYK" else "PNG"))
    assert len(found.thumbnail) == marks.THUMBNAIL_BYTES


@pytest.mark.parametrize("data", [b"", b"no picture", encoded(photo(7))[:2000]])
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(DataError, match="not a readable picture"):
        mark(data)


def test_the_hash_is_the_sign_of_low_frequencies():
    from scipy.fft import dctn

    cells = np.asarray(photo(8).resize((32, 32)))
    waves = dctn(cells @ np.array([0.299, 0.587, 0.114]), norm="ortho")
    order = sorted(((i, j) for i in range(32) for j in range(32)), key=lambda p: (sum(p), p))[1:65]
    values = np.array([waves[p] for p in order])
    assert f"{marks.perceptual_hash(cells):064b}" == "".join("1" if v > np.median(values) else "0" for v in values)


hashes = st.lists(st.integers(0, 2**64 - 1), min_size=0, max_size=12)


@given(hashes, st.integers(0, 20), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_candidates_are_all_pairs_within_the_distance(values, bits, random):
    close = [v ^ sum(1 << random.randrange(64) for _ in range(random.randrange(9))) & (2**64 - 1) for v in values]
    values = np.array(values + close, dtype=np.uint64)
    expected = {
        (i, j)
        for i in range(len(values))
        for j in range(i + 1, len(values))
        if int(values[i] ^ values[j]).bit_count() <= bits
    }
    found = [tuple(p) for pairs in near.candidates(near.sign_matrix(values), bits) for p in pairs.tolist()]
    assert len(found) == len(set(found))
    assert set(found) == expected


def slow_pairs(found):
    """The definition, pair by pair, in plain numbers."""
    frame, cells = found.frame, found.thumbnails(np.arange(len(found))).astype(float)
    deviation = cells - cells.mean(axis=1, keepdims=True)
    energy = (deviation**2).sum(axis=(1, 2))
    aspect = np.log(frame["width"] / frame["height"])
    pairs = set()
    for i in range(len(frame)):
        for j in range(i + 1, len(frame)):
            if frame["pixel_hash"][i] == frame["pixel_hash"][j]:
                pairs.add((i, j))
                continue
            detailed = min(energy[i], energy[j]) >= near.DETAIL**2 * 3072
            bits = (int(frame["phash"][i]) ^ int(frame["phash"][j])).bit_count()
            relative = ((deviation[i] - deviation[j]) ** 2).sum() / max((energy[i] + energy[j]) / 2, 1e-9)
            worst = np.abs(cells[i] - cells[j]).max()
            alike = bits <= 8 and relative <= near.DIFFERENCE and worst <= near.CELL_DIFFERENCE
            if detailed and alike and abs(aspect[i] - aspect[j]) <= near.ASPECT:
                pairs.add((i, j))
    return pairs


def test_pairs_against_the_plain_definition(monkeypatch):
    monkeypatch.setattr(near, "_BLOCK", 7)
    monkeypatch.setattr(near, "_CHUNK", 5)
    rng = np.random.default_rng(1)
    images = [photo(k) for k in range(6)] + [chart(rng.integers(20, 200, 5)) for _ in range(4)]
    copies = [COPIES[name](images[k]) for k, name in enumerate(list(COPIES) * 1)]
    blank = Image.new("RGB", (30, 30), "white")
    found = marked(*images, *copies, blank, Image.new("RGB", (30, 30), (254, 254, 254)))
    fast = {tuple(sorted(pair)) for pair in near.same_pictures(found).tolist()}
    assert fast == slow_pairs(found)
    assert len(fast) == len(copies)


def test_many_equal_pictures_are_a_chain_not_all_pairs():
    found = marked(*[photo(9)] * 50)
    assert near.same_pictures(found).tolist() == [[0, k] for k in range(1, 50)]


def write(folder, name, data):
    (folder / name).write_bytes(data)
    where = {"path": name, "offset": 0, "length": len(data), "encoding": "file"}
    return {**where, "width": 1, "height": 1, "content_hash": name.split(".")[0]}


@pytest.fixture
def references(tmp_path):
    found = [write(tmp_path, f"{k}.png", encoded(photo(k, (40, 30)))) for k in range(5)]
    return [*found, write(tmp_path, "8.png", b"damaged"), {**found[0], "path": "gone.png", "content_hash": "9"}]


def test_pictures_are_listed_and_what_cannot_be_read_is_named(references, tmp_path):
    found = picture_table(references, tmp_path)
    assert found.frame["content_hash"].tolist() == ["0", "1", "2", "3", "4", "8", "9"]
    assert set(found.unreadable) == {"8", "9"}
    assert "8.png at byte 0" in found.unreadable["8"]
    assert len(found.readable) == 5
    path = tmp_path / "pictures.parquet"
    tables.write_table(path, found.frame, COLUMNS)
    again = PictureTable.read(path)
    assert again.rows() == found.rows()
    expected = [mark((tmp_path / f"{k}.png").read_bytes()).phash for k in range(5)]
    assert max(expected) > 2**63  # a whole 64-bit number survives beside pictures without a hash
    assert [int(v) for v in again.readable.frame["phash"]] == expected


def test_only_new_pictures_are_decoded(references, tmp_path, monkeypatch):
    before = picture_table(references[:3], tmp_path)
    decoded, lock = [], threading.Lock()

    def counted(data):
        with lock:
            decoded.append(data)
        return mark(data)

    monkeypatch.setattr(table.marks, "mark", counted)
    after = picture_table(references[1:5], tmp_path, before)
    assert len(decoded) == 2
    assert after.frame["content_hash"].tolist() == ["1", "2", "3", "4"]
    pd.testing.assert_frame_equal(after.frame, picture_table(references[1:5], tmp_path).frame)


def test_a_picture_that_could_not_be_read_is_tried_again(references, tmp_path):
    before = picture_table(references[5:6], tmp_path)
    (tmp_path / "8.png").write_bytes(encoded(photo(8, (40, 30))))
    assert picture_table(references[5:6], tmp_path, before).unreadable == {}


def test_the_folder_is_needed_only_for_new_pictures(references, tmp_path):
    known = picture_table(references[:2], tmp_path)
    assert len(picture_table(references[:2], tmp_path / "gone", known)) == 2
    with pytest.raises(StateError, match="no folder"):
        picture_table(references[:3], tmp_path / "gone", known)


def test_distinct_pictures_are_the_first_of_each_hash(references):
    column = pa.chunked_array(
        [
            [[references[1], references[0]], []],
            [[{**references[0], "path": "other.png"}, {**references[2], "content_hash": ""}]],
        ],
        tables.SAMPLES.field("images").type,
    )
    found = distinct_pictures(column)
    assert [(r["content_hash"], r["path"]) for r in found] == [("0", "0.png"), ("1", "1.png")]
    assert distinct_pictures(column.slice(0, 0)) == []
    assert len(picture_table([], Path("nowhere"))) == 0
