"""The rule `fixed`: every picture counts the same number of tokens, whatever its size.

VL-RouterBench (arXiv 2512.23562) counts 256 tokens a picture for every model. Models whose own number is fixed: Gemma 3
(256: 896 px, `Gemma3Processor.image_seq_length`) and Janus-Pro (576 = (384 / 16)², `JanusProcessor.num_image_tokens`).
"""

import numpy as np


def fixed(sizes: np.ndarray, *, picture_tokens: int = 256) -> np.ndarray:
    """Return the tokens of each picture, float64.

    Args:
        sizes: (P, 2) width and height in pixels, NaN = unknown (not used by this rule).
        picture_tokens: Tokens per picture.

    >>> fixed(np.array([[640.0, 480.0], [64.0, np.nan]]), picture_tokens=256).tolist()
    [256.0, 256.0]
    """
    return np.full(len(sizes), picture_tokens, dtype=np.float64)
