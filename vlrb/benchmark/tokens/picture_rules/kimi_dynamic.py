"""The rule `kimi_dynamic`: native resolution, padded to multiples of 28 pixels (Kimi-VL).

Kimi-VL (arXiv 2504.07491; `KimiVLImageProcessor` of the model's repository): MoonViT cuts patches of 14 pixels and
merges 2 × 2 of them. A picture with more whole patches than `max_patches` (its `in_token_limit`: 16384 in the 2506
release, "3.2 million pixels"; 4096 before) is reduced to them, then padded at the right and at the bottom.
"""

import numpy as np

PATCH, MERGE = 14, 2


def kimi_dynamic(sizes: np.ndarray, *, max_patches: int = 16384) -> np.ndarray:
    """Return the tokens of each picture, float64: ⌈width / 28⌉ · ⌈height / 28⌉ after reducing.

    Args:
        sizes: (P, 2) width and height in pixels, NaN = unknown.
        max_patches: Most patches of 14 pixels; a quarter of them is the most tokens, up to padding.

    >>> # 640 / 28 → 23, 480 / 28 → 18; 3584² has 256² patches: scaled by ½ to 1792 = 64 · 28
    >>> kimi_dynamic(np.array([[640.0, 480.0], [3584.0, 3584.0]])).tolist()
    [414.0, 4096.0]
    """
    patches = np.floor(sizes / PATCH).prod(axis=1, keepdims=True)
    scale = np.sqrt(max_patches / np.maximum(patches, 1))
    reduced = np.where(patches > max_patches, np.floor(sizes * scale), sizes)
    tokens: np.ndarray = np.ceil(reduced / (PATCH * MERGE)).prod(axis=1)
    return tokens
