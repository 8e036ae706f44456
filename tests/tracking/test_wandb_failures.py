"""Whatever W&B does, training goes on: a failure at each call is one warning, and nothing is called after it."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wandb

from vlrb.tracking import wandb_run
from vlrb.tracking.card import Context, make_card
from vlrb.tracking.curves import read_curves
from vlrb.tracking.tracker import Results
from vlrb.tracking.wandb_logger import WandbTracker
from vlrb.utils.errors import ConfigError

from .conftest import CONFIG

ERRORS = (
    OSError(errno.ENOSPC, "No space left on device"),
    wandb.errors.CommError("the server does not answer"),
    BrokenPipeError("the service is gone"),
    TimeoutError("too slow"),
    ValueError("anything else"),
)


class FakeRun:
    """A run that counts its calls and fails at one of them."""

    offline = True

    def __init__(self, failing: str | None, error: Exception) -> None:
        self.failing, self.error, self.calls = failing, error, []
        self.id, self.summary = "id", self
        self.settings = wandb.Settings()

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name == self.failing:
            raise self.error

    def define_metric(self, *_: Any, **__: Any) -> None:
        self._called("define_metric")

    def log(self, data: dict[str, Any], step: int) -> None:
        self._called("log tables" if "points" in data else "log")

    def update(self, _: dict[str, Any]) -> None:
        self._called("summary")

    def log_artifact(self, _: Any) -> None:
        self._called("log_artifact")

    def finish(self, exit_code: int) -> None:
        self._called("finish")


Lived = tuple[WandbTracker, FakeRun, str]


@pytest.fixture
def live(
    tmp_path: Path, hand_results: Results, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Lived]:
    """Live through a whole run, W&B failing at one call."""

    def through(failing: str | None, error: Exception = ERRORS[0]) -> Lived:
        run = FakeRun(failing, error)

        def init(**_: Any) -> FakeRun:
            run._called("init")
            return run

        monkeypatch.setattr(wandb, "init", init)
        tracker = WandbTracker(tmp_path, mode="offline")
        tracker.begin(make_card(CONFIG, hand_results.board.runs[0].data, Context()), resumed=False)
        for epoch in range(3):
            tracker.log_metrics({"epoch": epoch, "train/loss": 1.0 / (epoch + 1)}, step=epoch)
        tracker.results(lambda: hand_results)
        tracker.end(failed=False)
        return tracker, run, capsys.readouterr().out

    return through


CALLS = ("init", "define_metric", "log", "summary", "log tables", "log_artifact", "finish")


def test_without_a_failure_everything_is_called(live: Callable[..., Lived]) -> None:
    tracker, run, out = live(None)
    assert set(run.calls) == set(CALLS)
    assert not tracker.guard.off
    assert "warning" not in out
    assert "wandb sync" in out


@pytest.mark.parametrize("call", CALLS)
def test_a_failure_at_any_call_is_one_warning(live: Callable[..., Lived], call: str) -> None:
    _, run, out = live(call)
    assert run.calls[-1] == call or run.calls[-2:] == [call, "finish"]  # closed if it was open, else left alone
    assert run.calls.count(call) == 1 or call == "define_metric"
    assert out.replace("\n", " ").count("warning: W&B") == 1
    assert "No space left on device" in out


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
def test_any_error_is_caught(live: Callable[..., Lived], error: Exception) -> None:
    _, _, out = live("log", error)
    assert str(error).split("]")[-1].strip() in out.replace("\n", " ")


def test_an_interruption_is_not_swallowed(live: Callable[..., Lived]) -> None:
    with pytest.raises(KeyboardInterrupt):
        live("log", KeyboardInterrupt())  # type: ignore[arg-type]


def test_epochs_are_kept_in_the_run_folder_also_where_wandb_fails(live: Callable[..., Lived], tmp_path: Path) -> None:
    live("define_metric")
    assert not (tmp_path / "curves.csv").exists()  # off from the start
    live("finish")
    assert list(read_curves(tmp_path / "curves.csv")) == [0, 1, 2]


def test_results_that_cannot_be_made_are_a_warning(
    tmp_path: Path, hand_results: Results, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = FakeRun(None, ERRORS[0])
    monkeypatch.setattr(wandb, "init", lambda **_: run)
    tracker = WandbTracker(tmp_path, mode="offline")
    tracker.begin(make_card(CONFIG, hand_results.board.runs[0].data, Context()), resumed=False)
    tracker.results(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    tracker.end(failed=False)
    assert "logging the results failed (ZeroDivisionError" in capsys.readouterr().out.replace("\n", " ")
    assert run.calls[-1] == "finish"


def test_disabled_means_that_nothing_is_called(
    tmp_path: Path, hand_results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wandb, "init", lambda **_: pytest.fail("called"))
    monkeypatch.setenv("WANDB_MODE", "disabled")
    tracker = WandbTracker(tmp_path)
    tracker.begin(make_card(CONFIG, hand_results.board.runs[0].data, Context()), resumed=False)
    tracker.log_metrics({"epoch": 0, "train/loss": 1.0})
    tracker.results(lambda: hand_results)
    tracker.end(failed=False)
    assert not tracker.guard.off


@pytest.mark.parametrize(
    ("mode", "variable", "key", "expected"),
    [
        ("auto", None, False, "offline"),
        ("auto", None, True, "online"),
        ("auto", "offline", True, "offline"),
        ("auto", "disabled", True, "disabled"),
        ("auto", "dryrun", True, "offline"),
        ("auto", "online", False, "offline"),  # W&B would ask for a key and wait
        ("online", "offline", True, "online"),  # what the command says counts
        ("offline", "online", True, "offline"),
    ],
)
def test_which_mode(monkeypatch: pytest.MonkeyPatch, mode: Any, variable: str | None, key: bool, expected: str) -> None:
    monkeypatch.setattr(wandb_run, "key_is_known", lambda: key)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    if variable:
        monkeypatch.setenv("WANDB_MODE", variable)
    assert wandb_run.chosen_mode(mode)[0] == expected


def test_an_unknown_mode_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "onlin")
    with pytest.raises(ConfigError, match="WANDB_MODE=onlin"):
        wandb_run.chosen_mode("auto")


def test_a_key_in_the_environment_or_in_netrc_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in wandb_run.KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setattr(wandb_run, "host", lambda: "api.example.org")
    assert not wandb_run.key_is_known()
    (tmp_path / ".netrc").write_text("machine api.example.org\n login user\n password secret\n")
    assert wandb_run.key_is_known()
    monkeypatch.setattr(wandb_run, "host", lambda: "other.example.org")
    assert not wandb_run.key_is_known()
    monkeypatch.setenv("WANDB_API_KEY", "secret")
    assert wandb_run.key_is_known()
