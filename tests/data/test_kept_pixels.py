"""Prepared pictures in shared memory: bounded, the same for every process, never half a picture."""

import multiprocessing
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from vlrb.data.kept_pixels import KeptPixels, bytes_each, keep_pixels, plan_slots
from vlrb.encoders.backbones.pictures import Pixels

SIZE = 5  # 75 bytes of pixels: nothing is aligned by luck
ROWS = np.arange(4)


def reference(name: str, width: int = 8) -> dict[str, Any]:
    return {"content_hash": name, "width": width}


REFERENCES = [[reference("a")], [], [reference("b"), reference("a")], [reference("c"), reference("", width=0)]]


def pixels(shade: int) -> Pixels:
    return Pixels(np.full((3, SIZE, SIZE), shade, np.uint8), np.array([0, 0.25, 1, shade / 255], np.float32))


def same(found: list[Pixels] | None, *shades: int) -> bool:
    assert found is not None
    wanted = [pixels(shade) for shade in shades]
    return len(found) == len(wanted) and all(
        np.array_equal(a.pixels, b.pixels) and np.array_equal(a.extent, b.extent)
        for a, b in zip(found, wanted, strict=True)
    )


def memory(most: int = 3) -> KeptPixels:
    return KeptPixels(plan_slots(REFERENCES, ROWS, most), SIZE)


def test_pictures_that_samples_share_are_kept_once() -> None:
    kept = memory()
    assert kept.slots.places == 3
    assert kept.get(0) is None
    kept.put(0, [pixels(1)])
    assert same(kept.get(0), 1)
    assert kept.get(2) is None  # b is not there yet
    kept.put(2, [pixels(2), pixels(1)])
    assert same(kept.get(2), 2, 1)
    assert same(kept.get(1))
    assert kept.filled() == 2


def test_a_picture_without_a_place_is_never_kept() -> None:
    """Row 3 has a damaged picture; with one place, only a has one."""
    kept = memory(1)
    kept.put(3, [pixels(3), pixels(4)])
    kept.put(2, [pixels(2), pixels(1)])
    assert kept.get(3) is None
    assert kept.get(2) is None
    assert same(kept.get(0), 1)


def test_rows_that_are_not_read_again_keep_nothing() -> None:
    """Row 0 is of the test split: its picture is the one of row 2, and is decoded all the same."""
    kept = KeptPixels(plan_slots(REFERENCES, np.array([2]), 3), SIZE)
    kept.put(2, [pixels(2), pixels(1)])
    assert same(kept.get(2), 2, 1)
    assert kept.get(0) is None


def test_the_budget_bounds_the_places() -> None:
    many = [[reference(str(i))] for i in range(1000)]
    kept = keep_pixels(many, np.arange(1000), 100, 1)
    assert kept is not None
    assert kept.slots.places == 2**20 // (3 * 100 * 100 + 16 + 8) == 34
    assert bytes_each(100) == 30024
    assert keep_pixels(many, np.arange(1000), 100, 0) is None
    assert keep_pixels([[]], np.arange(1), 100, 1) is None


def test_a_half_written_picture_is_not_taken() -> None:
    kept = memory()
    kept.put(0, [pixels(1)])
    kept._pixels[0, 2, 4, 4] ^= 1
    assert pickle.loads(pickle.dumps(kept)).get(0) is None
    kept._pixels[0, 2, 4, 4] ^= 1
    assert same(pickle.loads(pickle.dumps(kept)).get(0), 1)


def test_copies_share_the_memory_both_ways() -> None:
    kept = memory()
    copy = pickle.loads(pickle.dumps(kept))
    kept.put(0, [pixels(1)])
    copy.put(2, [pixels(2), pixels(1)])
    assert same(copy.get(0), 1)
    assert same(kept.get(2), 2, 1)


def test_a_copy_that_cannot_reach_the_memory_keeps_nothing() -> None:
    kept = memory()
    kept.put(0, [pixels(1)])
    stored = pickle.dumps(kept)
    del kept
    copy = pickle.loads(stored)
    copy.put(0, [pixels(1)])
    assert copy.get(0) is None
    assert copy.get(1) == []


def fill(kept: KeptPixels) -> None:
    kept.put(3, [pixels(9), pixels(0)])
    kept.put(0, [pixels(7)])


@pytest.mark.process
def test_a_forked_process_fills_the_same_memory() -> None:
    kept = memory()
    child = multiprocessing.get_context("fork").Process(target=fill, args=(kept,))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert same(kept.get(0), 7)


@pytest.mark.slow
@pytest.mark.process
def test_a_process_that_inherits_nothing_fills_the_same_memory() -> None:
    kept = memory()
    program = (
        "import pickle, sys, numpy as np; from vlrb.encoders.backbones.pictures import Pixels;"
        "kept = pickle.load(sys.stdin.buffer);"
        f"kept.put(0, [Pixels(np.full((3, {SIZE}, {SIZE}), 7, np.uint8), np.array([0, .25, 1, 7 / 255], np.float32))])"
    )
    subprocess.run([sys.executable, "-c", program], input=pickle.dumps(kept), check=True)
    assert same(kept.get(0), 7)
