"""The one form of all trackers: a Lightning logger that also takes a run's beginning, results and end."""

import math
from abc import abstractmethod
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from vlrb.report.leaderboard import Leaderboard
from vlrb.tracking.card import RunCard
from vlrb.tracking.curves import EPOCH, LearningRate
from vlrb.tracking.guard import Guard

EXTREMES: Final = {"accuracy": "max", "quality": "max", "rank_score": "max", "cost": "min", "loss": "min"}


class Results(NamedTuple):
    """What a finished run has to show.

    Attributes:
        folder: The run folder, its files written.
        metrics: metrics.json.
        board: The run's own leaderboard.
    """

    folder: Path
    metrics: Mapping[str, Any]
    board: Leaderboard


class Tracker(Logger):
    """A Lightning logger with a beginning, results and an end; nothing in it can fail a run.

    Subclasses define the four `_` methods and may raise in them whatever they like.

    Args:
        folder: The run folder.
    """

    who: ClassVar[str] = "logger"
    needs: ClassVar[Mapping[str, str]] = {}  # packages that must be there, and how to install each

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.guard = Guard(self.who)

    # --- what a tracker does ------------------------------------------------------------------------------------------

    @abstractmethod
    def _begin(self, card: RunCard, *, resumed: bool) -> None: ...

    @abstractmethod
    def _epoch(self, epoch: int, figures: Mapping[str, float]) -> None: ...

    @abstractmethod
    def _results(self, results: Results) -> None: ...

    @abstractmethod
    def _end(self, *, failed: bool) -> None: ...

    # --- what a job calls ---------------------------------------------------------------------------------------------

    @property
    def callbacks(self) -> list[Callback]:
        """Callbacks that log what the router itself does not."""
        return [LearningRate()]

    def begin(self, card: RunCard, *, resumed: bool) -> None:
        """Open the record of a run; `resumed` if it goes on after a finished epoch of an earlier attempt."""
        self.guard.call("starting", self._begin, card, resumed=resumed)

    def results(self, make: Callable[[], Results]) -> None:
        """Record what a run came to; making the results is guarded, too."""
        self.guard.call("logging the results", lambda: self._results(make()))

    def end(self, *, failed: bool) -> None:
        """Close the record, also after a failure: the next job of a sweep opens its own."""
        self.guard.close(self._end, failed=failed)

    # --- what Lightning calls -----------------------------------------------------------------------------------------

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Record figures of the epoch that they name (Lightning adds it)."""
        figures = {key: float(value) for key, value in metrics.items() if key != EPOCH}
        if figures and EPOCH in metrics:
            self.guard.call("logging an epoch", self._epoch, int(metrics[EPOCH]), figures)

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Do nothing: the whole config is recorded at the beginning."""

    @property
    def name(self) -> str:
        """The tracker's name."""
        return self.who

    @property
    def version(self) -> str:
        """A run has one record."""
        return ""

    @property
    def save_dir(self) -> str:
        """The run folder."""
        return str(self.folder)


def headline(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of metrics.json to list runs by: those that are defined, with the main ones' intervals.

    >>> headline({"test/accuracy": 0.8, "test/accuracy_low": 0.7, "test/oracle_cost_low": 1.0, "dev/cost": None})
    {'test/accuracy': 0.8, 'test/accuracy_low': 0.7}
    """
    found = {}
    for key, value in metrics.items():
        figure = key.partition("/")[2]
        base = figure.removesuffix("_low").removesuffix("_high")
        minor = base != figure and base not in (*EXTREMES, "gap_closed", "accuracy_gain", "rank_score_gain")
        if not minor and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            found[key] = value
    return found


def direction(key: str) -> str | None:
    """Return whether a figure is better high ("max") or low ("min"); None if neither.

    >>> direction("curves/dev/loss"), direction("test/rank_score"), direction("lr")
    ('min', 'max', None)
    """
    return EXTREMES.get(key.rpartition("/")[2])
