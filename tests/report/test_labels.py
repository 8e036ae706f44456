"""Label placement: nothing covered where there is room, everything inside, deterministic."""

import numpy as np
import pytest

from vlrb.report.labels import Label, overlap, place_labels

FRAME = (0.0, 0.0, 800.0, 500.0)


def area_covered(boxes: np.ndarray) -> float:
    covered = overlap(boxes, boxes)
    return float(covered.sum() - np.trace(covered))


@pytest.mark.parametrize("seed", range(5))
def test_no_overlap_where_there_is_room(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = [Label(x, y, 90.0, 12.0) for x, y in rng.uniform((40, 20), (760, 480), (24, 2))]
    boxes = place_labels(labels, FRAME)
    assert area_covered(boxes) < 1.0
    points = np.array([(p.x - 4, p.y - 4, p.x + 4, p.y + 4) for p in labels])
    assert overlap(boxes, points).sum() < 40.0  # a corner of a marker at most
    assert (boxes[:, :2] >= -1e-9).all()
    assert (boxes[:, 2] <= 800).all()
    assert (boxes[:, 3] <= 500).all()
    assert np.array_equal(boxes, place_labels(labels, FRAME))


def test_a_lone_label_stands_to_the_right_and_at_the_edge_to_the_left() -> None:
    middle, edge = (place_labels([Label(x, 250.0, 90.0, 12.0)], FRAME)[0] for x in (400.0, 780.0))
    assert middle[0] == pytest.approx(408.0)  # radius 4 and distance 4
    assert edge[2] < 780.0


def test_points_on_top_of_each_other_get_labels_apart() -> None:
    boxes = place_labels([Label(400.0, 250.0, 80.0, 12.0) for _ in range(6)], FRAME)
    assert area_covered(boxes) == 0.0


def test_labels_keep_off_lines_and_pinned_ones_stay() -> None:
    line = np.column_stack([np.arange(400.0, 600.0, 4.0), np.full(50, 250.0)])
    free, pinned = (place_labels([Label(400.0, 250.0, 80.0, 12.0, pinned=p)], FRAME, line)[0] for p in (False, True))
    assert not (free[1] < 250 < free[3] and free[2] > 400)
    assert pinned[0] == pytest.approx(408.0)


def test_no_labels() -> None:
    assert place_labels([], FRAME).shape == (0, 4)
