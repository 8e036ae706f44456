"""Where to put the labels of points so that they cover neither one another nor the points."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Candidate places around a point: angles in degrees (to the right first), distances in pixels beyond the marker
ANGLES = (0, 180, 90, 270, 45, 315, 135, 225, 20, 340, 160, 200, 65, 295, 115, 245)
DISTANCES = (4.0, 9.0, 16.0, 26.0, 40.0, 58.0)
LABEL, POINT, LINE, OUTSIDE = 6.0, 3.0, 1.5, 60.0  # price of one covered pixel (of one pixel of line: LINE · height)
ROUNDS = 4


class Label(NamedTuple):
    """A label to place; all lengths in pixels.

    Attributes:
        x: Point that it names.
        y: Point that it names.
        width: Size of the text.
        height: Size of the text.
        radius: Radius of the point's marker.
        pinned: Stays to the right of its point, whatever lies there.
    """

    x: float
    y: float
    width: float
    height: float
    radius: float = 4.0
    pinned: bool = False


def place_labels(
    labels: Sequence[Label], frame: tuple[float, float, float, float], line: np.ndarray | None = None
) -> np.ndarray:
    """Return the boxes (k, 4) of labels as (left, bottom, right, top) in pixels.

    Greedy in the given order (give the important ones first), then some rounds in which each label may move again.
    Deterministic.

    Args:
        labels: k labels.
        frame: Box to stay inside.
        line: (j, 2) points along drawn lines, better not covered.
    """
    if not labels:
        return np.zeros((0, 4))
    points = np.array([(p.x - p.radius, p.y - p.radius, p.x + p.radius, p.y + p.radius) for p in labels])
    options = [_candidates(label)[: 1 if label.pinned else None] for label in labels]
    prices = [_fixed_price(_candidates(label), points, np.array(frame), line) for label in labels]
    boxes = np.full((len(labels), 4), np.nan)
    for _ in range(ROUNDS):
        before = boxes.copy()
        for k, candidates in enumerate(options):
            others = boxes[np.arange(len(labels)) != k]
            placed = others[~np.isnan(others[:, 0])]
            price = prices[k][: len(candidates)] + LABEL * overlap(candidates, placed).sum(axis=1)
            boxes[k] = candidates[int(price.argmin())]
        if np.array_equal(before, boxes):
            break
    return boxes


def _candidates(label: Label) -> np.ndarray:
    """Return boxes (c, 4) around a point, near ones first."""
    places = []
    for distance in DISTANCES:
        for angle in ANGLES:
            dx, dy = np.cos(np.radians(angle)), np.sin(np.radians(angle))
            reach = label.radius + distance
            # The box touches the circle of that reach with the side or corner that faces the point.
            cx = label.x + dx * (reach + label.width / 2)
            cy = label.y + dy * (reach + label.height / 2)
            places.append((cx - label.width / 2, cy - label.height / 2, cx + label.width / 2, cy + label.height / 2))
    return np.array(places)


def _fixed_price(candidates: np.ndarray, points: np.ndarray, frame: np.ndarray, line: np.ndarray | None) -> np.ndarray:
    """Return the price of each candidate that does not depend on other labels."""
    price = np.repeat(np.array(DISTANCES), len(ANGLES)) * 2.0
    price += np.tile(np.arange(len(ANGLES)), len(DISTANCES)) * 0.4
    price += POINT * overlap(candidates, points).sum(axis=1)
    inner = np.maximum(frame[:2], candidates[:, :2]), np.minimum(frame[2:], candidates[:, 2:])
    area = (candidates[:, 2:] - candidates[:, :2]).prod(axis=1)
    price += OUTSIDE * (area - np.maximum(inner[1] - inner[0], 0).prod(axis=1))
    if line is not None and len(line):
        x, y = line[:, 0], line[:, 1]
        left, bottom, right, top = (candidates[:, [i]] for i in range(4))
        covered = ((x > left) & (x < right) & (y > bottom) & (y < top)).sum(axis=1)
        price += LINE * covered * (candidates[:, 3] - candidates[:, 1])
    return np.asarray(price)


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the common area of boxes a (i, 4) and b (j, 4) as (i, j).

    >>> overlap(np.array([[0, 0, 2, 2]]), np.array([[1, 1, 3, 3], [2, 2, 3, 3]])).tolist()
    [[1.0, 0.0]]
    """
    if not len(b):
        return np.zeros((len(a), 0))
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.asarray(np.maximum(high - low, 0).prod(axis=2), dtype=np.float64)
