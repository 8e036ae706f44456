"""Where the inputs of a batch come from: each source fills the keys of one kind of input for many samples at once."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from vlrb.utils.errors import DataError

FUSE_ROWS = 4096
RESIDENT_BYTES = 2 * 2**30


class BoundSource(Protocol):
    """A source tied to the rows of one view."""

    def fetch(self, index: Tensor) -> dict[str, Tensor]:
        """Return the batch entries of the view rows `index` (B,) int64, each with B rows."""
        ...


class InputSource(Protocol):
    """One kind of input ("features" now; prompts and pictures in the same way)."""

    dim: int

    def at(self, rows: np.ndarray, sample_ids: Sequence[str]) -> BoundSource:
        """Return the source for a view: `rows` (n,) are its rows in the benchmark, named by `sample_ids`."""
        ...


class FusedFeatures:
    """Frozen features of a benchmark, text and vision fused per batch or, where they fit in memory, once.

    Args:
        text: (N, Dt) float32, memory-mapped or not; None if there is no text encoder.
        vision: (N, Dv) float32 likewise.
        fusion: Maps (text (B, Dt), vision (B, Dv)) to (B, D), row by row, nothing fitted.
        resident_bytes: Fuse once and keep the result while it is no larger than this.

    Raises:
        DataError: Both parts are missing, or their row counts differ.
    """

    def __init__(
        self,
        text: np.ndarray | None,
        vision: np.ndarray | None,
        fusion: Callable[[Tensor, Tensor], Tensor],
        resident_bytes: int = RESIDENT_BYTES,
    ) -> None:
        lengths = {len(part) for part in (text, vision) if part is not None}
        if len(lengths) != 1:
            raise DataError(
                f"text and vision features must have equally many rows, not {sorted(lengths) or 'none at all'}",
                "extract the features again",
            )
        self.rows = lengths.pop()
        empty = np.zeros((self.rows, 0), dtype=np.float32)
        self.text = empty if text is None else text
        self.vision = empty if vision is None else vision
        self.fusion = fusion
        self.resident_bytes = resident_bytes
        self.dim = self._fuse(np.arange(min(self.rows, 1))).shape[1]
        self._latest: tuple[np.ndarray, BoundSource] | None = None

    def _fuse(self, rows: np.ndarray) -> Tensor:
        text, vision = (torch.from_numpy(np.asarray(part[rows], dtype=np.float32)) for part in (self.text, self.vision))
        return self.fusion(text, vision)

    def at(self, rows: np.ndarray, sample_ids: Sequence[str]) -> BoundSource:
        """Return the features of a view; fused now if they fit in `resident_bytes`, once for the same array."""
        if self._latest is not None and self._latest[0] is rows:
            return self._latest[1]
        bound = self._bound(np.asarray(rows, dtype=np.int64), sample_ids)
        self._latest = rows, bound
        return bound

    def _bound(self, rows: np.ndarray, sample_ids: Sequence[str]) -> BoundSource:
        if len(rows) and rows.max() >= self.rows:
            raise DataError(f"the features have {self.rows} rows but row {rows.max()} is asked for")
        bound = _RowsOnDemand(self, rows, sample_ids)
        if len(rows) * self.dim * 4 > self.resident_bytes:
            return bound
        fused = torch.empty(len(rows), self.dim)
        for start in range(0, len(rows), FUSE_ROWS):
            part = torch.arange(start, min(start + FUSE_ROWS, len(rows)))
            fused[part] = bound.fetch(part)["features"]
        return _RowsInMemory(fused)


class _RowsInMemory:
    """Features that were fused once."""

    def __init__(self, fused: Tensor) -> None:
        self.fused = fused

    def fetch(self, index: Tensor) -> dict[str, Tensor]:
        return {"features": self.fused.index_select(0, index)}


class _RowsOnDemand:
    """Features that are read and fused for each batch."""

    def __init__(self, source: FusedFeatures, rows: np.ndarray, sample_ids: Sequence[str]) -> None:
        self.source = source
        self.rows = rows
        self.sample_ids = sample_ids

    def fetch(self, index: Tensor) -> dict[str, Tensor]:
        features = self.source._fuse(self.rows[index.numpy()])
        bad = ~torch.isfinite(features).all(dim=1)
        if bad.any():
            first = self.sample_ids[int(index[bad][0])]
            raise DataError(
                f"{int(bad.sum())} samples have no usable features, the first is {first}",
                "their pictures could not be read when the features were extracted: repair or exclude them",
            )
        return {"features": features}
