"""The five kinds of picture: photo, diagram, chart, page, sign. Each paints entries into one panel.

All painting is done at twice the final size and reduced once at the end, which smooths every edge. `fine` sets the
letter height and the pitch of the smallest texture, so that small detail can be seen as such in every kind.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vlrb.demo.scenes import COLOURS, Entry
from vlrb.demo.textures import INK, LETTERS, PITCHES, SCALE, Box, brick_wall, font, landscape, printed_text, steps, tint

Painter = Callable[[Image.Image, Box, list[Entry], int, np.random.Generator], list[Box]]


def letters(fine: int, width: float, text: str) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font for a fineness, smaller only where `text` would not fit into `width`."""
    height = LETTERS[fine] * SCALE
    return font(max(12, int(height * min(1.0, width / font(height).getlength(text)))))


def _rows(box: Box, count: int, gap: float) -> list[Box]:
    x0, y0, x1, y1 = box
    height = (y1 - y0 - gap * (count - 1)) / count
    return [(x0, y0 + i * (height + gap), x1, y0 + i * (height + gap) + height) for i in range(count)]


def _inner(box: Box, margin: float) -> Box:
    return box[0] + margin, box[1] + margin, box[2] - margin, box[3] - margin


def paint_chart(image: Image.Image, box: Box, entries: list[Entry], fine: int, rng: np.random.Generator) -> list[Box]:
    """Paint horizontal bars or dots on stems over a scale; the bar length is the number."""
    draw = ImageDraw.Draw(image)
    draw.rectangle(box, fill=(255, 255, 255))
    x0, y0, x1, y1 = _inner(box, 12)
    longest = max((e.place for e in entries), key=len)
    text = letters(fine, (x1 - x0) * 0.42, longest)
    left = x0 + text.getlength(longest) + 10
    step, pitch = (x1 - left - 52) / 9, PITCHES[fine] * SCALE
    for x in steps(left, x1, pitch):
        draw.line((x, y0, x, y1 - 10), fill=(196, 204, 216), width=2)
    for y in steps(y1 - 10, y0, -pitch):
        draw.line((left, y, x1, y), fill=(196, 204, 216), width=2)
    for x in steps(left, x1, pitch):
        draw.line((x, y1 - 10, x, y1), fill=INK, width=2)
    draw.line((left, y0, left, y1 - 8, x1, y1 - 8), fill=INK, width=4)
    bars, boxes = bool(rng.integers(2)), []
    for entry, row in zip(entries, _rows((left, y0 + 4, x1, y1 - 18), len(entries), 8), strict=True):
        end, middle, colour = left + step * entry.number, (row[1] + row[3]) / 2, COLOURS[entry.colour]
        thick = min(row[3] - row[1], 52) / 2
        if bars:
            draw.rectangle((left + 2, middle - thick, end, middle + thick), fill=colour)
            for x in steps(left + 2, end - pitch / 2, pitch):
                draw.rectangle((x, middle - thick, x + pitch / 2, middle + thick), fill=tint(colour, 0.3))
        else:
            draw.line((left + 2, middle, end, middle), fill=colour, width=10)
            radius = min(thick, 16)
            draw.ellipse((end - radius, middle - radius, end + radius, middle + radius), fill=colour)
        draw.text((left - 8, middle), entry.place, fill=INK, font=text, anchor="rm")
        draw.text((end + (6 if bars else 20), middle), str(entry.number), fill=INK, font=text, anchor="lm")
        boxes.append((x0, row[1], x1, row[3]))
    return boxes


def paint_diagram(image: Image.Image, box: Box, entries: list[Entry], fine: int, rng: np.random.Generator) -> list[Box]:
    """Paint linked nodes on squared paper."""
    draw = ImageDraw.Draw(image)
    draw.rectangle(box, fill=(250, 252, 255))
    pitch = PITCHES[fine] * SCALE
    for x in steps(box[0] + pitch / 2, box[2], pitch):
        draw.line((x, box[1], x, box[3]), fill=(176, 200, 234), width=2)
    for y in steps(box[1] + pitch / 2, box[3], pitch):
        draw.line((box[0], y, box[2], y), fill=(176, 200, 234), width=2)
    columns = 2 if len(entries) > 3 else 1
    lines = -(-len(entries) // columns)
    boxes: list[Box] = []
    for i, row in enumerate(_rows(_inner(box, 14), lines, 24)):
        width = (row[2] - row[0] - 28 * (columns - 1)) / columns
        for j in range(min(columns, len(entries) - i * columns)):
            shift = 0.18 * width * (i % 2) if columns == 1 else 0
            x = row[0] + j * (width + 28) + shift
            boxes.append((x, row[1], x + width - (0.18 * width if columns == 1 else 0), row[3]))
    centres = [((b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for b in boxes]
    for start, end in pairwise(centres):
        draw.line((*start, *end), fill=INK, width=5)
    shape = int(rng.integers(3))
    for entry, node in zip(entries, boxes, strict=True):
        _node(draw, node, entry, fine, shape)
    return boxes


def _node(draw: ImageDraw.ImageDraw, node: Box, entry: Entry, fine: int, shape: int) -> None:
    colour, middle = COLOURS[entry.colour], (node[1] + node[3]) / 2
    high = min((node[3] - node[1]) / 2, 56)
    body = (node[0], middle - high, node[2], middle + high)
    pale = tint(colour, 0.72)
    if shape == 0:
        draw.rounded_rectangle(body, 16, fill=pale, outline=colour, width=6)
    elif shape == 1:
        draw.ellipse(body, fill=pale, outline=colour, width=6)
    else:
        cut = 0.12 * (body[2] - body[0])
        draw.polygon(
            [
                (body[0] + cut, body[1]), (body[2] - cut, body[1]), (body[2], middle),
                (body[2] - cut, body[3]), (body[0] + cut, body[3]), (body[0], middle),
            ],
            fill=pale,
            outline=colour,
            width=6,
        )  # fmt: skip
    text = letters(fine, (node[2] - node[0]) * 0.74, f"{entry.place} {entry.number}")
    draw.text(((node[0] + node[2]) / 2, middle), f"{entry.place} {entry.number}", fill=INK, font=text, anchor="mm")


def paint_page(image: Image.Image, box: Box, entries: list[Entry], fine: int, rng: np.random.Generator) -> list[Box]:
    """Paint a printed page: a heading, body text and a list with one line per entry."""
    draw = ImageDraw.Draw(image)
    draw.rectangle(box, fill=(252, 249, 240))
    x0, y0, x1, y1 = _inner(box, 16)
    pitch = round(LETTERS[fine] * SCALE * 1.45)
    draw.rectangle((x0, y0, x0 + (x1 - x0) * 0.6, y0 + 14), fill=(70, 74, 88))
    y0 += 30
    row = min((y1 - y0) / len(entries), max(1.7 * LETTERS[fine] * SCALE, 30))
    lines = max(int((y1 - y0 - row * len(entries)) // pitch), 0)
    above = int(rng.integers(lines + 1))
    block, corner = printed_text(fine), pitch * int(rng.integers(3))
    for top, count in ((y0, above), (y0 + above * pitch + row * len(entries) + 6, lines - above)):
        if count:
            part = block.crop((0, corner, int(x1 - x0), corner + count * pitch - 2))
            image.paste(Image.merge("RGB", (part, part, part.point(lambda v: v * 0.94))), (int(x0), int(top)))
    boxes = []
    for i, entry in enumerate(entries):
        top = y0 + above * pitch + i * row
        text = letters(fine, (x1 - x0) * 0.7, entry.place)
        mark = min(row * 0.36, 13)
        middle = top + row / 2
        draw.ellipse((x0, middle - mark, x0 + 2 * mark, middle + mark), fill=COLOURS[entry.colour])
        draw.text((x0 + 2 * mark + 10, middle), entry.place, fill=INK, font=text, anchor="lm")
        draw.text((x1 - 4, middle), str(entry.number), fill=INK, font=text, anchor="rm")
        draw.line((x0, top + row - 2, x1, top + row - 2), fill=(178, 172, 158), width=2)
        boxes.append((x0, top, x1, top + row))
    return boxes


_PLATES = ((28, 104, 76), (30, 78, 158), (132, 30, 46), (60, 62, 74))


def paint_sign(image: Image.Image, box: Box, entries: list[Entry], fine: int, rng: np.random.Generator) -> list[Box]:
    """Paint a road sign in front of a brick wall."""
    draw = ImageDraw.Draw(image)
    x0, y0, x1, y1 = (round(v) for v in box)
    cut = 2 * PITCHES[fine] * SCALE * int(rng.integers(3))
    image.paste(brick_wall(fine).crop((cut, cut, cut + x1 - x0, cut + y1 - y0)), (x0, y0))
    plate = _PLATES[int(rng.integers(len(_PLATES)))]
    margin = 0.11 * min(x1 - x0, y1 - y0)
    board = _inner((x0, y0, x1, y1), margin)
    for x in (x0 + 0.3 * (x1 - x0), x0 + 0.7 * (x1 - x0)):
        draw.rectangle((x - 9, board[3] - 20, x + 9, y1), fill=(120, 126, 134), outline=(84, 88, 96))
    draw.rounded_rectangle(board, 22, fill=(245, 246, 248))
    draw.rounded_rectangle(_inner(board, 6), 18, fill=plate)
    rows = _rows(_inner(board, 18), len(entries), 6)
    for entry, row in zip(entries, rows, strict=True):
        middle, mark = (row[1] + row[3]) / 2, min((row[3] - row[1]) * 0.3, 15)
        text = letters(fine, row[2] - row[0] - 2 * mark - 24 - LETTERS[fine] * SCALE, entry.place)
        spot = (row[0] + 2, middle - mark, row[0] + 2 + 2 * mark, middle + mark)
        draw.ellipse(spot, fill=COLOURS[entry.colour], outline=(255, 255, 255), width=3)
        draw.text((spot[2] + 8, middle), entry.place, fill=(255, 255, 255), font=text, anchor="lm")
        draw.text((row[2] - 4, middle), str(entry.number), fill=(255, 255, 255), font=text, anchor="rm")
    return rows


def paint_photo(image: Image.Image, box: Box, entries: list[Entry], fine: int, rng: np.random.Generator) -> list[Box]:
    """Paint a landscape in evening or day light, with name boards standing in the grass."""
    x0, y0, x1, y1 = (round(v) for v in box)
    image.paste(landscape(x1 - x0, y1 - y0, fine, rng), (x0, y0))
    draw = ImageDraw.Draw(image)
    columns = 2 if len(entries) > 3 else 1
    lines = -(-len(entries) // columns)
    top = y0 + 0.2 * (y1 - y0) if lines < 3 else y0 + 0.08 * (y1 - y0)
    boxes: list[Box] = []
    for i, row in enumerate(_rows((x0 + 14, top, x1 - 14, y1 - 14), lines, 14)):
        width = (row[2] - row[0] - 18 * (columns - 1)) / columns
        lefts = [row[0] + j * (width + 18) for j in range(min(columns, len(entries) - i * columns))]
        boxes += [(left, row[1], left + width, row[3]) for left in lefts]
    for entry, place in zip(entries, boxes, strict=True):
        text = letters(fine, (place[2] - place[0]) * 0.82, f"{entry.place} {entry.number}")
        label = f"{entry.place} {entry.number}"
        half = min(text.getlength(label) / 2 + 16, (place[2] - place[0]) / 2)
        high = min(LETTERS[fine] * SCALE * 0.85 + 8, (place[3] - place[1]) * 0.4)
        cx, cy = (place[0] + place[2]) / 2, place[1] + high + 4
        colour = COLOURS[entry.colour]
        draw.rectangle((cx - 4, cy, cx + 4, place[3]), fill=(92, 70, 50))
        draw.rounded_rectangle((cx - half, cy - high, cx + half, cy + high), 8, fill=(250, 248, 240))
        draw.rounded_rectangle((cx - half, cy - high, cx + half, cy + high), 8, outline=colour, width=6)
        draw.text((cx, cy), label, fill=INK, font=text, anchor="mm")
    return boxes


PAINTERS: tuple[Painter, ...] = (paint_photo, paint_diagram, paint_chart, paint_page, paint_sign)
