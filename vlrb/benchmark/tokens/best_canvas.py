"""The canvas a picture is fitted into, as LLaVA-NeXT's "anyres" and the processors that follow it choose it."""

from collections.abc import Sequence

import numpy as np


def best_canvas(sizes: np.ndarray, canvases: Sequence[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return width and height (P,) of the canvas that shows most of each picture and wastes least of itself.

    What a canvas shows of a picture is the area of the picture scaled to fit into it, at most the picture's own; among
    canvases that show the same, the smallest is taken, and among equals the first.

    Args:
        sizes: (P, 2) width and height in pixels, NaN = unknown (the result is then NaN).
        canvases: Width and height of each canvas.

    >>> best_canvas(np.array([[1000.0, 500.0]]), [(336, 672), (672, 336), (672, 672)])
    (array([672.]), array([336.]))
    """
    width, height = sizes[:, 0], sizes[:, 1]
    shown = np.zeros(len(sizes))
    chosen = np.full((2, len(sizes)), np.nan)
    for across, down in canvases:
        scale = np.minimum(across / width, down / height)
        area = np.minimum(np.floor(width * scale) * np.floor(height * scale), width * height)
        better = (area > shown) | ((area == shown) & (across * down < chosen.prod(axis=0)))
        chosen[:, better] = np.array([[across], [down]])
        shown = np.fmax(shown, area)
    return chosen[0], chosen[1]
