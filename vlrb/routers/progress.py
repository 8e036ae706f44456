"""One line of live training progress: epoch, loss, dev accuracy, remaining time."""

import math
import time
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from vlrb.utils.console import console, shows_progress

REFRESH_S = 0.2
LONG_S = 5.0  # an epoch that has lasted so long shows where it is, and how fast


class TrainingProgress(Callback):
    """Show ``mlp  epoch 37/200  loss 1.234  dev acc 0.812  ETA 0:00:12`` while fitting; it leaves no trace.

    An epoch that lasts longer than a few seconds also shows ``batch 120/669  31 samples/s``. Nothing is shown where the
    output is not a terminal, and on all ranks but the first. The loss is that of the first device's share. The
    remaining time counts to the last possible epoch; early stopping can only make it shorter.
    """

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._shown = 0.0
        self._epoch_began = 0.0
        self._samples = 0
        self._dev_accuracy = math.nan

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Open the line."""
        epochs = trainer.max_epochs or 1
        if not shows_progress():
            return
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("ETA"), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console(), transient=True)
        done = trainer.current_epoch  # above 0 of a resumed training
        self._task = self._bar.add_task(describe(pl_module, done, epochs, {}), total=epochs, completed=done)
        self._bar.start()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin to measure the speed."""
        self._epoch_began, self._samples = time.monotonic(), 0

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,  # noqa: ANN401 - Lightning's hook
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Move on within the epoch, at most a few times a second (reading the loss waits for the device)."""
        if self._bar is None:
            return
        now = time.monotonic()
        self._samples += len(batch["index"]) * trainer.world_size
        if now - self._shown < REFRESH_S:
            return
        self._shown = now
        batches, lasted = max(int(trainer.num_training_batches), 1), now - self._epoch_began
        where = within_epoch(batch_idx + 1, batches, self._samples / lasted) if lasted > LONG_S else ""
        self._update(trainer, pl_module, trainer.current_epoch + (batch_idx + 1) / batches, where)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Remember the dev accuracy (on all devices, which compute it together)."""
        self._dev_accuracy = float(trainer.callback_metrics.get("dev/accuracy", math.nan))

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Show the epoch's dev accuracy."""
        if self._bar is not None:
            self._update(trainer, pl_module, trainer.current_epoch + 1)

    def _update(self, trainer: L.Trainer, pl_module: L.LightningModule, done: float, where: str = "") -> None:
        assert self._bar is not None
        # One process alone is here: computing a metric or reading logged ones could wait for the others for ever.
        mean_loss = getattr(pl_module, "train_loss", None)
        loss = float(mean_loss.mean_value / mean_loss.weight) if mean_loss is not None else math.nan
        figures = {"loss": loss, "dev acc": self._dev_accuracy}
        text = describe(pl_module, math.ceil(done), trainer.max_epochs or 1, figures)
        self._bar.update(self._task, completed=done, description="  ".join(filter(None, (text, where))))

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Close the line."""
        self._close()

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Close the line before an error is shown."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def within_epoch(batch: int, batches: int, speed: float) -> str:
    """Return where a long epoch is.

    >>> within_epoch(12, 669, 31.4159)
    'batch  12/669  31.4 samples/s'
    """
    return f"batch {batch:>{len(str(batches))}}/{batches}  {speed:.3g} samples/s"


def describe(router: L.LightningModule, epoch: int, epochs: int, figures: dict[str, float]) -> str:
    """Return the text of the line; figures that are not known yet are left out.

    >>> class Named:
    ...     name = "mlp"
    >>> describe(Named(), 37, 200, {"loss": 1.23456, "dev acc": float("nan")})
    'mlp  epoch  37/200  loss 1.235'
    """
    name = getattr(router, "name", type(router).__name__)
    known = [f"{key} {value:.3f}" for key, value in figures.items() if not math.isnan(value)]
    return "  ".join([str(name), f"epoch {epoch:>{len(str(epochs))}}/{epochs}", *known])
