"""The rule `clip_grid`: the picture is scaled to one square, every patch of it is a token (LLaVA-1.5, ShareGPT4V).

LLaVA-1.5 (arXiv 2310.03744) reads 336 × 336 pixels with CLIP ViT-L/14 and keeps all patches without the class token.
"""

import numpy as np


def clip_grid(sizes: np.ndarray, *, image_size: int = 336, patch_size: int = 14) -> np.ndarray:
    """Return the tokens of each picture, float64: ⌊image_size / patch_size⌋².

    Args:
        sizes: (P, 2) width and height in pixels, NaN = unknown (not used by this rule).
        image_size: Side of the square that the encoder reads, in pixels.
        patch_size: Side of one patch, in pixels.

    >>> clip_grid(np.array([[640.0, 480.0]])).tolist()  # (336 / 14)² = 24²
    [576.0]
    """
    return np.full(len(sizes), (image_size // patch_size) ** 2, dtype=np.float64)
