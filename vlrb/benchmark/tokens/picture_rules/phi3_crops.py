"""The rule `phi3_crops`: crops of 336 pixels, 144 tokens each, with row breaks (Phi-3-Vision, Phi-3.5-Vision).

Phi-3 (arXiv 2404.14219) and `processing_phi3_v.py` of the models' repositories: the longer side is scaled to `scale`
crops, the largest number with scale · ⌈scale / aspect⌉ ≤ `max_crops`; the shorter side is padded to whole crops. A crop
is 24 × 24 patches, merged 2 × 2; a break ends each of the 12 token rows of a crop row and of the overview, which is one
more crop; one separator stands between them.
"""

import numpy as np

CROP_SIDE, CROP_TOKENS, CROP_ROWS = 336, 144, 12


def phi3_crops(sizes: np.ndarray, *, max_crops: int = 4) -> np.ndarray:
    """Return the tokens of each picture, float64: (rows · columns + 1) · 144 + 1 + (rows + 1) · 12.

    Args:
        sizes: (P, 2) width and height in pixels, NaN = unknown.
        max_crops: The processor's `num_crops` (Phi-3.5's card: 4 for several pictures, 16 advised for a single one).

    Returns:
        (P,) tokens, NaN = unknown size, or so thin that no pixel of the shorter side would be left.

    >>> phi3_crops(np.array([[500.0, 500.0]])).tolist()  # 2 × 2 crops: 5 · 144 + 1 + 3 · 12
    [757.0]
    >>> phi3_crops(np.array([[1344.0, 1008.0]]), max_crops=16).tolist()  # 3 rows of 4: 13 · 144 + 1 + 4 · 12
    [1921.0]
    """
    aspect = sizes.max(axis=1) / sizes.min(axis=1)
    along = np.zeros(len(sizes))
    for scale in range(1, max_crops + 1):
        along[scale * np.ceil(scale / aspect) <= max_crops] = scale
    shorter = np.floor(along * CROP_SIDE / aspect)
    across = np.where(shorter >= 1, np.ceil(shorter / CROP_SIDE), np.nan)
    rows = np.where(sizes[:, 0] < sizes[:, 1], along, across)
    tokens: np.ndarray = (along * across + 1) * CROP_TOKENS + 1 + (rows + 1) * CROP_ROWS
    return tokens
