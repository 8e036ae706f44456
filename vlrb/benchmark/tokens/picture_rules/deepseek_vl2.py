"""The rule `deepseek_vl2`: an overview and the best-fitting grid of up to nine 384-pixel tiles (DeepSeek-VL2).

DeepSeek-VL2 (arXiv 2412.10302, section 2.1) and `DeepseekVLV2Processor`: a tile is 14 × 14 tokens; every row of the
overview (14 · 15) and of the whole grid ends with a break, and one separator stands between them. A prompt of three
or more pictures is not tiled by the processor (421 tokens each); the rule sees one picture at a time and does not know.
"""

import numpy as np

from vlrb.benchmark.tokens.best_canvas import best_canvas

TILE_SIDE, TILE_ROWS = 384, 14
MAX_TILES = 9
_NUMBERS = range(1, MAX_TILES + 1)
_GRIDS = sorted(((m, n) for m in _NUMBERS for n in _NUMBERS if m * n <= MAX_TILES), key=lambda grid: grid[0] * grid[1])
CANVASES = tuple((TILE_SIDE * across, TILE_SIDE * down) for across, down in _GRIDS)


def deepseek_vl2(sizes: np.ndarray) -> np.ndarray:
    """Return the tokens of each picture, float64: 14 · 15 + 1 + 14 m · (14 n + 1) for m rows of n tiles.

    Args:
        sizes: (P, 2) width and height in pixels, NaN = unknown.

    >>> # 300 × 300: one tile, 210 + 1 + 14 · 15; 768 × 384: one row of two, 210 + 1 + 14 · 29
    >>> deepseek_vl2(np.array([[300.0, 300.0], [768.0, 384.0]])).tolist()
    [421.0, 617.0]
    """
    across, down = (side / TILE_SIDE for side in best_canvas(sizes, CANVASES))
    overview = TILE_ROWS * (TILE_ROWS + 1) + 1
    tokens: np.ndarray = overview + TILE_ROWS * down * (TILE_ROWS * across + 1)
    return tokens
