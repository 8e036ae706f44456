"""What every reader of raw logs gives: samples, records and notes on what it met."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from vlrb.sources.pictures import PictureReader

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Note", "PictureReader", "RecordSet", "Source", "TellsSamplesApart"]


@dataclass(frozen=True)
class Note:
    """Something a person should know about the logs; notes end up in the integrity report.

    Args:
        kind: Short word to group by, e.g. "several_judges".
        where: File, dataset or model it is about.
        message: One sentence.
        count: How many rows, files or pictures it concerns.
        level: "warning" = somebody should look at it (it becomes a finding of the integrity report).
    """

    kind: str
    where: str
    message: str
    count: int = 1
    level: Literal["note", "warning"] = "note"


@dataclass(frozen=True)
class RecordSet:
    """All that was read from one folder of logs.

    Args:
        samples: One row per sample, columns `schema.SAMPLE_COLUMNS`; datasets sorted, natural order of the index
            within a dataset. `images` holds lists of dicts with the keys `schema.PICTURE_FIELDS`. Optional:
            `schema.GIVEN_SPLIT`.
        records: One row per (sample, model) met, columns `schema.RECORD_COLUMNS` and `schema.PREDICTION`, and
            `schema.RUN` if the source tells runs apart. `quality` is float32, NaN where unknown; `prediction` is NA
            where missing. Optional, where the data came with such figures: the keys of `schema.RECORDED_FILES`,
            float, NaN where not recorded.
        model_ids: Sorted ids of the models met.
        notes: What the reader met on the way.
        replicates: Records of other runs of a model on the same sample (columns as `records`, without prediction;
            `schema.RUN` tells the runs apart); None or empty if there are none.
    """

    samples: "pd.DataFrame"
    records: "pd.DataFrame"
    model_ids: list[str]
    notes: list[Note] = field(default_factory=list)
    replicates: "pd.DataFrame | None" = None


class Source(Protocol):
    """A folder of raw logs that can be read."""

    @property
    def root(self) -> Path:
        """Folder that paths in `source` and in picture references are relative to."""
        ...

    def fingerprint(self) -> dict[str, Any]:
        """Return plain values that change when a file used or a setting changes, without reading the files."""
        ...

    def read(self) -> RecordSet:
        """Read everything."""
        ...


@runtime_checkable
class TellsSamplesApart(Protocol):
    """A source that knows more of its samples than a benchmark keeps; optional, for reports on the data."""

    def categories(self) -> dict[str, str]:
        """Return the category that the logs give each sample id; samples without one are left out."""
        ...

    def rotated(self) -> tuple[str, ...]:
        """Return datasets where an answer is right only if it is for every order of the options."""
        ...
