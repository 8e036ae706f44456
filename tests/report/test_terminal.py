"""The leaderboard on terminals of several widths."""

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from vlrb.report.columns import dollars, interval, percent, shown_columns, three
from vlrb.report.leaderboard import TRAINED, make_leaderboard
from vlrb.report.terminal import fitting, footnotes, leaderboard_table, print_leaderboard, run_line

RunWriter = Callable[..., Path]


@pytest.mark.parametrize("width", [72, 80, 100, 140])
def test_rows_fit_and_never_wrap(sweep_folders: list[Path], width: int) -> None:
    board = make_leaderboard(sweep_folders)
    out = io.StringIO()
    Console(file=out, width=width, soft_wrap=True).print(leaderboard_table(board, width))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in out.getvalue()
    for name in board.frame["name"]:
        assert sum(line.startswith(f"{name} ") for line in lines) == 1
    rows = [line for line in lines if line.startswith(tuple(board.frame["name"]))]
    assert len(rows) == len(board.frame)
    assert all("0." in row for row in rows)


def test_the_least_needed_columns_go_first(sweep_folders: list[Path]) -> None:
    board = make_leaderboard(sweep_folders)
    columns = shown_columns(board.frame)
    kept = {width: [c.key for c in fitting(columns, board, width)] for width in (140, 80, 40)}
    assert "throughput_router" in kept[140]
    assert "dev_rank_score" in kept[80]  # several runs: what to choose by
    assert "throughput_router" not in kept[80]
    assert kept[40] == ["name", "accuracy", "cost_per_1k", "rank_score"]


def test_long_names_cost_intervals_and_then_a_second_line_but_no_figure(sweep_folders: list[Path]) -> None:
    board = make_leaderboard(sweep_folders)
    for words, folded in (
        ("fusion=normalize_concat", False),
        ("text=bge-large-en-v1.5 vision=siglip-large-patch16", True),
    ):
        names = [
            f"{name} {words}" if kind == TRAINED else name for name, kind in board.frame[["name", "kind"]].to_numpy()
        ]
        long = dataclasses.replace(board, frame=board.frame.assign(name=names))
        kept = fitting(shown_columns(long.frame), long, 72)
        assert [c.key for c in kept] == ["name", "accuracy", "cost_per_1k", "rank_score"]
        assert not kept[1].interval
        out = io.StringIO()
        Console(file=out, width=72, soft_wrap=True).print(leaderboard_table(long, 72))
        assert "…" not in out.getvalue()
        assert max(map(len, out.getvalue().splitlines())) <= 72
        first = next(line for line in out.getvalue().splitlines() if line.startswith("mlp"))
        assert all(figure in first for figure in ("$0.", three(long.frame["rank_score"][0])))
        assert (words in first) != folded


def test_quality_is_shown_only_where_it_differs(sweep_folders: list[Path]) -> None:
    frame = make_leaderboard(sweep_folders).frame
    assert "quality" not in {c.key for c in shown_columns(frame)}  # the demo's grades here are 0 and 1
    frame.loc[0, "quality"] += 0.01
    assert "quality" in {c.key for c in shown_columns(frame)}


def test_printing(make_run: RunWriter, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run()
    print_leaderboard([folder])
    out = capsys.readouterr().out
    assert "demo · test · synthetic data" in out
    assert "mlp λ=0.5" in out
    assert all(len(line) <= 80 for note in footnotes(make_leaderboard([folder])) for line in note.splitlines())


def test_one_line_per_run(make_run: RunWriter) -> None:
    folder = make_run()
    line = run_line(folder, "done", 12.3)
    assert line.startswith("mlp λ=0.5 s0: done in 12 s · test Rank Score 0.")
    assert line.endswith("/1k")
    assert "\n" not in line


def test_undefined_figures_are_dashes() -> None:
    assert (three(None), three(float("nan")), dollars(None), percent(float("nan"))) == ("–",) * 4
    assert dollars(0.0) == "$0"
    assert interval(-0.05, 1.0) == "[-.050–1.000]"
