"""Host-side work of torch encoders: reading samples and making inputs of them, in the processes of a DataLoader."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from torch.utils.data import DataLoader, Dataset

from vlrb.encoders.batches import Loaded, load_batch
from vlrb.encoders.items import Items
from vlrb.encoders.torch_encoder import Inputs
from vlrb.utils.errors import DataError, VlrbError
from vlrb.utils.processes import process_context


class Batch(NamedTuple):
    """Samples to prepare together; `last` of their shard or not."""

    samples: list[int]
    last: bool


class Prepared(NamedTuple):
    """Inputs of a batch.

    Attributes:
        samples: Samples that could be read.
        counts: How many items each of them has.
        inputs: Inputs of `forward`, in parts of at most one batch size.
        failed: Why other samples could not be read.
        last: Whether this is the last batch of its shard.
    """

    samples: list[int]
    counts: list[int]
    inputs: list[Inputs]
    failed: dict[int, DataError]
    last: bool


class Preparation(Dataset[Prepared]):
    """Batches, prepared when asked for.

    Args:
        items: What the samples hold.
        preprocess: From texts or pictures to inputs.
        batch_size: Most items per call of the network.
    """

    def __init__(self, items: Items, preprocess: Callable[[list[Any]], Inputs], batch_size: int) -> None:
        self.items, self.preprocess, self.batch_size = items, preprocess, batch_size

    def __getitem__(self, batch: Batch) -> Prepared:
        loaded = load_batch(self.items, batch.samples)
        try:
            inputs = self._inputs(loaded.items)
        except Exception as error:  # whatever a library makes of an odd item: the sample is named
            guilty = self._guilty(loaded)
            if not guilty:
                raise
            if len(guilty) == len(loaded.samples) > 1:  # not the samples' fault
                raise DataError(next(iter(guilty.values())).message, "the same goes for the whole batch") from error
            rest = load_batch(self.items, [i for i in loaded.samples if i not in guilty])
            loaded = rest._replace(failed=loaded.failed | guilty)
            inputs = self._inputs(loaded.items)
        return Prepared(loaded.samples, loaded.counts, inputs, loaded.failed, batch.last)

    def _inputs(self, items: Sequence[Any]) -> list[Inputs]:
        size = self.batch_size
        return [self.preprocess(list(items[start : start + size])) for start in range(0, len(items), size)]

    def _guilty(self, loaded: Loaded) -> dict[int, DataError]:
        """Return the samples whose items cannot be prepared even alone."""
        guilty, start = {}, 0
        for i, count in zip(loaded.samples, loaded.counts, strict=True):
            try:
                self._inputs(loaded.items[start : start + count])
            except VlrbError:
                raise
            except Exception as error:
                reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
                guilty[i] = DataError(
                    f"sample {self.items.ids[i]}: its {self.items.what} cannot be prepared ({reason})"
                )
            start += count
        return guilty


def make_loader(preparation: Preparation, batches: Sequence[Batch], workers: int, *, pin: bool) -> DataLoader[Prepared]:
    """Return a loader of whole batches, in order.

    Args:
        preparation: Prepares them.
        batches: The batches.
        workers: Processes that prepare; 0 = this one does.
        pin: Whether inputs go to a GPU.
    """
    processes = min(workers, len(batches) - 1)  # one for a single batch would only cost its start
    return DataLoader(
        preparation,
        sampler=batches,  # type: ignore[arg-type] # whole batches are its indices
        batch_size=None,
        collate_fn=_as_it_is,  # type: ignore[arg-type] # it is given what the dataset gives
        num_workers=processes,
        multiprocessing_context=process_context() if processes else None,
        pin_memory=pin,
    )


def _as_it_is(prepared: Prepared) -> Prepared:
    return prepared
