"""All that a training is after a finished epoch, as plain values and tensors: enough to go on as if uninterrupted."""

import random
from typing import Any

import lightning as L
import numpy as np
import torch

from vlrb.routers.best_epoch import BestEpoch, changing_weights, put_weights

State = dict[str, Any]


def capture(trainer: L.Trainer, module: L.LightningModule) -> State:
    """Return the state at the end of an epoch, after validation; nothing in it needs a pickle to be read.

    Weights without gradients are left out: `bind` brings them, as it brought them the first time. Of several devices
    it is the first one's: all have the same weights, and each seeds its draws in every step anyway.
    """
    best = _best(trainer)
    kept = None if best is None else best.state_dict()
    newest = best is not None and best.best_epoch == trainer.current_epoch  # its copy is that of now: stored once
    return {
        "epoch": trainer.current_epoch + 1,
        "epochs": trainer.max_epochs,
        "steps": trainer.global_step,
        "stopped": trainer.should_stop,
        "weights": best.weights if best is not None and newest else changing_weights(module),
        "optimizers": [optimizer.state_dict() for optimizer in trainer.optimizers],
        "schedules": [config.scheduler.state_dict() for config in trainer.lr_scheduler_configs],
        "precision": trainer.precision_plugin.state_dict(),
        "best": kept,
        "generators": generators(),
    }


def restore(trainer: L.Trainer, module: L.LightningModule, state: State) -> None:
    """Put a captured state in place at the start of a training, so that its next epoch is the one after.

    Raises:
        RuntimeError, ValueError, KeyError: The state is of another router.
    """
    put_weights(module, state["weights"])
    for optimizer, stored in zip(trainer.optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(stored)
    for config, stored in zip(trainer.lr_scheduler_configs, state["schedules"], strict=True):
        config.scheduler.load_state_dict(stored)
    if state["precision"]:
        trainer.precision_plugin.load_state_dict(state["precision"])
    best = _best(trainer)
    if best is not None and state["best"] is not None:
        best.load_state_dict(state["best"])
    _set_progress(trainer, int(state["epoch"]), int(state["steps"]))
    trainer.should_stop = bool(state["stopped"])
    set_generators(state["generators"])


def _best(trainer: L.Trainer) -> BestEpoch | None:
    found = [callback for callback in trainer.callbacks if isinstance(callback, BestEpoch)]  # type: ignore[attr-defined]
    return found[0] if found else None


def _set_progress(trainer: L.Trainer, epoch: int, steps: int) -> None:
    """Tell the loops where they are.

    Lightning's own way back (`ckpt_path`) takes a state from the middle of `on_train_epoch_end` for an unfinished epoch
    or not, by which hooks had run; a finished epoch is all that there is here, so the counts are simply set.
    """
    loop: Any = trainer.fit_loop
    for count in (loop.epoch_progress.current, loop.epoch_progress.total):
        count.ready = count.started = count.processed = count.completed = epoch
    taken = loop.epoch_loop.automatic_optimization.optim_progress.optimizer.step.total
    taken.ready = taken.completed = steps
    loop.epoch_loop._batches_that_stepped = steps  # what loggers count by


def generators() -> State:
    """Return the states of the global random generators of Python, NumPy and torch."""
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": [version, list(words), gauss],
        "numpy": [str(name), np.asarray(keys).tolist(), int(position), int(has_gauss), float(cached)],
        "torch": torch.get_rng_state(),
        "cuda": list(torch.cuda.get_rng_state_all()) if torch.cuda.is_available() else [],
    }


def set_generators(state: State) -> None:
    """Put back what `generators` gave."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
