"""An offline W&B run, read back from its file."""

import json
from pathlib import Path

import pytest

from vlrb.schema import WEIGHTS_FILE
from vlrb.tracking.card import Context, make_card
from vlrb.tracking.tracker import Results
from vlrb.tracking.wandb_logger import WandbTracker
from vlrb.utils.fingerprint import file_fingerprint

from .conftest import CONFIG
from .wandb_file import Recorded, read

SWEEP = Context(Path("runs/hand/sweeps/abc"), "smoke", ["seed=1"], ["seed=0,1"])


def track(folder: Path, hand: Results, epochs: dict[int, float], *, resumed: bool = False) -> WandbTracker:
    tracker = WandbTracker(folder, mode="offline", tags=["mine"], system=False)
    tracker.begin(make_card(CONFIG, hand.board.runs[0].data, SWEEP), resumed=resumed)
    for epoch, loss in epochs.items():
        tracker.log_metrics({"epoch": epoch, "dev/accuracy": 1 - loss, "dev/cost": 0.1}, step=40)
        tracker.log_metrics({"epoch": epoch, "train/loss": loss}, step=41)
        tracker.log_metrics({"epoch": epoch, "lr": 0.01}, step=41)
    return tracker


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, hand_results: Results) -> Recorded:
    folder = tmp_path_factory.mktemp("wandb")
    tracker = track(folder, hand_results, {0: 0.5, 1: 0.25, 2: 0.75})
    tracker.results(lambda: hand_results)
    tracker.end(failed=False)
    assert not tracker.guard.off
    (found,) = read(folder)
    return found


def test_who_the_run_is(recorded: Recorded) -> None:
    run = recorded.run
    assert (run.project, run.run_group, run.display_name, run.job_type) == ("vlrb", "abc", "mlp λ=0.5 s1", "train")
    assert list(run.tags) == ["hand", "mlp", "offline", "smoke", "mine"]
    assert run.run_id.startswith("mlp-0.5-s1-")
    assert recorded.exit_code == 0


def test_settings(recorded: Recorded) -> None:
    assert recorded.config["router/dropout"] == 0.1
    assert recorded.config["lambda/value"] == 0.5
    assert recorded.config["data/fingerprint"] == "feedc0de12345678"
    ours = {key: value for key, value in recorded.config.items() if key != "_wandb"}
    assert "secret" not in json.dumps(ours)


def test_curves_run_over_epochs_and_know_their_direction(recorded: Recorded) -> None:
    curves = [row for row in recorded.history if "curves/train/loss" in row]
    assert [row["epoch"] for row in curves] == [0, 1, 2]
    assert [row["_step"] for row in curves] == [0, 1, 2]
    assert [row["curves/train/loss"] for row in curves] == [0.5, 0.25, 0.75]
    assert [row["curves/dev/accuracy"] for row in curves] == [0.5, 0.75, 0.25]
    assert all(row["curves/lr"] == 0.01 for row in curves)
    metrics = recorded.metrics
    assert metrics["curves/dev/accuracy"].step_metric == "epoch"
    best = {key: (m.summary.max, m.summary.min) for key, m in metrics.items()}
    assert best["curves/dev/accuracy"] == best["test/accuracy"] == best["test/rank_score"] == (True, False)
    assert best["curves/train/loss"] == best["curves/dev/cost"] == best["test/cost"] == (False, True)
    assert recorded.summary["curves/train/loss"] == {"min": 0.25}
    assert recorded.summary["curves/dev/accuracy"] == {"max": 0.75}


def test_the_summary_is_metrics_json(recorded: Recorded, hand_results: Results) -> None:
    for key in ("test/accuracy", "test/accuracy_low", "dev/cost", "test/rank_score", "test/oracle_accuracy", "test/n"):
        assert recorded.summary[key] == hand_results.metrics[key], key
    assert recorded.summary["choices/Middle"] == pytest.approx(3 / 6)


def test_tables_and_plots(recorded: Recorded) -> None:
    columns, rows = recorded.table("points")
    point = dict(zip(columns, next(row for row in rows if row[0] == "mlp λ=0.5"), strict=True))
    assert point["accuracy"] == pytest.approx(5 / 6)
    assert point["cost_per_1k"] == pytest.approx(16 / 6)
    columns, rows = recorded.table("datasets")
    assert [(row[1], row[columns.index("n")]) for row in rows] == [("alpha", 3), ("beta", 3)]
    assert recorded.table("choices")[1][1][1] == "Middle"
    plots = recorded.config["_wandb"]["visualize"]
    assert plots["accuracy against cost"]["panel_config"]["fieldSettings"] == {"x": "cost_per_1k", "y": "accuracy"}
    picture = recorded.summary["plots/pareto"]
    assert (picture["_type"], picture["width"]) == ("image-file", 8)
    assert (recorded.folder / "files" / picture["path"]).is_file()


def test_artifacts_carry_fingerprints_and_no_data(recorded: Recorded, hand_run: Path) -> None:
    benchmark, model = recorded.artifacts["benchmark"], recorded.artifacts["model"]
    described = json.loads(benchmark.metadata)
    assert benchmark.name == "benchmark-hand"
    assert (described["data_fingerprint"], described["parts"]["costs"]) == ("feedc0de12345678", "bb")
    names = {entry.path for entry in benchmark.manifest.contents}
    assert names == {"manifest.json", "models.json", "costs/flat/cost_bounds.json", "reports/integrity.json"}
    weights = json.loads(model.metadata)
    assert weights["weights"] == file_fingerprint(hand_run / WEIGHTS_FILE)
    assert (weights["bank"], weights["data_fingerprint"]) == ("bank=abc", "feedc0de12345678")
    entries = {entry.path: entry.local_path for entry in model.manifest.contents}
    assert {WEIGHTS_FILE, "config.yaml", "data_spec.json", "metrics.json"} <= set(entries)
    assert entries[WEIGHTS_FILE] == str(hand_run / WEIGHTS_FILE)  # read where it is, not copied


def test_a_resumed_run_has_the_same_id_and_all_epochs(tmp_path: Path, hand_results: Results) -> None:
    track(tmp_path, hand_results, {0: 0.5, 1: 0.25}).end(failed=True)
    track(tmp_path, hand_results, {2: 0.125}, resumed=True).end(failed=False)
    first, second = read(tmp_path)
    assert first.exit_code == 1
    assert (first.run.run_id, second.run.resume) == (second.run.run_id, True)
    assert [row["curves/train/loss"] for row in second.history] == [0.5, 0.25, 0.125]
    track(tmp_path, hand_results, {0: 0.75}).end(failed=False)  # trained anew: nothing of before is left
    assert [row["curves/train/loss"] for row in read(tmp_path)[-1].history] == [0.75]


def test_a_router_without_epochs_still_has_results(tmp_path: Path, hand_results: Results) -> None:
    tracker = WandbTracker(tmp_path, mode="offline", artifacts=False, tables=False, system=False)
    tracker.begin(make_card(CONFIG, hand_results.board.runs[0].data, Context()), resumed=False)
    tracker.results(lambda: hand_results)
    tracker.end(failed=False)
    (found,) = read(tmp_path)
    assert found.summary["test/accuracy"] == pytest.approx(5 / 6)
    assert found.history == []
    assert found.artifacts == {}
