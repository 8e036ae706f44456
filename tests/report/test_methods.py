"""Which runs are one method, which of its points dev chooses, and how seeds are averaged."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from vlrb.evaluation.runs import Run, load_run
from vlrb.metrics.bootstrap import resampled_sums
from vlrb.metrics.rank_score import rank_scores
from vlrb.report.datasets import dataset_table
from vlrb.report.leaderboard import TRAINED, make_leaderboard
from vlrb.report.methods import RESAMPLES, find_methods, standard_error
from vlrb.report.seeds import seed_metrics
from vlrb.utils.errors import StateError

RunWriter = Callable[..., Path]


def change(folder: Path, file: str, **values: object) -> Path:
    path = folder / file
    if file == "config.yaml":
        OmegaConf.save(OmegaConf.merge(OmegaConf.load(path), values), path)
    else:
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return folder


def dev(folder: Path, score: float, cost: float) -> Path:
    return change(folder, "metrics.json", **{"dev/rank_score": score, "dev/cost": cost})


def world_bounds(run: Run) -> tuple[float, float]:
    return float(run.data["bounds"]["cmin"]), float(run.data["bounds"]["cmax"])


def test_one_row_a_method_chosen_on_dev_whatever_test_says(make_run: RunWriter) -> None:
    """Dev: .80 and .50, far more than a standard error apart; test prefers the other."""
    good, bad = dev(make_run("mlp", 0.0), 0.80, 3e-4), dev(make_run("mlp", 1.0), 0.50, 1e-4)
    change(bad, "metrics.json", **{"test/rank_score": 0.99})
    board = make_leaderboard([bad, good])
    row = board.section(TRAINED).iloc[0]
    assert len(board.section(TRAINED)) == 1
    assert (row["name"], row["points"], row["run"]) == ("mlp λ=0", 2, str(good))
    test = json.loads((good / "metrics.json").read_text())["test/rank_score"]
    assert row["dev_to_test"] == pytest.approx(test - 0.80)
    assert board.points["name"].tolist() == ["mlp λ=1", "mlp λ=0"]
    assert board.points["chosen"].tolist() == [False, True]
    assert board.points["method"].unique().tolist() == ["mlp λ=0"]
    assert any("chosen on dev" in note for note in board.notes)


def test_the_cheaper_point_wins_within_one_standard_error(make_run: RunWriter) -> None:
    dear, cheap = make_run("mlp", 0.0), make_run("mlp", 1.0)
    error = find_methods([load_run(dev(dear, 0.7, 3e-4)), load_run(dev(cheap, 0.1, 1e-4))])[0].error
    assert 0.005 < error < 0.1
    for gap, name in ((0.9, "mlp λ=1"), (1.1, "mlp λ=0")):
        runs = [load_run(dev(dear, 0.7, 3e-4)), load_run(dev(cheap, 0.7 - gap * error, 1e-4))]
        assert find_methods(runs)[0].chosen.name == name


def test_the_standard_error_is_that_of_resampled_groups(make_run: RunWriter) -> None:
    """Against the definition: sums of resampled groups, then the score of the means, then its deviation."""
    run = load_run(make_run("mlp"))
    method = find_methods([run])[0]
    table = run.decided("dev")
    codes = np.unique(table["dataset"], return_inverse=True)[1]
    right = (table["quality"] >= 0.5).to_numpy(float)
    columns = np.stack([right, table["cost"].to_numpy(), np.ones(len(table))], axis=1)
    # dataset codes are those of data.json's order in the code under test: strata are drawn in that order
    order = [list(run.data["dataset_groups"]).index(name) for name in np.unique(table["dataset"])]
    sums = resampled_sums(columns, table["split_group"].to_numpy(), np.array(order)[codes], RESAMPLES, 0)
    scores = rank_scores(sums[:, 0] / sums[:, 2], sums[:, 1] / sums[:, 2], *world_bounds(run))
    assert standard_error(method.chosen, "rank_score") == pytest.approx(scores.std(ddof=1), rel=1e-6)


def test_seeds_are_averaged_before_choosing(make_run: RunWriter) -> None:
    """λ=0 has the luckiest seed (.81) and the lower mean: (.81 + .51)/2 = .66 against (.75 + .75)/2 = .75."""
    lucky = [dev(make_run("mlp", 0.0, 0), 0.81, 1e-4), dev(make_run("mlp", 0.0, 1), 0.51, 1e-4)]
    steady = [dev(make_run("mlp", 1.0, seed), 0.75, 2e-4) for seed in (0, 1)]
    board = make_leaderboard([*lucky, *steady])
    row = board.section(TRAINED).iloc[0]
    assert (row["name"], row["seeds"], row["points"]) == ("mlp λ=1", 2, 2)
    assert row["runs"] == f"{steady[0]}; {steady[1]}"
    assert [run.folder for run in board.runs_of("mlp λ=1")] == steady
    assert np.isnan(row["seed"])
    own = [json.loads((folder / "metrics.json").read_text())["test/accuracy"] for folder in steady]
    assert row["accuracy"] == pytest.approx(sum(own) / 2)
    assert row["accuracy_sd"] == pytest.approx(abs(own[0] - own[1]) / np.sqrt(2))
    overall = dataset_table(board).set_index(["name", "scope", "average"])
    assert overall.loc[("mlp λ=1", "overall", "micro"), "accuracy"] == pytest.approx(sum(own) / 2)


def test_the_interval_of_seeds_is_that_of_their_mean(make_run: RunWriter) -> None:
    runs = [load_run(make_run("mlp", 0.5, seed)) for seed in (0, 1)]
    found = seed_metrics(runs, "test", 300)
    tables = [run.decided("test") for run in runs]
    codes = [list(run.data["dataset_groups"]).index(d) for run in runs[:1] for d in tables[0]["dataset"]]
    right = np.mean([(table["quality"] >= 0.5).to_numpy(float) for table in tables], axis=0)
    sums = resampled_sums(
        np.stack([right, np.ones(len(right))], axis=1), tables[0]["split_group"].to_numpy(), np.array(codes), 300, 0
    )
    low, high = np.quantile(sums[:, 0] / sums[:, 1], [0.025, 0.975])
    assert (found["accuracy_low"], found["accuracy_high"]) == pytest.approx((low, high))


def test_encoders_are_methods_and_how_they_are_trained_is_a_choice(make_run: RunWriter) -> None:
    a, b, c = (make_run("mlp", lam) for lam in (0.0, 0.5, 1.0))
    for folder, dim, rate in ((a, 256, 0.1), (b, 256, 0.2), (c, 512, 0.1)):
        change(folder, "config.yaml", encoder={"text": {"dim": dim}, "training": {"lr": rate}, "workers": dim})
    runs = [load_run(folder) for folder in (a, b, c)]
    assert [len(m.candidates) for m in find_methods(runs)] == [2, 1]
    assert [len(m.candidates) for m in find_methods(runs, "router")] == [3]
    assert [len(m.candidates) for m in find_methods(runs, "none")] == [1, 1, 1]


def test_any_value_of_the_configuration_is_a_choice(make_run: RunWriter) -> None:
    a, b = make_run("knn", 0.5, 0), make_run("knn", 0.5, 1)
    for folder, k in ((a, 5), (b, 80)):
        change(folder, "config.yaml", router={"k": k}, seed=0)
    method = find_methods([load_run(a), load_run(b)])[0]
    assert [candidate.name for candidate in method.candidates] == ["knn λ=0.5 k=5", "knn λ=0.5 k=80"]


def test_the_same_configuration_and_seed_twice_are_two_points(make_run: RunWriter) -> None:
    a, b = make_run("knn", 0.5, 0), change(make_run("knn", 0.5, 1), "config.yaml", seed=0)
    assert [len(c.runs) for c in find_methods([load_run(a), load_run(b)])[0].candidates] == [1, 1]


def test_without_dev_figures_every_point_is_a_row_and_it_is_said(make_run: RunWriter) -> None:
    folders = [make_run("mlp", lam) for lam in (0.0, 1.0)]
    for folder in folders:
        change(folder, "metrics.json", **{"dev/rank_score": None, "dev/accuracy": None, "dev/cost": None})
    board = make_leaderboard(folders)
    assert len(board.section(TRAINED)) == 2
    assert "there are no dev figures to choose by, so every operating point is a row" in board.notes


def test_without_a_rank_score_dev_chooses_by_accuracy(make_run: RunWriter) -> None:
    folders = [make_run("mlp", lam) for lam in (0.0, 1.0)]
    for folder, accuracy in zip(folders, (0.5, 0.9), strict=True):
        bounds = {"cmin": 1e-4, "cmax": 1e-4, "hash": "h", "reason": "all models cost the same"}
        change(folder, "data.json", bounds=bounds)
        change(folder, "metrics.json", **{"dev/rank_score": None, "dev/accuracy": accuracy, "dev/cost": 1e-4})
    method = find_methods([load_run(folder) for folder in folders])[0]
    assert (method.figure, method.chosen.name) == ("accuracy", "mlp λ=1")


def test_budget_points_are_methods_and_other_points_are_choices(make_run: RunWriter) -> None:
    trained, mu, budget = (make_run("utility", lam) for lam in (0.0, 0.25, 0.5))
    change(mu, "data.json", point={"run": str(trained), "mu": "0.25", "budget": None})
    change(budget, "data.json", point={"run": str(trained), "mu": "0.5", "budget": 0.0002})
    methods = find_methods([load_run(folder) for folder in (trained, mu, budget)])
    assert [[c.name for c in m.candidates] for m in methods] == [
        ["utility λ=0", "utility μ=0.25"],
        ["utility budget $0.2/1k"],
    ]


def test_references_trained_several_times_stand_once(make_run: RunWriter) -> None:
    board = make_leaderboard([make_run("mlp"), make_run("oracle", 0.0), make_run("oracle", 1.0)])
    assert board.frame["router"].value_counts()["oracle"] == 1
    every = make_leaderboard([make_run("mlp"), make_run("oracle", 0.0), make_run("oracle", 1.0)], select="none")
    assert {"oracle λ=0", "oracle λ=1"} <= set(every.frame["name"])


def test_seeds_on_different_samples_are_refused(make_run: RunWriter) -> None:
    folders = [make_run("mlp", 0.5, seed) for seed in (0, 1)]
    path = folders[1] / "decisions.parquet"
    load_run(folders[1]).decisions.iloc[::-1].to_parquet(path, index=False)
    with pytest.raises(StateError, match="different test samples"):
        make_leaderboard(folders)
