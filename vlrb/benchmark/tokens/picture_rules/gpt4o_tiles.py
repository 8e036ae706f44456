"""The rule `gpt4o_tiles`: 85 tokens a picture, and in high detail 170 for every 512-pixel tile (GPT-4o, GPT-4 Turbo).

OpenAI's vision guide, "Calculating costs": a picture in high detail is scaled to fit into 2048 × 2048, then until its
shorter side is 768; the 512-pixel squares that cover it are counted. Low detail is 85 whatever the size. Pictures are
never enlarged (OpenAI's price calculator gives 255 for 150 × 150).
"""

from typing import Literal

import numpy as np

BASE, TILE = 85, 170
TILE_SIDE, LONG_LIMIT, SHORT_LIMIT = 512, 2048, 768


def gpt4o_tiles(sizes: np.ndarray, *, detail: Literal["high", "low"] = "high") -> np.ndarray:
    """Return the tokens of each picture, float64.

    Args:
        sizes: (P, 2) width and height in pixels, NaN = unknown (not used in low detail).
        detail: The API's `detail` of a picture.

    >>> # the guide's examples: 768 × 768, 2 · 2 tiles, 85 + 4 · 170; 768 × 1536, 2 · 3 tiles, 85 + 6 · 170
    >>> gpt4o_tiles(np.array([[1024.0, 1024.0], [2048.0, 4096.0]])).tolist()
    [765.0, 1105.0]
    >>> gpt4o_tiles(np.array([[4096.0, 8192.0]]), detail="low").tolist()
    [85.0]
    """
    if detail == "low":
        return np.full(len(sizes), BASE, dtype=np.float64)
    long, short = sizes.max(axis=1), sizes.min(axis=1)
    fit = np.maximum(1.0, long / LONG_LIMIT)  # divide by it
    # Ratios of whole numbers only: a product of two rounded scales could end just above a tile's edge.
    narrowed = short > SHORT_LIMIT * fit
    along = np.where(narrowed, np.ceil(long * SHORT_LIMIT / (short * TILE_SIDE)), _tiles(long, long))
    across = np.where(narrowed, np.ceil(SHORT_LIMIT / TILE_SIDE), _tiles(short, long))
    tokens: np.ndarray = BASE + TILE * along * across
    return tokens


def _tiles(side: np.ndarray, long: np.ndarray) -> np.ndarray:
    """Return how many tiles a side needs after fitting into the largest square."""
    tiles: np.ndarray = np.ceil(np.where(long > LONG_LIMIT, side * (LONG_LIMIT / TILE_SIDE) / long, side / TILE_SIDE))
    return tiles
