"""Samples of one split, handed out as whole batches."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vlrb.data.batch import Batch
from vlrb.data.sources import BoundSource
from vlrb.data.tradeoff import TradeOff


class OutcomeTensors(NamedTuple):
    """How the models did on the samples of one split, in its order (see `Batch` for shapes and units)."""

    targets: Tensor
    weight: Tensor
    Y: Tensor
    C: Tensor

    @classmethod
    def of(cls, Y: np.ndarray, C: np.ndarray, trade_off: TradeOff) -> "OutcomeTensors":
        """Compute soft targets for qualities Y (n, M) and costs C (n, M, USD)."""
        soft = trade_off.targets(Y, C)
        parts = (soft.targets, soft.weight, Y, C)
        return cls(*(torch.from_numpy(np.array(part, dtype=np.float32)) for part in parts))


class SampleBatches(Dataset[Batch]):
    """A split as a dataset that is asked for whole batches: every column is sliced once.

    Args:
        index: (n,) int64 rows of the view.
        columns: Per-row tensors of the whole view (`sample_key`, `dataset`).
        sources: Inputs that are fetched by view row.
        outcomes: Aligned with `index`; None for data to decide on.
    """

    def __init__(
        self,
        index: Tensor,
        columns: Mapping[str, Tensor],
        sources: Sequence[BoundSource],
        outcomes: OutcomeTensors | None,
    ) -> None:
        self.index = index
        self.columns = {name: column[index] for name, column in columns.items()}
        self.sources = tuple(sources)
        self.outcomes = outcomes

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, positions: Tensor | Sequence[int]) -> Batch:
        at = torch.as_tensor(positions, dtype=torch.int64)
        rows = self.index[at]
        batch: dict[str, Tensor] = {"index": rows}
        batch.update((name, column[at]) for name, column in self.columns.items())
        for source in self.sources:
            batch.update(source.fetch(rows))
        if self.outcomes is not None:
            batch.update((name, column[at]) for name, column in self.outcomes._asdict().items())
        return cast("Batch", batch)


def as_is(batch: Any) -> Any:  # noqa: ANN401 - whatever the dataset gives
    """Return the batch itself: it was collated by slicing."""
    return batch
