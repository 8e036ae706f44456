"""The leaderboard: rows, order, references, bounds, what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vlrb.evaluation.runs import load_run
from vlrb.report.leaderboard import BOUND, REFERENCE, TRAINED, make_leaderboard
from vlrb.utils.errors import StateError

RunWriter = Callable[..., Path]


def edit_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_sections_sorted_by_rank_score(sweep_folders: list[Path]) -> None:
    board = make_leaderboard(sweep_folders, select="none")
    assert board.frame["kind"].drop_duplicates().tolist() == [TRAINED, REFERENCE, BOUND]
    assert len(board.section(TRAINED)) == 6
    for kind in (TRAINED, REFERENCE, BOUND):
        assert board.section(kind)["rank_score"].is_monotonic_decreasing
    assert set(board.section(REFERENCE)["router"]) == {
        "strongest_global",
        "cheapest_global",
        "strongest_per_dataset",
        "random",
    }
    assert set(board.section(BOUND)["router"]) == {"oracle", "Bayes, best accuracy", "Bayes, best score"}


def test_a_router_row_holds_the_stored_metrics(make_run: RunWriter) -> None:
    folder = make_run()
    metrics = json.loads((folder / "metrics.json").read_text())
    row = make_leaderboard([folder]).section(TRAINED).iloc[0]
    assert row["name"] == "mlp λ=0.5"
    assert row["accuracy"] == metrics["test/accuracy"]
    assert row["cost_per_1k_high"] == pytest.approx(1000 * metrics["test/cost_high"])
    assert row["share_of_attainable_gain"] == metrics["test/share_of_attainable_gain"]
    assert row["throughput_router"] == metrics["test/throughput_router"]
    dev = make_leaderboard([folder], split="dev").section(TRAINED).iloc[0]
    assert dev["n"] == metrics["dev/n"]
    assert dev["accuracy"] == metrics["dev/accuracy"]


def test_references_are_recomputed_from_their_decisions(make_run: RunWriter) -> None:
    folder = make_run()
    board = make_leaderboard([folder])
    metrics = json.loads((folder / "metrics.json").read_text())
    best = board.frame[board.frame["router"] == "strongest_global"].iloc[0]
    for name in ("accuracy", "rank_score"):
        assert best[name] == pytest.approx(metrics[f"test/best_single_{name}"])
        assert best[f"{name}_low"] == pytest.approx(metrics[f"test/best_single_{name}_low"])  # same resamples
    assert best["gap_closed"] == pytest.approx(0.0)
    oracle = board.frame[board.frame["router"] == "oracle"].iloc[0]
    assert oracle["accuracy"] == pytest.approx(metrics["test/oracle_accuracy"])
    assert oracle["gap_closed"] == pytest.approx(1.0)
    assert np.isnan(oracle["expected_accuracy"])  # it does not decide by content alone


def test_expectations_never_exceed_the_bayes_rows(sweep_folders: list[Path]) -> None:
    frame = make_leaderboard(sweep_folders).frame
    top = frame.loc[frame["router"] == "Bayes, best accuracy", "expected_accuracy"].item()
    assert (frame["expected_accuracy"].dropna() <= top).all()


def test_seeds_are_named_only_where_they_tell_rows_apart(make_run: RunWriter) -> None:
    folders = [make_run("mlp", 0.5, seed) for seed in (0, 1)]
    names = set(make_leaderboard(folders, select="none").section(TRAINED)["name"])
    assert names == {"mlp λ=0.5 s0", "mlp λ=0.5 s1"}


def test_a_trained_reference_stands_with_the_references_and_only_once(make_run: RunWriter) -> None:
    board = make_leaderboard([make_run("mlp"), make_run("oracle"), make_run("strongest_global")])
    assert board.frame["router"].value_counts()["oracle"] == 1
    assert board.frame.set_index("router").loc["oracle", "kind"] == BOUND
    assert board.frame.set_index("router").loc["strongest_global", "name"] == "strongest_global"


def test_undefined_scores_come_last_and_are_explained(make_run: RunWriter) -> None:
    good, bad = make_run("mlp"), make_run("linear")
    nothing = dict.fromkeys(["test/rank_score", "test/rank_score_low", "test/rank_score_high"])
    edit_json(bad / "metrics.json", **nothing, **{"test/rank_score_reason": "all models cost the same"})
    board = make_leaderboard([bad, good])
    assert board.section(TRAINED)["router"].tolist() == ["mlp", "linear"]
    assert "rank score is undefined: all models cost the same" in board.notes


def test_real_data_have_no_bayes_rows(make_run: RunWriter) -> None:
    folder = make_run()
    metrics = json.loads((folder / "metrics.json").read_text())
    kept = {k: v for k, v in metrics.items() if "bayes" not in k and "expected" not in k and "share" not in k}
    (folder / "metrics.json").write_text(json.dumps(kept))
    edit_json(folder / "data.json", synthetic=False)
    board = make_leaderboard([folder])
    assert board.section(BOUND)["router"].tolist() == ["oracle"]
    assert "synthetic" not in board.title
    assert pd.isna(board.section(TRAINED)["expected_accuracy"]).all()


def test_what_is_refused(make_run: RunWriter, tmp_path: Path) -> None:
    one, other = make_run("mlp"), make_run("linear")
    edit_json(other / "data.json", data_fingerprint="else")
    with pytest.raises(StateError, match="not comparable"):
        make_leaderboard([one, other])
    with pytest.raises(StateError, match="at least one run"):
        make_leaderboard([])
    with pytest.raises(StateError, match="no decisions on split 'train'"):
        make_leaderboard([one], split="train")


def test_a_reference_on_other_samples_is_refused(make_run: RunWriter) -> None:
    folder = make_run()
    references = load_run(folder).references
    references[references["router"] != "random"].iloc[1:].to_parquet(folder / "references.parquet", index=False)
    with pytest.raises(StateError, match="decided on different"):
        make_leaderboard([folder], split="dev")


def test_the_frame_is_a_pure_function_of_the_folders(sweep_folders: list[Path]) -> None:
    pd.testing.assert_frame_equal(make_leaderboard(sweep_folders).frame, make_leaderboard(sweep_folders).frame)
