from pathlib import Path

import pandas as pd
import pytest

from vlrb.evaluation.runs import Run
from vlrb.report.across_splits import across_splits, means, on_several_splits, show_across_splits


def run(router, accuracy, lam=0.5, name="kfold", **split):
    config = {
        "router_name": router,
        "lambda": {"value": lam},
        "seed": 0,
        "split": {"name": name, **split},
        "paths": {"runs_dir": f"/{router}{accuracy}"},  # where things lie is no setting
    }
    metrics = {"test/n": 10, "test/accuracy": accuracy, "test/cost": accuracy / 1000, "test/rank_score": accuracy / 2}
    return Run(Path("runs") / f"{router}-{accuracy}", config, metrics, {}, {})


RUNS = [run("knn", 0.5, fold=0), run("mlp", 0.9, fold=0), run("knn", 0.7, fold=1), run("mlp", 0.8, fold=1)]


def test_runs_are_told_apart_by_their_split():
    assert on_several_splits(RUNS)
    assert not on_several_splits(RUNS[:2])
    table = across_splits(RUNS)
    assert table["split"].tolist() == ["fold=0", "fold=0", "fold=1", "fold=1"]
    assert table["setting"].nunique() == 2
    mixed = across_splits([run("knn", 0.5, fold=0), run("knn", 0.6, name="reference")])
    assert mixed["split"].tolist() == ["fold=0 name=kfold", "fold=– name=reference"]


def test_means_by_hand():
    table = means(across_splits(RUNS)).set_index("run")
    assert table.index.tolist() == ["mlp λ=0.5 s0", "knn λ=0.5 s0"]  # mean Rank Scores .425 and .3
    assert table.loc["knn λ=0.5 s0", "accuracy"] == pytest.approx(0.6)
    assert table.loc["knn λ=0.5 s0", "accuracy_sd"] == pytest.approx(0.02**0.5)  # (.1² + .1²) / (2 − 1)
    assert table["splits"].tolist() == [2, 2]


def test_what_is_printed_and_written(tmp_path, capsys):
    undefined = run("random", 0.3, fold=0)
    undefined.metrics["test/rank_score"] = None
    show_across_splits([*RUNS, undefined], tmp_path)
    shown = capsys.readouterr().out
    assert "0.850 ± 0.071" in shown  # mlp
    assert "–" in shown.split("random")[1].splitlines()[0]
    written = pd.read_csv(tmp_path / "across_splits.csv")
    assert written["accuracy"].tolist() == [0.5, 0.9, 0.7, 0.8, 0.3]
    assert "setting" not in written
