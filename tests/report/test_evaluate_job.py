"""`evaluate.py runs=… compare=… fail_if=…` : what is written before the gate speaks, what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from vlrb.tasks.compare import check_request
from vlrb.tasks.evaluate import compare_runs
from vlrb.utils.cli import ROOT
from vlrb.utils.errors import ConfigError, StateError


def config(tmp_path: Path, **given: Any) -> dict[str, Any]:
    plain = yaml.safe_load((ROOT / "conf" / "evaluate.yaml").read_text(encoding="utf-8"))
    del plain["defaults"]
    paths = {"data_dir": str(tmp_path / "data"), "runs_dir": str(tmp_path / "runs")}
    return {**plain, "logger": {"_target_": None}, "samples": 5, "paths": paths, **given}


def test_the_gate_speaks_after_everything_is_written(sweep_folders: list[Path], tmp_path: Path) -> None:
    runs, out = str(sweep_folders[0].parents[1]), tmp_path / "out"
    plain = config(tmp_path, runs=runs, compare=runs, out=str(out), fail_if="any rank_score<2 and won>=0")
    with pytest.raises(StateError, match="gate failed") as caught:
        compare_runs(plain)
    assert "\n" not in caught.value.message
    written = {path.name for path in out.iterdir()}
    assert {"leaderboard.html", "leaderboard.tex", "compare.csv", "compare.html", "points.csv"} <= written
    page = (out / "leaderboard.html").read_text(encoding="utf-8")
    assert page.count("neither at nowhere nor at") == 3  # sections that need the benchmark say why they are absent


def test_a_gate_that_is_not_met_lets_the_job_pass(sweep_folders: list[Path], tmp_path: Path) -> None:
    plain = config(tmp_path, runs=str(sweep_folders[0]), out=str(tmp_path / "out"), fail_if="rank_score<0.1")
    assert compare_runs(plain).status == "done"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"samples": 501}, "0 to 500"),
        ({"samples": -1}, "0 to 500"),
        ({"compare": "somewhere"}, "compare needs runs"),
        ({"fail_if": "rank_score"}, "cannot read"),
        ({"fail_if": "rank_score<1", "mu": 0.3}, "does not go with mu"),
        ({"fail_if": "rank_score<1", "pricing": {"name": "flat"}}, "does not go with pricing"),
    ],
)
def test_what_cannot_be_met_is_refused_before_any_work(tmp_path: Path, given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_request(config(tmp_path, **given))
