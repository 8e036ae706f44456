"""The epochs of a training as one small table in the run folder, and the learning rate beside them."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import lightning as L
from lightning.pytorch.callbacks import Callback

from vlrb.utils.files import write_text

CURVES_FILE: Final = "curves.csv"
EPOCH: Final = "epoch"


class Curves:
    """One row per epoch, written whole after each change: a kill leaves every finished epoch readable.

    Args:
        path: The csv file: `epoch`, then one column per figure; empty where a figure was not logged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[int, dict[str, float]] = {}

    def begin(self, *, resumed: bool) -> None:
        """Take over the epochs of an interrupted training, or forget those of an earlier one."""
        self.rows = read_curves(self.path) if resumed and self.path.is_file() else {}
        if not self.rows:
            self.path.unlink(missing_ok=True)

    def add(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Add figures to an epoch's row."""
        self.rows.setdefault(epoch, {}).update(figures)
        columns = list(dict.fromkeys(key for row in self.rows.values() for key in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, [EPOCH, *columns], restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows({EPOCH: number, **self.rows[number]} for number in sorted(self.rows))
        write_text(self.path, text.getvalue())


def read_curves(path: Path) -> dict[int, dict[str, float]]:
    """Return the figures of each epoch, those that were logged."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {int(row[EPOCH]): {k: float(v) for k, v in row.items() if k != EPOCH and v} for row in rows}


class LearningRate(Callback):
    """Give the logger the learning rate at the end of each epoch (`lr`; `lr/0`, `lr/1` of several parameter groups)."""

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log it."""
        rates = [float(group["lr"]) for optimizer in trainer.optimizers for group in optimizer.param_groups]
        names = ["lr"] if len(set(rates)) == 1 else [f"lr/{k}" for k in range(len(rates))]
        figures: dict[str, Any] = {EPOCH: trainer.current_epoch, **dict(zip(names, rates, strict=False))}
        if rates:
            for logger in trainer.loggers:
                logger.log_metrics(figures, step=trainer.global_step)
