"""The rule `qwen_dynamic`: native resolution in steps of 28 pixels (Qwen2-VL, Qwen2.5-VL, MiMo-VL).

Qwen2-VL (arXiv 2409.12191) cuts patches of 14 pixels and merges 2 × 2 of them into one token. Both sides are rounded to
multiples of 28; a picture outside `min_pixels` … `max_pixels` is scaled to the limit first, keeping its shape
(`smart_resize` of `Qwen2VLImageProcessor`; limits of the models' preprocessor_config.json: 56² and 16384 · 28²).
"""

import numpy as np

SIDE = 28  # 2 patches of 14 pixels
MAX_ASPECT = 200


def qwen_dynamic(sizes: np.ndarray, *, min_pixels: int = 3136, max_pixels: int = 12845056) -> np.ndarray:
    """Return the tokens of each picture, float64: height · width / 28² after scaling.

    Args:
        sizes: (P, 2) width and height in pixels, NaN = unknown.
        min_pixels: Smaller pictures are enlarged to this many pixels.
        max_pixels: Larger pictures are reduced to this many pixels.

    Returns:
        (P,) tokens, NaN = unknown size, or a side more than 200 times the other (the processor refuses it).

    >>> # 640 × 480: 640 / 28 = 22.86 → 23, 480 / 28 = 17.14 → 17, 23 · 17; 20 × 20 is enlarged to 56 × 56: 2 · 2
    >>> qwen_dynamic(np.array([[640.0, 480.0], [20.0, 20.0]])).tolist()
    [391.0, 4.0]
    """
    width, height = sizes[:, 0], sizes[:, 1]
    across, down = np.rint(width / SIDE), np.rint(height / SIDE)
    area = across * down * SIDE**2
    reduce = np.sqrt(width * height / max_pixels)
    enlarge = np.sqrt(min_pixels / (width * height))
    over, under = area > max_pixels, area < min_pixels
    for side, rounded in ((width, across), (height, down)):
        rounded[over] = np.maximum(1, np.floor(side / reduce / SIDE))[over]
        rounded[under] = np.ceil(side * enlarge / SIDE)[under]
    refused = sizes.max(axis=1) / sizes.min(axis=1) > MAX_ASPECT
    return np.where(refused, np.nan, across * down)
