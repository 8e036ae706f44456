"""`logger=csv`: the epochs as `curves.csv` in the run folder; settings and results lie beside it anyway."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from vlrb.tracking.card import RunCard
from vlrb.tracking.curves import CURVES_FILE, Curves
from vlrb.tracking.tracker import Results, Tracker


class CsvTracker(Tracker):
    """Write one row per epoch; config.yaml and metrics.json of the run hold the rest.

    Args:
        folder: The run folder.
    """

    who: ClassVar[str] = "csv"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.curves = Curves(self.folder / CURVES_FILE)

    def _begin(self, card: RunCard, *, resumed: bool) -> None:
        self.curves.begin(resumed=resumed)

    def _epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        self.curves.add(epoch, figures)

    def _results(self, results: Results) -> None:
        """Nothing to add: metrics.json is there."""

    def _end(self, *, failed: bool) -> None:
        """Nothing is open."""
