"""The pictures of a benchmark's samples, decoded when asked for."""

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from vlrb.sources.base import PictureReader

if TYPE_CHECKING:
    from PIL.Image import Image


class SamplePictures:
    """All pictures of each sample, in benchmark order; safe to hand to worker processes.

    Args:
        root: Folder with the raw logs.
        images: The `images` column of samples.parquet.
    """

    def __init__(self, root: Path, images: pa.ChunkedArray) -> None:
        self._images = images
        self._reader = PictureReader(root)

    def __len__(self) -> int:
        return len(self._images)

    def load(self, i: int) -> list["Image"]:
        """Return the pictures of sample `i`, RGB; an empty list if it has none.

        Raises:
            DataError: A picture cannot be read or decoded (names file and offset).
        """
        return [self._reader.open(reference) for reference in self._images[i].as_py()]
