"""Batches prepared beside the training, by other processes; an error there is raised as if it came up here."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import lightning as L
from torch.utils.data import DataLoader, Dataset

from vlrb.data.batch import Batch
from vlrb.data.dataset import SampleBatches, as_is
from vlrb.data.sampling import EpochBatches
from vlrb.encoders.killed import died
from vlrb.utils.errors import VlrbError
from vlrb.utils.processes import process_context

BATCHES_EACH = 2  # a process for fewer costs more to start than it saves
AHEAD = 2  # batches that each process has ready


class Failed(NamedTuple):
    """What a process sends in place of a batch: torch would wrap the error in its traceback."""

    error: VlrbError


class Careful(Dataset[Any]):
    """A dataset whose errors come as values."""

    def __init__(self, dataset: SampleBatches) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, positions: Any) -> Batch | Failed:  # noqa: ANN401 - an index tensor, or a list of numbers
        try:
            return self.dataset[positions]
        except VlrbError as error:  # raised where the batch is asked for
            return Failed(error)


class BatchLoader(DataLoader[Batch]):
    """A loader that raises the errors of its processes as they were raised there."""

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override] # torch names its own class
        try:
            for batch in super().__iter__():
                if isinstance(batch, Failed):
                    raise batch.error
                yield batch
        except RuntimeError as error:
            if (explained := died(error)) is None:
                raise
            raise explained from error


def make_loader(
    dataset: SampleBatches, batches: EpochBatches, workers: int, trainer: L.Trainer | None, *, again: bool
) -> BatchLoader:
    """Return a loader of whole batches.

    Args:
        dataset: Prepares a batch.
        batches: The positions of each batch.
        workers: Processes that prepare batches, shared by the devices; never more than half the batches.
        trainer: Who asks; a GPU is given batches from pinned memory.
        again: Whether the batches are asked for every epoch, so that processes stay.
    """
    devices = 1 if trainer is None else max(trainer.num_devices, 1)
    processes = min(-(-workers // devices), len(batches) // BATCHES_EACH)
    return BatchLoader(
        Careful(dataset),  # type: ignore[arg-type] # failures do not leave the loader
        batch_size=None,
        sampler=batches,
        collate_fn=as_is,
        num_workers=processes,
        multiprocessing_context=process_context() if processes else None,
        prefetch_factor=AHEAD if processes else None,
        persistent_workers=again and processes > 0,
        pin_memory=trainer is not None and trainer.strategy.root_device.type == "cuda",
    )
