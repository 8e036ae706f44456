"""Every kind of picture becomes the RGB that a person would see, from real files in memory."""

import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vlrb.sources.pictures import PictureReader
from vlrb.utils.errors import DataError

RED, CLEAR_BLACK = (200, 10, 20), (0, 0, 0, 0)


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def read(folder: Path, data: bytes, name: str = "p.bin") -> Image.Image:
    (folder / name).write_bytes(data)
    reference = {"path": name, "offset": 0, "length": len(data), "encoding": "file"}
    found = PictureReader(folder).open(reference)
    assert found.mode == "RGB"
    return found


def near(found: Image.Image, place: tuple[int, int], colour: tuple[int, int, int], within: int = 3) -> bool:
    return max(abs(a - b) for a, b in zip(found.getpixel(place), colour, strict=True)) <= within


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_transparent_is_white_and_opaque_is_untouched(tmp_path: Path, kind: str) -> None:
    picture = Image.new("RGBA", (4, 2), CLEAR_BLACK)
    picture.paste((*RED, 255), (0, 0, 2, 2))
    found = read(tmp_path, encoded(picture, kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert found.getpixel((0, 0)) == RED
    assert found.getpixel((3, 1)) == (255, 255, 255)


def test_half_transparent_is_mixed_with_white(tmp_path: Path) -> None:
    """Black at alpha 51/255 = 0.2 over white: 0.8 · 255 = 204."""
    assert read(tmp_path, encoded(Image.new("RGBA", (1, 1), (0, 0, 0, 51)), "PNG")).getpixel((0, 0)) == (204,) * 3


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_an_alpha_channel_that_hides_nothing_changes_no_pixel(tmp_path: Path, mode: str) -> None:
    values = np.random.default_rng(0).integers(0, 256, (9, 7, 4), dtype=np.uint8)
    values[..., 3] = 255
    picture = Image.fromarray(values).convert(mode)
    kind = "TIFF" if mode == "PA" else "PNG"
    if mode == "PA":
        picture = picture.convert("RGBA")
    np.testing.assert_array_equal(
        np.asarray(read(tmp_path, encoded(picture, kind))), np.asarray(picture.convert("RGB"))
    )


def test_a_palette_with_a_transparent_entry(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([0, 0, 0, *RED])
    picture.putpixel((1, 0), 1)
    for kind in ("PNG", "GIF"):
        found = read(tmp_path, encoded(picture, kind, transparency=0))
        assert (found.getpixel((0, 0)), found.getpixel((1, 0))) == ((255, 255, 255), RED)
        assert read(tmp_path, encoded(picture, kind)).getpixel((0, 0)) == (0, 0, 0)


def test_a_transparent_colour_of_a_grey_picture(tmp_path: Path) -> None:
    picture = Image.fromarray(np.array([[7, 90]], np.uint8))
    found = read(tmp_path, encoded(picture, "PNG", transparency=7))
    assert (found.getpixel((0, 0)), found.getpixel((1, 0))) == ((255,) * 3, (90,) * 3)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_cut_off(tmp_path: Path, kind: str) -> None:
    """0, 257 · 100, 65535 of 65535 are 0, 100, 255 of 255; Pillow's own conversion makes 0, 255, 255 of them."""
    values = np.array([[0, 25700, 65535]], np.uint16)
    found = np.asarray(read(tmp_path, encoded(Image.fromarray(values), kind)))
    assert found[0, :, 0].tolist() == [0, 100, 255]


def test_wide_numbers_are_stretched(tmp_path: Path) -> None:
    values = np.array([[-2.0, 0.0, 2.0]], np.float32)
    assert np.asarray(read(tmp_path, encoded(Image.fromarray(values), "TIFF")))[0, :, 0].tolist() == [0, 128, 255]


def test_cmyk(tmp_path: Path) -> None:
    picture = Image.new("RGB", (16, 16), RED).convert("CMYK")
    assert near(read(tmp_path, encoded(picture, "JPEG", quality=95)), (8, 8), RED, within=6)
    assert near(read(tmp_path, encoded(picture, "TIFF")), (8, 8), RED)


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_the_first_frame_of_an_animation_counts(tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, (0, 0, 255), (0, 255, 0))]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert Image.open(io.BytesIO(data)).n_frames == 3
    assert near(read(tmp_path, data), (8, 8), RED, within=6)


def test_a_note_of_the_cameras_position_turns_nothing(tmp_path: Path) -> None:
    picture = Image.new("RGB", (30, 20), RED)
    notes = Image.Exif()
    notes[0x0112] = 6  # shown turned by 90°
    assert read(tmp_path, encoded(picture, "JPEG", exif=notes)).size == (30, 20)


@pytest.mark.parametrize("size", [(1, 1), (20_000, 10), (3, 9_000)])
def test_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    assert read(tmp_path, encoded(Image.new("RGB", size, RED), "PNG")).size == size


def test_a_decompression_bomb_is_one_clear_error(tmp_path: Path) -> None:
    whole = encoded(Image.new("1", (1, 1)), "PNG")
    header = b"IHDR" + struct.pack(">II", 20_000, 20_000) + whole[24:29]  # 400 million pixels are announced
    data = whole[:12] + header + struct.pack(">I", zlib.crc32(header)) + whole[33:]
    with pytest.raises(DataError, match=r"p.bin at byte 0: not a readable picture \(Image size \(400000000 pixels\)"):
        read(tmp_path, data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
def test_cut_off_or_changed_bytes_give_a_picture_or_a_data_error(tmp_path: Path, kind: str) -> None:
    """Nothing else ever comes out: 60 damaged copies of each kind."""
    values = np.random.default_rng(1).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    whole, chance, messages = encoded(Image.fromarray(values), kind), random.Random(kind), list[str]()
    for _ in range(60):
        data = bytearray(whole[: chance.randrange(len(whole))] if chance.random() < 0.5 else whole)
        for _ in range(chance.randrange(6)):
            if data:
                data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            read(tmp_path, bytes(data))
        except DataError as error:
            messages.append(error.message)
    assert messages
    assert all(message.startswith("p.bin at byte 0: not a readable picture") for message in messages)
