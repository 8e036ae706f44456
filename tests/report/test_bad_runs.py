"""Runs that cannot stand in a report: half written, on other data, without a dataset. Never a mixed mean."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from vlrb.evaluation.decisions import read_decisions
from vlrb.evaluation.runs import find_runs
from vlrb.report.leaderboard import make_leaderboard
from vlrb.report.write import write_leaderboard
from vlrb.utils.errors import StateError

RunWriter = Callable[..., Path]


def test_half_written_runs_are_left_out_by_name(make_run: RunWriter) -> None:
    good, killed, gone, failed = (make_run(name) for name in ("mlp", "linear", "knn", "ovr"))
    (killed / "DONE").unlink()
    (gone / "metrics.json").unlink()
    (failed / "DONE").unlink()
    (failed / "FAILED").write_text(json.dumps({"reason": "out of memory"}))
    found = find_runs(good.parents[1])
    assert [run.folder for run in found.runs] == [good]
    reasons = {folder.parent.name: reason for folder, reason in found.skipped}
    assert reasons == {
        "linear": "this run is not finished (no DONE in it)",
        "knn": "metrics.json is missing",
        "ovr": "this run failed (out of memory)",
    }


@pytest.mark.parametrize("name", ["decisions.parquet", "references.parquet", "metrics.json", "data.json"])
def test_a_cut_off_file_is_named(make_run: RunWriter, tmp_path: Path, name: str) -> None:
    folder = make_run()
    path = folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(StateError, match=name.replace(".", r"\.")):
        write_leaderboard([folder], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_column_that_is_missing_is_named(make_run: RunWriter) -> None:
    folder = make_run()
    read_decisions(folder).drop(columns="quality").to_parquet(folder / "decisions.parquet", index=False)
    with pytest.raises(StateError, match=r"decisions\.parquet: no column quality"):
        make_leaderboard([folder])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"dataset_name": "other", "data_fingerprint": "x"}, "dataset_name"),
        ({"pricing": "flat", "data_fingerprint": "x"}, "pricing"),
        ({"bounds": {"cmin": 1e-6, "cmax": 1e-3, "hash": "x", "reason": None}}, "cost bounds"),
    ],
)
def test_other_benchmarks_prices_and_bounds_never_share_a_table(
    make_run: RunWriter, tmp_path: Path, change: dict[str, object], told: str
) -> None:
    one, other = make_run("mlp"), make_run("linear")
    data = json.loads((other / "data.json").read_text())
    (other / "data.json").write_text(json.dumps({**data, **change}))
    with pytest.raises(StateError, match=f"not comparable.*{told}"):
        write_leaderboard([one, other], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_without_decisions_on_a_dataset_is_refused_by_name(make_run: RunWriter) -> None:
    one, other = make_run("mlp"), make_run("linear")
    table = read_decisions(other)
    table[table["dataset"] != "MMStar"].to_parquet(other / "decisions.parquet", index=False)
    with pytest.raises(StateError, match=r"linear.*other test samples.*MMStar"):
        make_leaderboard([one, other])
