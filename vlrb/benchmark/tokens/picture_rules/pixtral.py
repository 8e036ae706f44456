"""The rule `pixtral`: one token for every 16-pixel patch and one row break a row (Pixtral 12B).

Pixtral (arXiv 2410.07073) and Mistral's own encoder, `mistral_common.tokens.tokenizers.image`: pictures with a side
over 1024 pixels are reduced to 1024, smaller ones keep their size; the last row break is the end of the picture. (The
port in `transformers` rounds the reduced sides down instead of to the nearest pixel.)
"""

import numpy as np

PATCH = 16


def pixtral(sizes: np.ndarray, *, max_side: int = 1024) -> np.ndarray:
    """Return the tokens of each picture, float64: rows · (columns + 1).

    Args:
        sizes: (P, 2) width and height in pixels, NaN = unknown.
        max_side: Longest side in pixels.

    >>> pixtral(np.array([[1024.0, 512.0], [100.0, 33.0]])).tolist()  # 32 rows · (64 + 1); 3 rows · (7 + 1)
    [2080.0, 24.0]
    """
    ratio = sizes.max(axis=1, keepdims=True) / max_side
    reduced = np.where(ratio > 1, np.maximum(1, np.rint(sizes / ratio)), sizes)
    columns, rows = np.ceil(reduced / PATCH).T
    tokens: np.ndarray = rows * (columns + 1)
    return tokens
