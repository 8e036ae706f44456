"""Picture statistics: a vision encoder that needs no download and no training.

It describes what a picture is made of rather than what it shows: colours, where edges run and how strong they are, how
large the detail is, and how the picture is divided.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from vlrb.encoders.base import VisionEncoder
from vlrb.utils.errors import ConfigError

if TYPE_CHECKING:
    from PIL.Image import Image

_DIRECTIONS = 8
_BANDS = 5
_COLOURS = 4  # levels of each of R, G and B
_STRENGTHS = 12
_SPACINGS = 14
_EDGE = 20  # step in brightness (of 255) that counts as an edge
_PERIODS = 16
_FLOOR = 1e-4


class PictureStatistics(VisionEncoder):
    """Statistics of colour, edge direction, detail size and layout.

    Parts: joint colour histogram; mean and spread of each colour channel on a grid; edge directions on a grid (as in
    histograms of oriented gradients, Dalal and Triggs 2005); strength of detail in octave bands on a grid (a Laplacian
    pyramid, Burt and Adelson 1983) and its power by period across and down; edge strengths; and, for columns and rows,
    edge and brightness profiles that show gutters and borders.

    Args:
        size: Every picture is first scaled to size × size pixels; a multiple of 32 is best.
        grid: Cells across and down.
        profile: Points of each profile.

    Raises:
        ConfigError: A number is out of range.
    """

    name = "picture_statistics"
    revision = "1"

    def __init__(self, size: int = 224, grid: int = 3, profile: int = 16) -> None:
        if size < 64:
            raise ConfigError(f"size must be at least 64, got {size}")
        if not 1 <= grid <= size // 32:
            raise ConfigError(f"grid must be between 1 and size / 32 = {size // 32}, got {grid}")
        if not 2 <= profile <= size // 2:
            raise ConfigError(f"profile must be between 2 and size / 2 = {size // 2}, got {profile}")
        self.size, self.grid, self.profile = size, grid, profile
        cells = grid * grid
        self.dim = (
            _COLOURS**3
            + cells * (6 + _DIRECTIONS + _BANDS)
            + _BANDS
            + 2 * _PERIODS
            + _STRENGTHS
            + 2 * _SPACINGS
            + 8 * profile
        )

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"size": self.size, "grid": self.grid, "profile": self.profile}

    def encode(self, images: "list[Image]") -> np.ndarray:
        """Return (B, D) float32."""
        rows = np.empty((len(images), self.dim), np.float32)
        for row, image in zip(rows, images, strict=True):
            row[:] = self._describe(image)
        return rows

    def _describe(self, image: "Image") -> np.ndarray:
        from PIL.Image import Resampling

        scaled = image.convert("RGB").resize((self.size, self.size), Resampling.BILINEAR, reducing_gap=2.0)
        levels = np.asarray(scaled.convert("L")).astype(np.int16)
        across, down = np.zeros_like(levels), np.zeros_like(levels)
        across[:, 1:-1] = levels[:, 2:] - levels[:, :-2]
        down[1:-1] = levels[2:] - levels[:-2]
        edges = np.flatnonzero(across | down)  # drawings are flat almost everywhere
        steps = across.ravel()[edges], down.ravel()[edges]
        strength = np.hypot(*steps, dtype=np.float32) / np.float32(255)
        gray = levels.astype(np.float32) / np.float32(255)
        colours = np.asarray(scaled)[::2, ::2]  # colours are smooth enough for every other pixel
        return np.concatenate(
            [
                _colour_histogram(colours),
                _colour_moments(colours.astype(np.float32) / np.float32(255), self.grid),
                _directions(edges, steps, strength, (self.size, self.grid)),
                _detail(gray, self.grid),
                _periods(gray),
                _strengths(strength, levels.size),
                _spacings(across),
                _spacings(down.T),
                _profile(levels, across, down, self.profile),
                _profile(levels.T, down.T, across.T, self.profile),
            ]
        )


def _cell_means(values: np.ndarray, cells: int) -> np.ndarray:
    """Return means of (H, W, ...) over a cells × cells grid, flat."""
    bounds_y, bounds_x = (np.arange(cells) * n // cells for n in values.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(values, bounds_y, axis=0), bounds_x, axis=1)
    heights, widths = (np.diff(np.append(b, n)) for b, n in zip((bounds_y, bounds_x), values.shape[:2], strict=True))
    area = np.multiply.outer(heights, widths).astype(np.float32)
    return np.asarray(sums / area.reshape(area.shape + (1,) * (values.ndim - 2))).ravel()


def _colour_histogram(pixels: np.ndarray) -> np.ndarray:
    levels = (pixels >> 6).astype(np.int32)
    code = (levels[..., 0] * _COLOURS + levels[..., 1]) * _COLOURS + levels[..., 2]
    counts = np.bincount(code.ravel(), minlength=_COLOURS**3)
    return np.asarray(np.sqrt(counts / code.size))


def _colour_moments(colour: np.ndarray, cells: int) -> np.ndarray:
    mean = _cell_means(colour, cells)
    spread = np.sqrt(np.maximum(_cell_means(colour * colour, cells) - mean * mean, 0))
    return np.concatenate([mean, spread])


def _directions(
    edges: np.ndarray, steps: tuple[np.ndarray, np.ndarray], strength: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Return, per cell, the share of edge strength in each of eight undirected directions (square roots).

    Args:
        edges: Flat places of the pixels with an edge.
        steps: Their steps in brightness across and down, −255 … 255.
        strength: Their edge strengths.
        shape: Pixels and cells on a side.
    """
    size, cells = shape
    direction = _direction_table()[steps[0] + 255, steps[1] + 255]
    where = _cell_numbers(size, cells)[edges] * _DIRECTIONS + direction
    sums = np.bincount(where, strength, minlength=cells * cells * _DIRECTIONS).reshape(-1, _DIRECTIONS)
    floor = _FLOOR * size * size / cells**2
    return np.asarray(np.sqrt(sums / (sums.sum(axis=1, keepdims=True) + floor))).ravel()


@cache
def _direction_table() -> np.ndarray:
    """Return the undirected direction (0 … 7) for every pair of steps −255 … 255 across and down."""
    step = np.arange(-255, 256)
    angle = np.arctan2(step[None, :], step[:, None]) % np.pi
    return np.asarray(np.minimum((angle * (_DIRECTIONS / np.pi)).astype(np.uint8), _DIRECTIONS - 1))


@cache
def _cell_numbers(size: int, cells: int) -> np.ndarray:
    line = np.minimum(np.arange(size) * cells // size, cells - 1)
    return np.asarray(line[:, None] * cells + line[None, :]).ravel()


def _halved(gray: np.ndarray) -> np.ndarray:
    height, width = (n // 2 * 2 for n in gray.shape)
    even = gray[:height, :width]
    return np.asarray((even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4)


def _detail(gray: np.ndarray, cells: int) -> np.ndarray:
    """Return log strength of each octave band per cell, and each band's share of the whole picture's detail.

    A band holds the differences of 2 × 2 pixels from their mean m; their mean square is the mean of squares minus m².
    """
    logs, totals = [], []
    for _ in range(_BANDS):
        coarse = _halved(gray)
        energy = np.maximum(_halved(gray * gray) - coarse * coarse, 0)
        logs.append(np.log(_cell_means(energy, cells) + _FLOOR) / -np.log(_FLOOR) + 1)
        totals.append(float(energy.mean()))
        gray = coarse
    shares = np.array(totals) / (np.sum(totals) + _FLOOR)
    return np.concatenate([*logs, shares])


def _periods(gray: np.ndarray) -> np.ndarray:
    """Return the share of detail at each period (log-spaced from 2 pixels to half the picture), across and down."""
    parts = []
    for lines in (gray[::2], gray.T[::2]):
        power = np.abs(np.fft.rfft(lines - lines.mean(axis=1, keepdims=True), axis=1)) ** 2
        edges = _period_edges(lines.shape[1])
        spectrum = np.add.reduceat(power.mean(axis=0)[1:], edges)
        parts.append(np.sqrt(spectrum / (spectrum.sum() + _FLOOR)))
    return np.concatenate(parts)


@cache
def _period_edges(size: int) -> np.ndarray:
    """Return where each of _PERIODS log-spaced groups of frequencies 1 … size/2 begins."""
    wanted = np.geomspace(1, size // 2, _PERIODS + 1)[:-1]
    starts: list[int] = []
    for value in wanted:
        starts.append(max(round(value) - 1, starts[-1] + 1 if starts else 0))
    return np.array(starts)


def _strengths(strength: np.ndarray, pixels: int) -> np.ndarray:
    """Return the shares of pixels by edge strength (square roots), in doubling classes from 1/2048."""
    level = np.clip(np.floor(np.log2(strength)) + _STRENGTHS - 1, 0, _STRENGTHS - 1).astype(np.int64)
    counts = np.bincount(level, minlength=_STRENGTHS)
    counts[0] += pixels - len(strength)
    return np.asarray(np.sqrt(counts / pixels))


def _spacings(change: np.ndarray) -> np.ndarray:
    """Return how far apart edges are along the lines of a picture: shares of gaps by length (square roots).

    An edge is where brightness crosses from rising to falling or flat; lengths are in classes of half an octave from 2.
    """
    sign = (change > _EDGE).astype(np.int8) - (change < -_EDGE)
    places = np.flatnonzero((sign[:, 1:] != sign[:, :-1]) & (sign[:, 1:] != 0))
    gaps = np.diff(places)
    gaps = gaps[places[1:] // (sign.shape[1] - 1) == places[:-1] // (sign.shape[1] - 1)]
    level = np.clip(2 * np.log2(np.maximum(gaps, 2)) - 2, 0, _SPACINGS - 1).astype(np.int64)
    counts = np.bincount(level, minlength=_SPACINGS)
    return np.asarray(np.sqrt(counts / (counts.sum() + 1)))


def _profile(levels: np.ndarray, edge: np.ndarray, other: np.ndarray, points: int) -> np.ndarray:
    """Return, from left to right: the strongest column of edges, darkest, brightest and mean column.

    A gutter or border is a column that is even from end to end: its darkest and brightest parts are the same.

    Args:
        levels: Brightness 0 … 255.
        edge: Steps in brightness from left to right.
        other: Steps in the other direction.
        points: Points of each profile.
    """
    size = levels.shape[1]
    starts = np.arange(points) * size // points
    straight, rough = (np.abs(steps).mean(axis=0) / 255 for steps in (edge, other))
    ordered = np.sort(levels[::4], axis=0) / np.float32(255)
    tenth = len(ordered) // 10
    return np.concatenate(
        [
            np.maximum.reduceat(straight, starts),
            np.minimum.reduceat(ordered[-1 - tenth], starts),
            np.maximum.reduceat(ordered[tenth], starts),
            np.add.reduceat(rough, starts) * (points / size),
        ]
    )
