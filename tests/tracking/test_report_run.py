"""A leaderboard over many runs as one W&B run; csv and TensorBoard; what a logger of another make is given."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import wandb

from vlrb.tasks.tracking import check_logger, make_tracker
from vlrb.tracking.card import Context, make_card
from vlrb.tracking.csv_file import CsvTracker
from vlrb.tracking.curves import read_curves
from vlrb.tracking.report_run import log_report
from vlrb.tracking.tensorboard import LoggerTracker, TensorBoardTracker
from vlrb.tracking.tracker import Results
from vlrb.tracking.wandb_logger import WandbTracker
from vlrb.utils.errors import ConfigError

from .conftest import CONFIG
from .wandb_file import read

Call = Callable[..., tuple[int, str, str]]


def test_a_leaderboard_is_one_run_of_its_own(tmp_path: Path, hand_results: Results) -> None:
    log_report(WandbTracker(tmp_path, mode="offline", system=False), hand_results.board, hand_results.folder, "abc")
    (found,) = read(tmp_path)
    assert (found.run.job_type, found.run.run_group) == ("report", "abc")
    columns, rows = found.table("leaderboard")
    assert rows[0][columns.index("accuracy")] == pytest.approx(5 / 6)
    assert len(found.table("points")[1]) == 6
    assert found.summary["runs"] == 1
    assert found.summary["plots/pareto"]["_type"] == "image-file"
    assert found.exit_code == 0


def test_a_report_that_wandb_refuses_is_a_warning(
    tmp_path: Path, hand_results: Results, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_: Any) -> None:
        raise wandb.errors.CommError("no answer")

    monkeypatch.setattr(wandb, "init", refuse)
    log_report(WandbTracker(tmp_path, mode="offline"), hand_results.board, hand_results.folder, "abc")
    said = capsys.readouterr().out.replace("\n", " ")
    assert "warning: W&B: starting the report failed (CommError: no answer)" in said


def test_evaluating_knows_no_other_logger(call: Call, hand_run: Path) -> None:
    code, _, err = call("evaluate", f"runs={hand_run}", "logger=csv")
    assert code == 1
    assert "logger=wandb" in err


def live(tracker: Any, hand: Results, epochs: Mapping[int, float], *, resumed: bool = False) -> None:
    tracker.begin(make_card(CONFIG, hand.board.runs[0].data, Context()), resumed=resumed)
    for epoch, loss in epochs.items():
        tracker.log_metrics({"epoch": epoch, "dev/accuracy": 1 - loss}, step=7)
        tracker.log_metrics({"epoch": epoch, "train/loss": loss}, step=7)
    tracker.results(lambda: hand)
    tracker.end(failed=False)
    assert not tracker.guard.off


def test_csv_has_one_row_per_epoch_and_goes_on_after_a_kill(tmp_path: Path, hand_results: Results) -> None:
    live(CsvTracker(tmp_path), hand_results, {0: 0.5, 1: math.nan})
    text = (tmp_path / "curves.csv").read_text(encoding="utf-8")
    assert text == "epoch,dev/accuracy,train/loss\n0,0.5,0.5\n1,nan,nan\n"  # a loss that diverged is shown
    live(CsvTracker(tmp_path), hand_results, {1: 0.25, 2: 0.125}, resumed=True)
    assert {k: v["train/loss"] for k, v in read_curves(tmp_path / "curves.csv").items()} == {0: 0.5, 1: 0.25, 2: 0.125}
    live(CsvTracker(tmp_path), hand_results, {0: 0.75})
    assert list(read_curves(tmp_path / "curves.csv")) == [0]


def test_a_csv_that_cannot_be_written_costs_nothing(
    tmp_path: Path, hand_results: Results, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").write_text("a file where a folder should be")
    tracker = CsvTracker(tmp_path / "run")
    tracker.begin(make_card(CONFIG, hand_results.board.runs[0].data, Context()), resumed=False)
    tracker.log_metrics({"epoch": 0, "train/loss": 1.0})
    tracker.log_metrics({"epoch": 1, "train/loss": 1.0})
    assert capsys.readouterr().out.count("warning: csv") == 1


def test_tensorboard_has_curves_settings_results_and_plots(tmp_path: Path, hand_results: Results) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    live(TensorBoardTracker(tmp_path), hand_results, {0: 0.5, 1: 0.25})
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(e.step, e.value) for e in events.Scalars("train/loss")] == [(0, 0.5), (1, 0.25)]
    assert events.Scalars("test/accuracy")[-1].value == pytest.approx(5 / 6)
    tags = events.Tags()
    assert "plots/pareto" in tags["images"]
    assert any("leaderboard" in tag for tag in tags["tensors"])
    assert "_hparams_/session_start_info" in events.summary_metadata


class Recorder:
    """What Lightning's own loggers are asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def log_hyperparams(self, params: Any) -> None:
        self.calls.append(("settings", params["router/dropout"]))

    def log_metrics(self, metrics: Any, step: int) -> None:
        self.calls.append(("metrics", (step, metrics)))

    def finalize(self, status: str) -> None:
        self.calls.append(("end", status))


def test_any_logger_of_lightnings_is_given_settings_curves_and_results(tmp_path: Path, hand_results: Results) -> None:
    inner = Recorder()
    live(LoggerTracker(tmp_path, inner), hand_results, {0: 0.5})  # type: ignore[arg-type]
    assert inner.calls[0] == ("settings", 0.1)
    assert inner.calls[2] == ("metrics", (0, {"train/loss": 0.5}))
    assert inner.calls[3][1][1]["test/accuracy"] == pytest.approx(5 / 6)
    assert inner.calls[-1] == ("end", "success")


def test_a_dotted_path_makes_such_a_logger(tmp_path: Path) -> None:
    node = {"_target_": "lightning.pytorch.loggers.CSVLogger", "name": "mine"}
    check_logger({"logger": node})
    tracker = make_tracker({"logger": node}, tmp_path)
    assert isinstance(tracker, LoggerTracker)
    assert make_tracker({"logger": {"_target_": None}}, tmp_path) is None


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"_target_": "vlrb.tracking.wandb_logger.WandbTracker", "projekt": "x"}, "project"),
        ({"_target_": "vlrb.tracking.wandb_logger.WandbTracker", "mode": "onlin"}, "logger.mode"),
        ({"_target_": "vlrb.tracking.wandb_logger.WandbTracker", "timeout": "long"}, "logger.timeout"),
        ({"_target_": "vlrb.tracking.nothing.Here"}, "logger"),
    ],
)
def test_mistakes_in_the_settings_are_found_before_any_work(node: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_logger({"logger": node})


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"\.\[tensorboard\]"):
        check_logger({"logger": {"_target_": "vlrb.tracking.tensorboard.TensorBoardTracker", "flush_secs": 30}})
