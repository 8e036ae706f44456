"""The rule `smolvlm_tiles`: the longer side is scaled to a fixed length, every tile counts the same (SmolVLM2).

SmolVLM (arXiv 2504.05299) and `SmolVLMImageProcessor`: the longer side becomes `longest_edge` pixels (also of a small
picture), the shorter side keeps the shape, tiles of `tile_side` pixels cover the picture, and an overview is one more.
Defaults are those of SmolVLM2-2.2B: 384-pixel tiles of 81 tokens; the 256M and 500M models have 2048, 512 and 64.
"""

import numpy as np


def smolvlm_tiles(
    sizes: np.ndarray, *, longest_edge: int = 1536, tile_side: int = 384, tile_tokens: int = 81
) -> np.ndarray:
    """Return the tokens of each picture, float64: tile_tokens · (rows · columns + 1); one tile alone has no overview.

    Args:
        sizes: (P, 2) width and height in pixels, NaN = unknown.
        longest_edge: Length that the longer side is scaled to.
        tile_side: Side of a tile in pixels.
        tile_tokens: Tokens of a tile.

    >>> smolvlm_tiles(np.array([[640.0, 480.0]])).tolist()  # 1536 × 1152: 4 · 3 tiles, and the overview
    [1053.0]
    """
    aspect = sizes.max(axis=1) / sizes.min(axis=1)
    shorter = np.floor(longest_edge / aspect)
    shorter += shorter % 2
    tiles = np.ceil(longest_edge / tile_side) * np.ceil(np.maximum(shorter, 1) / tile_side)
    tokens: np.ndarray = tile_tokens * (tiles + (tiles > 1))
    return tokens
