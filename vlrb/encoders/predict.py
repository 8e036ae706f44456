"""Run an encoder that is a torch network over samples, through `Trainer.predict`: on any number of devices.

Decoding, resizing and tokenising run in the processes of a DataLoader and overlap with the forward pass. Each device
takes its share of the shards; a shard is written as soon as it is done, so that a killed extraction goes on from there.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch.utils.data import DataLoader

from vlrb.encoders.batches import MOST_WORKERS, SHARD_ROWS, Options, plan_shards, raise_or_report
from vlrb.encoders.items import Items
from vlrb.encoders.killed import died
from vlrb.encoders.prepare import Batch, Preparation, Prepared, make_loader
from vlrb.encoders.shards import Shards
from vlrb.encoders.torch_encoder import TorchEncoder
from vlrb.encoders.writer import Part, ShardWriter
from vlrb.utils.console import progress_bar, warn
from vlrb.utils.devices import cores
from vlrb.utils.errors import StateError
from vlrb.utils.logs import run_log

MakeTrainer = Callable[[list[Callback], bool], L.Trainer]
"""Makes a Trainer with these callbacks, on the job's devices or (true) on one of them."""

TOKENIZERS, PORT = "TOKENIZERS_PARALLELISM", "MASTER_PORT"


class Work(NamedTuple):
    """Everything a device needs to know.

    Attributes:
        items: What the samples hold.
        plan: Shards of batches of samples.
        shards: Where rows go.
        options: Pooling, sizes, and what to do about unreadable pictures.
    """

    items: Items
    plan: list[list[list[int]]]
    shards: Shards
    options: Options


def encode_with_trainer(
    encoder: TorchEncoder,
    items: Items,
    todo: list[int],
    shards: Shards,
    options: Options,
    make_trainer: MakeTrainer | None = None,
) -> None:
    """Encode samples into shards; the arguments are those of `extract.encode_items`.

    Raises:
        DataError: A sample cannot be read or its row is not finite; or the encoder has no weights here.
        StateError: The device has too little memory, or a process that prepares samples was killed.
    """
    try:
        with run_log(None), _environment():  # what Lightning remarks on devices and loaders is for nobody
            _predict(encoder, items, todo, shards, options, make_trainer or _one_device)
        _warn_of_cut_items(encoder, items, todo)
    except Exception as error:
        explained = _explained(error) or shards.failure()
        if explained is None:
            raise
        raise explained from error
    finally:
        if torch.cuda.is_available():
            encoder.cpu()
            torch.cuda.empty_cache()


def _predict(
    encoder: TorchEncoder, items: Items, todo: list[int], shards: Shards, options: Options, make_trainer: MakeTrainer
) -> None:
    progress = _Progress(f"reading {items.what} ({encoder.name})", len(todo), shards)
    trainer = make_trainer([progress], len(todo) <= options.batch_size)
    rows = _rows_per_shard(len(todo), trainer.num_devices, options.batch_size)
    plan = plan_shards(items, todo, options.batch_size, rows)
    trainer.predict(FeatureModule(encoder, Work(items, plan, shards, options)), return_predictions=False)


def _warn_of_cut_items(encoder: TorchEncoder, items: Items, todo: list[int]) -> None:
    """Say how many texts were too long, if the encoder's preprocessor can tell."""
    count = getattr(encoder.preprocessor(), "truncated", None)
    cut = count([item for i in todo for item in items.load(i)]) if count is not None else 0
    if cut:
        warn(f"{cut:,} of {len(todo):,} {items.what} are longer than {encoder.name} takes and were cut")


def _one_device(callbacks: list[Callback], single: bool) -> L.Trainer:
    return L.Trainer(
        devices=1,
        logger=False,
        callbacks=callbacks,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )


def _rows_per_shard(samples: int, devices: int, batch_size: int) -> int:
    """Return how many samples a shard has: enough of them that devices end at about the same time.

    >>> _rows_per_shard(10_000, 1, 32), _rows_per_shard(1_000, 8, 32)
    (512, 32)
    """
    if devices == 1:
        return SHARD_ROWS
    share = -(-samples // (4 * devices))
    return min(SHARD_ROWS, max(1, -(-share // batch_size)) * batch_size)


class FeatureModule(L.LightningModule):
    """An encoder as Lightning wants it; what `predict_step` gives back goes to shards.

    Args:
        encoder: The network; its weights are read on the device's process, on the first one before the others.
        work: What to encode.
    """

    allow_zero_length_dataloader_with_multiple_devices = True

    def __init__(self, encoder: TorchEncoder, work: Work) -> None:
        super().__init__()
        self.encoder, self.work = encoder, work
        self._parts: list[Part] = []
        self._writer: ShardWriter | None = None

    def prepare_data(self) -> None:
        """Read the weights (or fetch them) in one process before the others do."""
        self.encoder.load()

    def setup(self, stage: str) -> None:
        """Read the weights."""
        self.encoder.load()

    def predict_dataloader(self) -> DataLoader[Prepared]:
        """Return this device's share of the shards, batch by batch."""
        work, devices = self.work, self.trainer.world_size
        mine = work.plan[self.trainer.global_rank :: devices]
        batches = [Batch(samples, samples is shard[-1]) for shard in mine for samples in shard]
        workers = work.options.workers
        if workers is None:
            workers = min(max(cores() // devices - 1, 1), MOST_WORKERS)
        preparation = Preparation(work.items, self.encoder.preprocessor(), work.options.batch_size)
        return make_loader(preparation, batches, workers, pin=self.trainer.strategy.root_device.type == "cuda")

    def on_predict_start(self) -> None:
        """Begin to write."""
        self._writer = ShardWriter(self.work.items, self.work.shards, self.work.options.pooling)

    def predict_step(self, prepared: Prepared, batch_idx: int) -> int:
        """Encode one batch and return its number of samples."""
        assert self._writer is not None
        raise_or_report(prepared.failed, self.work.options)
        rows = [self.encoder(inputs).float() for inputs in prepared.inputs]
        kept = torch.cat(rows) if rows else torch.empty(0, self.encoder.dim)
        self._parts.append(Part(prepared.samples, prepared.counts, kept, prepared.failed))
        if prepared.last:
            self._writer.put(self._parts)
            self._parts = []
        return len(prepared.samples) + len(prepared.failed)

    def on_predict_end(self) -> None:
        """Wait until all is written."""
        assert self._writer is not None
        self._writer.close()

    def stop_writing(self) -> None:
        """After an error elsewhere: wait until the shards that are done are written."""
        if self._writer is not None:
            self._writer.stop()


class _Progress(Callback):
    """A bar with the remaining time, on the first device; on the others, word to the first of what went wrong."""

    def __init__(self, description: str, total: int, shards: Shards) -> None:
        self.description, self.total, self.shards = description, total, shards
        self._open: ExitStack | None = None
        self._advance: Callable[[int], None] = _nothing

    def on_predict_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Show the bar."""
        self._open = ExitStack()
        bar = self._open.enter_context(progress_bar())
        task = bar.add_task(self.description, total=self.total)
        self._advance = lambda count: bar.advance(task, count * trainer.world_size)

    def on_predict_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,  # noqa: ANN401 - Lightning's hook
        batch: Any,  # noqa: ANN401
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Move on."""
        self._advance(int(outputs))

    def on_predict_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take the bar away."""
        self._close()

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Take the bar away before an error is shown; in a spawned process, keep the error for its parent."""
        self._close()
        if isinstance(pl_module, FeatureModule):
            pl_module.stop_writing()
        if trainer.world_size > 1:
            self.shards.note_failure(_explained(exception) or exception)

    def _close(self) -> None:
        self._advance = _nothing
        if self._open is not None:
            self._open.close()
            self._open = None


def _nothing(count: int) -> None:
    """Do nothing: no bar is shown."""


def _explained(error: BaseException) -> StateError | None:
    """Return what a user can do about an error of torch's, None for any other error."""
    if isinstance(error, torch.cuda.OutOfMemoryError):
        return StateError("the device has too little memory for this encoder", "try a smaller encoder.batch_size")
    return died(error)


@contextmanager
def _environment() -> Iterator[None]:
    """Keep tokenizers to one thread, and forget the port at which devices meet, so that the next job chooses its own.

    Processes work side by side already, and forking one whose tokenizer has threads is warned of.
    """
    before = {name: os.environ.get(name) for name in (TOKENIZERS, PORT)}
    os.environ.setdefault(TOKENIZERS, "false")
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
