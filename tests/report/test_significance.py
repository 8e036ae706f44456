"""p values, ranks and detectable differences of a leaderboard made from run folders."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from vlrb.evaluation.runs import load_run
from vlrb.report import terminal
from vlrb.report.columns import rank_range
from vlrb.report.leaderboard import BOUND, REFERENCE, TRAINED, make_leaderboard
from vlrb.report.significance import STANDING_COLUMNS, compare_rows
from vlrb.report.terminal import footnotes, leaderboard_table, print_leaderboard
from vlrb.utils.errors import StateError

RunWriter = Callable[..., Path]


def standings(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index("run")[list(STANDING_COLUMNS)].sort_index()


def test_columns_of_a_leaderboard(sweep_folders: list[Path]) -> None:
    board = make_leaderboard(sweep_folders, select="none")
    routers, references = board.section(TRAINED), board.section(REFERENCE)
    top, rest = routers.iloc[0], routers.iloc[1:]
    assert np.isnan(top["p_top"])
    assert top["may_be_best"] == 1
    assert rest["p_top"].between(0, 1, inclusive="right").all()
    assert (rest["p_top"] >= rest["p_top_unadjusted"]).all()
    assert (routers["rank_low"] <= np.arange(1, 7)).all()  # the table's own place is always allowed
    assert (routers["rank_high"] >= np.arange(1, 7)).all()
    assert (routers["may_be_best"] == (routers["rank_low"] == 1)).all()
    assert references["p_top"].notna().all()
    assert references[["rank_low", "rank_high", "may_be_best"]].isna().all().all()
    assert references.set_index("router").loc["cheapest_global", "p_top"] < 0.01
    assert board.section(BOUND)[list(STANDING_COLUMNS)].isna().all().all()
    assert rank_range(dict(top)).endswith("*")
    assert any("smallest difference shown with 80 % power" in note for note in footnotes(board))


def test_the_order_of_runs_does_not_matter(sweep_folders: list[Path]) -> None:
    found = make_leaderboard(sweep_folders, select="none")
    turned = make_leaderboard(sweep_folders[::-1], select="none")
    routers = [board.section(TRAINED) for board in (found, turned)]
    pd.testing.assert_frame_equal(standings(routers[0]), standings(routers[1]))
    lines = [
        [note for note in board.notes if note.startswith(("rank:", "p:", "smallest", "may be"))]
        for board in (found, turned)
    ]
    assert lines[0] == lines[1]
    assert len(lines[0]) == 4


def test_decisions_in_another_order_are_the_same_decisions(make_run: RunWriter) -> None:
    folders = [make_run("mlp"), make_run("linear")]
    before = standings(make_leaderboard(folders).section(TRAINED))
    path = folders[1] / "decisions.parquet"
    pd.read_parquet(path).iloc[::-1].to_parquet(path, index=False)
    pd.testing.assert_frame_equal(standings(make_leaderboard(folders).section(TRAINED)), before)


def test_decisions_on_other_samples_are_refused(make_run: RunWriter) -> None:
    folders = [make_run("mlp"), make_run("linear")]
    path = folders[1] / "decisions.parquet"
    pd.read_parquet(path).iloc[:-1].to_parquet(path, index=False)
    with pytest.raises(StateError, match="decisions on other test samples") as error:
        make_leaderboard(folders)
    assert str(folders[1]) in str(error.value)


def test_one_run_is_compared_with_references_and_has_no_rank(make_run: RunWriter) -> None:
    board = make_leaderboard([make_run("mlp")])
    assert board.section(TRAINED)["rank_low"].isna().all()
    assert board.section(REFERENCE)["p_top"].notna().all()
    assert not any(note.startswith("rank:") for note in board.notes)
    assert any("top to strongest_" in note for note in board.notes)


def test_references_alone_have_no_contest(make_run: RunWriter) -> None:
    board = make_leaderboard([make_run("strongest_global"), make_run("random")])
    assert board.frame[list(STANDING_COLUMNS)].isna().all().all()


def test_no_resamples_no_p_and_no_rank(sweep_folders: list[Path]) -> None:
    board = make_leaderboard(sweep_folders, resamples=0, select="none")
    assert board.frame[list(STANDING_COLUMNS)].isna().all().all()
    assert not any(note.startswith(("rank:", "p:", "smallest", "may be")) for note in board.notes)


def test_one_split_group_says_nothing(make_run: RunWriter) -> None:
    folders = [make_run("mlp"), make_run("linear")]
    for folder in folders:
        path = folder / "decisions.parquet"
        pd.read_parquet(path).assign(split_group=0).to_parquet(path, index=False)
    board = make_leaderboard(folders)
    assert board.frame[list(STANDING_COLUMNS)].isna().all().all()
    assert board.section(REFERENCE)["accuracy_low"].isna().all()


def test_runs_without_split_groups_say_what_to_do(make_run: RunWriter) -> None:
    folders = [make_run("mlp"), make_run("linear")]
    path = folders[1] / "decisions.parquet"
    pd.read_parquet(path).drop(columns="split_group").to_parquet(path, index=False)
    with pytest.raises(StateError, match="no column split_group") as error:
        make_leaderboard(folders)
    assert "overwrite=true" in str(error.value.hint)


def test_a_row_of_several_seeds(make_run: RunWriter) -> None:
    folders = [make_run("mlp", 0.5, seed) for seed in range(3)] + [make_run("linear")]
    runs = [load_run(folder) for folder in folders]
    rows = {"mlp": runs[:3], "linear": runs[3:]}
    notes = make_leaderboard(folders).notes
    assert "means over several seeds (3); intervals are conditional on them (fewer than 5)" in notes
    kinds = ["router", "router", "reference", "bound"]
    names = ["mlp", "linear", "strongest_global", "oracle"]
    frame = pd.DataFrame({"name": names, "kind": kinds, "router": names})
    found = compare_rows(frame, rows, runs[0], "test", 300)
    assert found is not None
    assert (found.top, found.compared) == ("mlp", 2)
    assert set(found.standings) == {"mlp", "linear", "strongest_global"}
    assert found.standings["mlp"].rank_low == 1


def test_the_terminal_marks_who_may_be_best(sweep_folders: list[Path]) -> None:
    board = make_leaderboard(sweep_folders, select="none")
    columns = {str(column.header): list(column.cells) for column in leaderboard_table(board, 160).columns}
    assert str(columns["rank"][0]).endswith("*")
    assert str(columns["p"][0]) == "–"


def test_notes_on_columns_that_do_not_fit_are_left_out(
    sweep_folders: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    board = make_leaderboard(sweep_folders, select="none")
    for width, explained in ((200, True), (50, False)):
        screen = Console(width=width)
        monkeypatch.setattr(terminal, "console", lambda screen=screen: screen)
        print_leaderboard(board)
        out = capsys.readouterr().out
        assert ("rank: what the data allow" in out) == explained
        assert ("\np: " in out) == explained
        assert "may be the best router" in out
