"""`logger=tensorboard`, and any other Lightning logger by its dotted path."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from lightning.pytorch.loggers.logger import Logger

from vlrb.tracking.card import RunCard
from vlrb.tracking.tracker import Results, Tracker, headline

INSTALL = 'pip install -e ".[tensorboard]"'


class LoggerTracker(Tracker):
    """Give curves and settings to a logger of Lightning's, as far as it takes them.

    Args:
        folder: The run folder.
        logger: The logger.
    """

    def __init__(self, folder: Path, logger: Logger) -> None:
        super().__init__(folder)
        self.logger = logger
        self.guard.who = type(logger).__name__
        self.card: RunCard | None = None

    def _begin(self, card: RunCard, *, resumed: bool) -> None:
        self.card = card
        self.logger.log_hyperparams(card.settings)

    def _epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        self.logger.log_metrics(dict(figures), step=epoch)

    def _results(self, results: Results) -> None:
        self.logger.log_metrics(headline(results.metrics), step=0)

    def _end(self, *, failed: bool) -> None:
        self.logger.finalize("failed" if failed else "success")


class TensorBoardTracker(Tracker):
    """Write event files to `tensorboard/` in the run folder: curves, settings with results, tables, plots.

    Args:
        folder: The run folder.
        flush_secs: Seconds after which curves are written at the latest.
    """

    who: ClassVar[str] = "TensorBoard"
    needs: ClassVar[Mapping[str, str]] = {"tensorboard": INSTALL}

    def __init__(self, folder: Path, flush_secs: int = 30) -> None:
        super().__init__(folder)
        self.flush_secs = flush_secs
        self._writer: Any = None
        self._settings: dict[str, Any] = {}

    @property
    def writer(self) -> Any:  # noqa: ANN401 - SummaryWriter
        """The writer of this process, opened when first asked for."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self.folder / "tensorboard"), flush_secs=self.flush_secs)
        return self._writer

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open file behind: a spawned process opens its own beside it."""
        return {**self.__dict__, "_writer": None}

    def _begin(self, card: RunCard, *, resumed: bool) -> None:
        if not resumed:
            for old in (self.folder / "tensorboard").glob("**/events.out.tfevents.*"):
                old.unlink()
        plain = (bool, int, float, str)
        self._settings = {k: v if isinstance(v, plain) else str(v) for k, v in card.settings.items() if v is not None}

    def _epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        for key, value in figures.items():
            self.writer.add_scalar(key, value, epoch)

    def _results(self, results: Results) -> None:
        import numpy as np
        from PIL import Image

        from vlrb.report.datasets import dataset_table
        from vlrb.report.markdown import leaderboard_markdown

        self.writer.add_hparams(self._settings, headline(results.metrics), run_name=".")
        self.writer.add_text("leaderboard", leaderboard_markdown(results.board, dataset_table(results.board)))
        for path in sorted(results.folder.glob("*.png")):
            with Image.open(path) as picture:
                self.writer.add_image(f"plots/{path.stem}", np.asarray(picture.convert("RGB")), dataformats="HWC")

    def _end(self, *, failed: bool) -> None:
        if self._writer is not None:
            self._writer.close()
