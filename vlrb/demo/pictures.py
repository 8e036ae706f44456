"""Demo pictures: one scene painted as one picture or as panels, with the marked part in a dashed frame."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw

from vlrb.demo.constants import KINDS
from vlrb.demo.kinds import PAINTERS
from vlrb.demo.scenes import Scene
from vlrb.demo.textures import FRAME, INK, SCALE, Box, font, steps

SIZES = ((256, 256), (288, 224), (240, 272))  # final pixels
GUTTER = 12


def draw_picture(rng: np.random.Generator, scene: Scene, kind: int, fine: int) -> Image.Image:
    """Paint a scene (attribute codes as in `vlrb.demo.constants`); returns an RGB picture of one of SIZES."""
    width, height = (SCALE * v for v in SIZES[int(rng.integers(len(SIZES)))])
    image = Image.new("RGB", (width, height), (255, 255, 255))
    boxes: list[Box] = []
    panels = _panel_boxes(scene.panels, width, height, sideways=bool(rng.integers(2)))
    for number, panel in enumerate(panels):
        entries = list(scene.entries[number * scene.per_panel : (number + 1) * scene.per_panel])
        boxes += PAINTERS[kind](image, panel, entries, fine, rng)
    draw = ImageDraw.Draw(image)
    if scene.panels > 1:
        _separate(draw, panels, width, height)
    left, top, right, bottom = zip(*(boxes[i] for i in scene.marked), strict=True)
    _dashed(draw, (min(left) - 5, min(top) - 5, max(right) + 5, max(bottom) + 5), width, height)
    return image.reduce(SCALE)


def encode_picture(image: Image.Image, kind: int) -> bytes:
    """Return the picture as a file: JPEG for photos, PNG for everything drawn."""
    buffer = BytesIO()
    if KINDS[kind] == "photo":
        image.save(buffer, "JPEG", quality=88)
    else:
        image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _panel_boxes(panels: int, width: int, height: int, *, sideways: bool) -> list[Box]:
    if panels == 1:
        return [(0, 0, width, height)]
    half = GUTTER // 2 + 4
    left, right = (4, width / 2 - half), (width / 2 + half, width - 4)
    top, bottom = (4, height / 2 - half), (height / 2 + half, height - 4)
    if panels == 4:
        spans = [(left, top), (right, top), (left, bottom), (right, bottom)]
    elif sideways:
        spans = [(left, (4, height - 4)), (right, (4, height - 4))]
    else:
        spans = [((4, width - 4), top), ((4, width - 4), bottom)]
    return [(round(x[0]), round(y[0]), round(x[1]), round(y[1])) for x, y in spans]


def _separate(draw: ImageDraw.ImageDraw, panels: list[Box], width: int, height: int) -> None:
    """Cover what was painted outside the panels, outline each panel and give it a letter."""
    cx, cy, half = width / 2, height / 2, GUTTER // 2 + 3
    if panels[0][2] < width / 2:
        draw.rectangle((cx - half, 0, cx + half, height), fill=(255, 255, 255))
    if panels[0][3] < height / 2:
        draw.rectangle((0, cy - half, width, cy + half), fill=(255, 255, 255))
    for letter, panel in zip("abcd", panels, strict=False):
        draw.rectangle(panel, outline=INK, width=5)
        tag = (panel[0], panel[1], panel[0] + 26, panel[1] + 26)
        draw.rectangle(tag, fill=INK)
        draw.text((panel[0] + 13, panel[1] + 12), letter, fill=(255, 255, 255), font=font(22), anchor="mm")


def _dashed(draw: ImageDraw.ImageDraw, box: Box, width: int, height: int) -> None:
    x0, y0 = max(box[0], 3), max(box[1], 3)
    x1, y1 = min(box[2], width - 4), min(box[3], height - 4)
    for x in steps(x0, x1, 24):
        for y in (y0, y1):
            draw.line((x, y, min(x + 14, x1), y), fill=FRAME, width=5)
    for y in steps(y0, y1, 24):
        for x in (x0, x1):
            draw.line((x, y, x, min(y + 14, y1)), fill=FRAME, width=5)
