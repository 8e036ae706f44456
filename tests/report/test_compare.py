"""Two leaderboards: which rows belong together, what changed, what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vlrb.evaluation.decisions import read_decisions
from vlrb.report.compare import ADDED, CHANGED, REMOVED, SAME, compare
from vlrb.report.compare_write import write_comparison
from vlrb.report.leaderboard import make_leaderboard
from vlrb.utils.errors import StateError

from .conftest import World, write_run

Writer = Callable[..., Path]


@pytest.fixture
def two(tmp_path: Path, world: World) -> tuple[list[Path], list[Path]]:
    """New and old runs: mlp the same, linear with other decisions, knn added, ovr removed."""
    new = [write_run(tmp_path / "new" / r / "0.5-s0-00000000", world, r, 0.5) for r in ("mlp", "linear", "knn")]
    old = [write_run(tmp_path / "old" / r / "0.5-s0-00000000", world, r, 0.5) for r in ("mlp", "linear", "ovr")]
    table = read_decisions(old[1])
    test = table.index[table["split"] == "test"]
    table.loc[test[:4], ["model_id", "quality", "cost"]] = table.loc[
        test[:4], ["oracle_model_id", "oracle_quality", "oracle_cost"]
    ].to_numpy()
    table.sample(frac=1, random_state=0).to_parquet(old[1] / "decisions.parquet", index=False)  # another order too
    return new, old


def test_rows_and_changes(two: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
    new, old = (make_leaderboard(folders) for folders in two)
    frame = compare(new, old, resamples=200).frame
    status = dict(zip(frame["name"].fillna(frame["before_name"]), frame["status"], strict=True))
    assert status == {"mlp λ=0.5": SAME, "linear λ=0.5": CHANGED, "knn λ=0.5": ADDED, "ovr λ=0.5": REMOVED}
    row = frame.set_index("name").loc["linear λ=0.5"]
    left, right = (read_decisions(folders[1]).query("split == 'test'").set_index("sample_id") for folders in two)
    right = right.loc[left.index]
    assert row["decisions_changed"] == pytest.approx((left["model_id"] != right["model_id"]).mean())
    a, b = left["quality"] >= 0.5, right["quality"] >= 0.5
    assert row["accuracy_change"] == pytest.approx(a.mean() - b.mean())
    assert row["cost_per_1k_change"] == pytest.approx(1000 * (left["cost"].mean() - right["cost"].mean()))
    assert (row["won"], row["lost"]) == ((a & ~b).sum(), (~a & b).sum())
    assert row["accuracy_change_low"] <= row["accuracy_change"] <= row["accuracy_change_high"]
    named = str(row["beyond"]).split(", ")
    for figure in ("accuracy", "cost_per_1k", "rank_score"):
        low, high = row[f"{figure}_change_low"], row[f"{figure}_change_high"]
        assert (figure in named) == (low > 0 or high < 0)
    paths = write_comparison(compare(new, old, resamples=200), tmp_path / "out")
    assert [path.name for path in paths] == ["compare.csv", "compare.md", "compare.html"]
    assert len(pd.read_csv(paths[0])) == 4
    assert "removed" in paths[1].read_text(encoding="utf-8")
    assert "<td>added</td>" in paths[2].read_text(encoding="utf-8")


def test_another_configuration_of_the_same_router_is_a_changed_row(tmp_path: Path, world: World) -> None:
    new = write_run(tmp_path / "new" / "knn" / "0.5-s0-11111111", world, "knn", 0.5)
    old = write_run(tmp_path / "old" / "knn" / "0-s0-22222222", world, "knn", 0.0)
    frame = compare(make_leaderboard([new]), make_leaderboard([old]), resamples=0).frame
    assert frame["status"].tolist() == [CHANGED]
    assert frame["settings"].item() == "λ=0 → λ=0.5"
    assert np.isnan(frame["accuracy_change_low"].astype(float).item())  # no resamples, no interval
    assert frame["beyond"].item() == ""


def test_other_data_are_refused_by_name(two: tuple[list[Path], list[Path]]) -> None:
    new, old = two
    for folder in old:
        data = json.loads((folder / "data.json").read_text())
        data |= {"data_fingerprint": "else", "pricing": "flat", "bounds": {**data["bounds"], "hash": "else"}}
        (folder / "data.json").write_text(json.dumps(data))
    with pytest.raises(StateError, match=r"not comparable.*pricing \(vl_routerbench_2025 / flat\), cost bounds"):
        compare(make_leaderboard(new), make_leaderboard(old))


def test_other_samples_and_splits_are_refused(two: tuple[list[Path], list[Path]]) -> None:
    new, old = two
    for name in ("decisions", "references"):
        table = pd.read_parquet(old[0] / f"{name}.parquet")
        few = sorted(table.loc[table["split"] == "test", "sample_id"].unique())[:3]
        table[~table["sample_id"].isin(few)].to_parquet(old[0] / f"{name}.parquet", index=False)
    with pytest.raises(StateError, match="different samples"):
        compare(make_leaderboard(new[:1]), make_leaderboard(old[:1]))
    with pytest.raises(StateError, match="of test and dev"):
        compare(make_leaderboard(new[:1]), make_leaderboard(old[1:2], split="dev"))
