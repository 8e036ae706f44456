"""The rule `llava_next`: an overview and the best-fitting canvas of 336-pixel squares without its padding (LLaVA-NeXT).

LLaVA-NeXT ("anyres", llava-vl.github.io, January 2024) and `LlavaNextProcessor`: of five canvases the one that shows
most of the picture is cut into patches of 14 pixels; rows and columns that hold padding alone are dropped, every row
left ends with a break. The overview is 24 × 24 patches.
"""

import numpy as np

from vlrb.benchmark.tokens.best_canvas import best_canvas

PATCH = 14
OVERVIEW = (336 // PATCH) ** 2
CANVASES = ((672, 336), (336, 672), (672, 672), (336, 1008), (1008, 336))  # width, height


def llava_next(sizes: np.ndarray) -> np.ndarray:
    """Return the tokens of each picture, float64: 576 + rows · (columns + 1).

    Args:
        sizes: (P, 2) width and height in pixels, NaN = unknown.

    >>> # 1000 × 500 fills 672 × 336: 24 rows of 48; 1000 × 800 in 672 × 672: 48 columns, ⌊800 · 48 / 1000⌋ = 38 rows
    >>> llava_next(np.array([[1000.0, 500.0], [1000.0, 800.0]])).tolist()  # 576 + 24 · 49; 576 + 38 · 49
    [1752.0, 2438.0]
    """
    width, height = sizes[:, 0], sizes[:, 1]
    columns, rows = (side / PATCH for side in best_canvas(sizes, CANVASES))
    wide = width / height > columns / rows
    rows_left = np.where(wide, _left(rows, height * (columns / width)), rows)
    columns_left = np.where(wide, columns, _left(columns, width * (rows / height)))
    tokens: np.ndarray = OVERVIEW + rows_left * (columns_left + 1)
    return tokens


def _left(patches: np.ndarray, filled: np.ndarray) -> np.ndarray:
    """Return what is left of a side when the same number of patches is cut off at both of its ends."""
    left: np.ndarray = patches - 2 * np.floor((patches - np.floor(np.round(filled, 7))) / 2)
    return left
