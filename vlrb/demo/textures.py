"""Textures of the demo's pictures: forests, brick walls, printed text. Each is made once and cut from many times."""

from functools import cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

SCALE = 2
LETTERS = (18, 12, 8)  # letter height in final pixels by fineness
PITCHES = (24, 11, 5)  # texture pitch in final pixels by fineness
INK = (38, 42, 50)
FRAME = (226, 24, 44)  # of the marked part
Box = tuple[float, float, float, float]
Colour = tuple[int, int, int]


@cache
def font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font that ships with Pillow, so that pictures are the same on every machine."""
    return ImageFont.load_default(height)


def steps(start: float, stop: float, by: float) -> list[float]:
    """Return start, start + by, … before `stop`."""
    return [float(v) for v in np.arange(start, stop, by)]


def tint(colour: Colour, share: float, towards: Colour = (255, 255, 255)) -> Colour:
    """Return a colour mixed with another."""
    r, g, b = (round(c + (t - c) * share) for c, t in zip(colour, towards, strict=True))
    return r, g, b


_SKIES = (((88, 148, 214), (226, 238, 246)), ((226, 132, 92), (252, 222, 168)), ((128, 158, 188), (236, 234, 226)))
_LANDS = ((142, 186, 120), (206, 178, 112), (126, 176, 160))


def landscape(width: int, height: int, fine: int, rng: np.random.Generator) -> Image.Image:
    """Return sky, sun, two mountain ridges and a forest whose trees are as large as the fineness says."""
    top, bottom = _SKIES[int(rng.integers(len(_SKIES)))]
    land = _LANDS[int(rng.integers(len(_LANDS)))]
    y, x = np.linspace(0, 1, 48)[:, None], np.linspace(0, 1, 48)[None, :]
    sun = np.exp(-((x - rng.uniform(0.15, 0.85)) ** 2 + (y - rng.uniform(0.06, 0.2)) ** 2) / 0.01)[..., None]
    sky = np.array(top) + np.minimum(y[..., None] * 1.8, 1) * (np.array(bottom) - np.array(top)) + sun * 90
    sky = np.clip(sky + rng.normal(0, 2, sky.shape), 0, 255).astype(np.uint8)
    image = Image.fromarray(sky).resize((width, height), Image.Resampling.BICUBIC)
    draw, spots = ImageDraw.Draw(image), np.arange(0, width + 8, 8)
    for share, horizon in ((0.62, 0.34), (0.36, 0.44)):
        draw.polygon(_ridge(spots, horizon, width, height, rng), fill=tint(tint(land, 0.5, INK), share, bottom))
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).polygon(_ridge(spots, 0.54, width, height, rng), fill=255)
    left, up = (int(v) for v in rng.integers(0, 300, size=2))
    trees = _forest(fine).crop((left, up, left + width, up + height))
    image.paste(ImageChops.multiply(trees, Image.new("RGB", (width, height), land)), (0, 0), mask)
    return image


def _ridge(x: np.ndarray, horizon: float, width: int, height: int, rng: np.random.Generator) -> list[float]:
    a, b, c = rng.uniform(0, 6, 3)
    u = x / width
    y = height * (horizon + 0.06 * np.sin(5 * u + a) + 0.03 * np.sin(11 * u + b) + 0.012 * np.sin(29 * u + c))
    return [*np.stack([x, y], axis=1).ravel().tolist(), width + 8, height, 0, height]


@cache
def _forest(fine: int) -> Image.Image:
    """Return a large wood of firs in grey, planted once for each tree size and cut from for every photo."""
    wide = PITCHES[fine] * SCALE
    rng = np.random.default_rng(0)
    wood = Image.new("RGB", (1000, 1000), (150, 150, 150))
    draw = ImageDraw.Draw(wood)
    for i, y in enumerate(steps(0, 1000 + 2 * wide, 0.8 * wide)):
        for x in steps(-wide + 0.5 * wide * (i % 2), 1000 + wide, wide):
            cx, base = x + float(rng.uniform(-0.2, 0.2)) * wide, y + float(rng.uniform(-0.15, 0.15)) * wide
            shade = int(rng.integers(70, 215))
            tall = float(rng.uniform(1.3, 1.8)) * wide
            crown = [(cx - 0.48 * wide, base), (cx, base - tall), (cx + 0.48 * wide, base)]
            draw.polygon(crown, fill=(shade, min(shade + 24, 255), shade))
            draw.polygon([crown[1], crown[2], (cx, base)], fill=(shade * 2 // 3, (shade + 24) * 2 // 3, shade * 2 // 3))
    return wood


@cache
def brick_wall(fine: int) -> Image.Image:
    """Return a large brick wall, built once for each pitch and cut from for every sign."""
    high = PITCHES[fine] * SCALE
    wall = Image.new("RGB", (1400, 1400), (206, 196, 186))
    draw, rng = ImageDraw.Draw(wall), np.random.default_rng(0)
    gap = max(2, high // 6)
    for i, y in enumerate(range(0, 1400, high)):
        for x in range(-2 * high * (i % 2) // 2, 1400, 2 * high):
            shade = int(rng.integers(-12, 13))
            fill = (168 + shade, 108 + shade, 88 + shade)
            draw.rectangle((x, y, x + 2 * high - gap - 1, y + high - gap - 1), fill=fill)
    return wall


@cache
def printed_text(fine: int) -> Image.Image:
    """Return a large block of body text, printed once for each letter height and cut from for every page."""
    words = "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they"
    rng, text = np.random.default_rng(0), font(LETTERS[fine] * SCALE)
    block = Image.new("L", (1200, 1200), 255)
    draw, pool = ImageDraw.Draw(block), words.split()
    for y in range(0, 1200, round(LETTERS[fine] * SCALE * 1.45)):
        line = " ".join(pool[i] for i in rng.integers(len(pool), size=160 // (1 + LETTERS[fine] // 8)))
        draw.text((0, y), line, fill=96, font=text)
    return block
