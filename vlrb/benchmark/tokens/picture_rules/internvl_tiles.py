"""The rule `internvl_tiles`: tiles of 448 pixels in the closest aspect ratio, 256 tokens each (InternVL, Qianfan-VL).

InternVL 1.5 (arXiv 2404.16821, section 3.3) and the model cards' `dynamic_preprocess`: of all grids of 1 … `max_tiles`
tiles the one whose aspect ratio is closest to the picture's; among grids equally close a larger one wins while the
picture has more than half of that grid's pixels. A picture of more than one tile gets a thumbnail, one more tile.
A tile is (448 / 14)² patches, of which pixel shuffle makes a quarter: 256.
"""

import numpy as np

TILE_SIDE, TILE_TOKENS = 448, 256


def internvl_tiles(sizes: np.ndarray, *, max_tiles: int = 12) -> np.ndarray:
    """Return the tokens of each picture, float64: 256 · (tiles + thumbnail).

    Args:
        sizes: (P, 2) width and height in pixels, NaN = unknown.
        max_tiles: Most tiles without the thumbnail (the cards' `max_num`).

    >>> # 448 × 448: 1 tile; 800 × 400: 2 × 1 or 4 × 2, the larger would need 800 · 400 > ½ · 8 · 448²; 2 + 1 tiles
    >>> internvl_tiles(np.array([[448.0, 448.0], [800.0, 400.0]])).tolist()
    [256.0, 768.0]
    """
    aspect, area = sizes[:, 0] / sizes[:, 1], sizes[:, 0] * sizes[:, 1]
    best = np.full(len(sizes), np.inf)
    tiles = np.ones(len(sizes))
    for across, down in _grids(max_tiles):
        distance = np.abs(aspect - across / down)
        roomy = area > 0.5 * TILE_SIDE**2 * across * down
        tiles[(distance < best) | ((distance == best) & roomy)] = across * down
        best = np.fmin(best, distance)
    tokens: np.ndarray = TILE_TOKENS * (tiles + (tiles > 1))
    return np.where(np.isnan(area), np.nan, tokens)


def _grids(max_tiles: int) -> list[tuple[int, int]]:
    numbers = range(1, max_tiles + 1)
    grids = [(across, down) for across in numbers for down in numbers if across * down <= max_tiles]
    return sorted(grids, key=lambda grid: grid[0] * grid[1])
