"""The rule `gemini_tiles`: 258 tokens for a small picture, and for every tile of a larger one (Gemini 2.0 and 2.5).

Gemini API guide, "Image understanding", token calculation: 258 if both sides are at most 384 pixels, else 258 a tile;
the tile's side is about min(width, height) / 1.5 rounded down (Google's example: 960 × 540, side 360, 3 · 2 tiles), and
by the Vertex AI guide at least 256 and at most 768 pixels. Google calls this a rough formula; so is this rule.
"""

import numpy as np

TILE_TOKENS = 258
SMALL, SMALLEST_TILE, LARGEST_TILE = 384, 256, 768


def gemini_tiles(sizes: np.ndarray) -> np.ndarray:
    """Return the tokens of each picture, float64.

    Args:
        sizes: (P, 2) width and height in pixels, NaN = unknown.

    >>> gemini_tiles(np.array([[384.0, 384.0], [960.0, 540.0]])).tolist()  # 258; 3 · 2 · 258
    [258.0, 1548.0]
    """
    tile = np.clip(np.floor(sizes.min(axis=1) / 1.5), SMALLEST_TILE, LARGEST_TILE)
    tiles = np.ceil(sizes / tile[:, None]).prod(axis=1)
    return TILE_TOKENS * np.where(sizes.max(axis=1) <= SMALL, 1.0, tiles)
