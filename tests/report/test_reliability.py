"""The reliability plot: which runs get a line, and under what name."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from vlrb.evaluation.reliability import write_reliability
from vlrb.report.palette import SERIES, series_colours
from vlrb.report.reliability import MOST, reliability_curves, reliability_figure


def board(folder: Path, runs: list[tuple[str, str, int | None]]) -> SimpleNamespace:
    """Runs of (router, row name, seed of its probabilities; None = it states none), as a table of their names."""
    made = []
    for number, (router, _, seed) in enumerate(runs):
        place = folder / str(number)
        place.mkdir()
        if seed is not None:
            rng = np.random.default_rng(seed)
            write_reliability(place, {"test": (rng.random((50, 3)), rng.integers(0, 2, (50, 3)).astype(float))})
        made.append(SimpleNamespace(folder=place, router=router))
    frame = pd.DataFrame({"run": [str(run.folder) for run in made], "name": [name for _, name, _ in runs]})
    return SimpleNamespace(runs=made, frame=frame, split="test", title="somewhere")


def test_runs_that_state_the_same_share_a_line(tmp_path: Path) -> None:
    table = board(
        tmp_path, [("knn", "knn λ=0", 1), ("knn", "knn λ=1", 1), ("ovr", "ovr λ=0", 2), ("mlp", "mlp λ=0", None)]
    )
    assert list(reliability_curves(table)) == ["knn", "ovr"]


def test_different_fits_of_one_router_are_named_by_their_rows(tmp_path: Path) -> None:
    table = board(tmp_path, [("knn", "knn k=5", 1), ("knn", "knn k=9", 2)])
    assert list(reliability_curves(table)) == ["knn k=5", "knn k=9"]


def test_no_more_lines_than_can_be_told_apart(tmp_path: Path) -> None:
    table = board(tmp_path, [(f"r{k}", f"r{k} λ=0", k) for k in range(MOST + 2)])
    figure = reliability_figure(table)
    assert len(figure.axes[0].get_legend().get_texts()) == MOST
    assert f"first {MOST} of {MOST + 2}" in [text.get_text() for text in figure.texts]


def test_nobody_states_a_probability(tmp_path: Path) -> None:
    assert reliability_figure(board(tmp_path, [("mlp", "mlp λ=0", None)])) is None


def test_ten_series_have_ten_colours() -> None:
    assert len(set(series_colours([str(k) for k in range(len(SERIES))]).values())) == len(SERIES) == 10
