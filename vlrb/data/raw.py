"""Prompts and pictures of samples as the inputs of a backbone, read and decoded batch by batch."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from torch import Tensor

from vlrb.data.kept_pixels import KeptPixels
from vlrb.data.sources import BoundSource
from vlrb.encoders.backbones.pictures import Pixels
from vlrb.encoders.backbones.samples import SamplePreprocessor
from vlrb.encoders.items import PictureSource
from vlrb.utils.devices import cores
from vlrb.utils.errors import DataError


class RawInputs:
    """The prompts and pictures of a benchmark, prepared for a backbone.

    A picture that cannot be read is an error that names the sample, unless the row is listed in `damaged`: such a
    sample teaches nothing, and is decided on as a sample without pictures.

    Args:
        prompts: (N,) text of each sample, in benchmark order.
        pictures: Opens the pictures of a sample.
        preprocess: From prompts and prepared pictures to the inputs of the backbone.
        kept: Memory for pictures that are read again and again; None = every picture is decoded each time.
        damaged: Why the pictures of some rows cannot be read.
    """

    dim = 0

    def __init__(
        self,
        prompts: Sequence[str],
        pictures: PictureSource,
        preprocess: SamplePreprocessor,
        kept: KeptPixels | None = None,
        damaged: Mapping[int, str] | None = None,
    ) -> None:
        self.prompts = prompts
        self.pictures = pictures
        self.preprocess = preprocess
        self.kept = kept
        self.damaged = dict(damaged or {})

    def at(self, rows: np.ndarray, sample_ids: Sequence[str]) -> BoundSource:
        """Return the inputs of a view."""
        return _RawRows(self, np.asarray(rows, dtype=np.int64), sample_ids)

    def prepared(self, row: int) -> list[Pixels]:
        """Return the prepared pictures of the sample in a row of the benchmark.

        Raises:
            DataError: One of them cannot be read.
        """
        if row in self.damaged:
            return []
        known = None if self.kept is None else self.kept.get(row)
        if known is not None:
            return known
        found = [self.preprocess.picture(image) for image in self.pictures.load(row)]
        if self.kept is not None:
            self.kept.put(row, found)
        return found

    def find_damaged(self, rows: Iterable[int]) -> dict[int, str]:
        """Read the pictures of some rows and take down whose cannot be read, and why."""
        with ThreadPoolExecutor(cores()) as threads:  # decoding and scaling leave the interpreter free
            reasons = threads.map(self._reason, rows := list(rows))
            self.damaged |= {row: reason for row, reason in zip(rows, reasons, strict=True) if reason is not None}
        return self.damaged

    def _reason(self, row: int) -> str | None:
        try:
            self.prepared(row)
        except DataError as error:
            return error.message
        return None


class _RawRows:
    """Raw inputs of the rows of one view."""

    def __init__(self, source: RawInputs, rows: np.ndarray, sample_ids: Sequence[str]) -> None:
        self.source, self.rows, self.sample_ids = source, rows, sample_ids

    @property
    def unusable(self) -> np.ndarray:
        """Which rows of the view (n,) have pictures that cannot be read."""
        return np.isin(self.rows, list(self.source.damaged))

    def fetch(self, index: Tensor) -> dict[str, Tensor]:
        rows = self.rows[index.numpy()].tolist()
        pictures = [self._pictures(row, int(i)) for row, i in zip(rows, index, strict=True)]
        return self.source.preprocess([self.source.prompts[row] for row in rows], pictures)

    def _pictures(self, row: int, i: int) -> list[Pixels]:
        try:
            return self.source.prepared(row)
        except DataError as error:
            hint = error.hint or "repair it, or list such samples and go on with encoder.unreadable=report"
            raise DataError(f"sample {self.sample_ids[i]}: {error.message}", hint) from error
