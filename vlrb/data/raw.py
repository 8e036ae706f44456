"""Prompts and pictures of samples as the inputs of a backbone, read and decoded batch by batch."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from vlrb.data.sources import BoundSource
from vlrb.encoders.backbones.pictures import Pixels
from vlrb.encoders.backbones.samples import SamplePreprocessor
from vlrb.encoders.items import PictureSource
from vlrb.utils.errors import DataError


class RawInputs:
    """The prompts and pictures of a benchmark, prepared for a backbone.

    Args:
        prompts: (N,) text of each sample, in benchmark order.
        pictures: Opens the pictures of a sample.
        preprocess: From prompts and prepared pictures to the inputs of the backbone.
    """

    dim = 0

    def __init__(self, prompts: Sequence[str], pictures: PictureSource, preprocess: SamplePreprocessor) -> None:
        self.prompts = prompts
        self.pictures = pictures
        self.preprocess = preprocess

    def at(self, rows: np.ndarray, sample_ids: Sequence[str]) -> BoundSource:
        """Return the inputs of a view."""
        return _RawRows(self, np.asarray(rows, dtype=np.int64), sample_ids)

    def prepared(self, row: int) -> list[Pixels]:
        """Return the prepared pictures of the sample in a row of the benchmark."""
        return [self.preprocess.picture(image) for image in self.pictures.load(row)]


class _RawRows:
    """Raw inputs of the rows of one view."""

    def __init__(self, source: RawInputs, rows: np.ndarray, sample_ids: Sequence[str]) -> None:
        self.source, self.rows, self.sample_ids = source, rows, sample_ids

    def fetch(self, index: Tensor) -> dict[str, Tensor]:
        rows = self.rows[index.numpy()].tolist()
        pictures = [self._pictures(row, int(i)) for row, i in zip(rows, index, strict=True)]
        return self.source.preprocess([self.source.prompts[row] for row in rows], pictures)

    def _pictures(self, row: int, i: int) -> list[Pixels]:
        try:
            return self.source.prepared(row)
        except DataError as error:
            raise DataError(f"sample {self.sample_ids[i]}: {error.message}", error.hint) from error
