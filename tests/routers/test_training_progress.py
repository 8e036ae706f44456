"""The progress line."""

import io

import pytest
from rich.console import Console

from vlrb.routers import progress
from vlrb.routers.progress import TrainingProgress, describe
from vlrb.utils import console as own


@pytest.fixture
def screen(monkeypatch):
    def make(terminal: bool) -> io.StringIO:
        text = io.StringIO()
        console = Console(file=text, force_terminal=terminal, width=120)
        monkeypatch.setattr(progress, "console", lambda: console)
        monkeypatch.setattr(own, "console", lambda: console)
        monkeypatch.setattr(progress, "REFRESH_S", 0.0)
        return text

    return make


def train(world, epochs=3):
    router = world.build("mlp")
    data = world.data(router, world.view(n=150))
    trainer = world.trainer(epochs)
    trainer.callbacks.append(TrainingProgress())
    trainer.fit(router.bind(data.spec), datamodule=data)


def test_line_shows_epoch_loss_and_dev_accuracy(world, screen):
    text = screen(terminal=True)
    train(world)
    shown = text.getvalue()
    assert "mlp  epoch 3/3" in shown
    assert "loss 1." in shown
    assert "dev acc 0." in shown
    assert "ETA" in shown


def test_a_long_epoch_shows_its_batches_and_speed(world, screen, monkeypatch):
    screen(terminal=True)
    said: list[str] = []  # the terminal is painted a few times a second only
    update = progress.Progress.update

    def noting(bar, task, **given):
        said.append(given.get("description", ""))
        update(bar, task, **given)

    monkeypatch.setattr(progress.Progress, "update", noting)
    monkeypatch.setattr(progress, "LONG_S", 0.0)
    monkeypatch.setattr(progress, "REFRESH_S", 0.0)
    router = world.build("mlp", batch_size=32)
    data = world.data(router, world.view(n=150))
    trainer = world.trainer(1)
    trainer.callbacks.append(TrainingProgress())
    trainer.fit(router.bind(data.spec), datamodule=data)
    batches = -(-data.split_size("train") // 32)
    assert any(f"batch {batches}/{batches}" in line and "samples/s" in line for line in said), said


def test_nothing_is_shown_without_a_terminal(world, screen):
    text = screen(terminal=False)
    train(world, epochs=1)
    assert text.getvalue() == ""


def test_other_ranks_are_silent(world, screen, monkeypatch):
    text = screen(terminal=True)
    monkeypatch.setattr(own, "is_first_rank", lambda: False)
    train(world, epochs=1)
    assert text.getvalue() == ""


def test_unknown_figures_are_left_out():
    class Named:
        name = "mlp"

    assert describe(Named(), 1, 9, {"loss": float("nan")}) == "mlp  epoch 1/9"
