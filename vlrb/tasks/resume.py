"""Going on after a kill: what a long training was after its last finished epoch, kept in the run folder until DONE."""

import importlib.metadata
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback

from vlrb.routers.training_state import State, capture, restore
from vlrb.schema import CHECKPOINT_FILE
from vlrb.utils.config import Plain, identity
from vlrb.utils.console import say, warn
from vlrb.utils.errors import StateError
from vlrb.utils.files import atomic_path

PACKAGES: Final = ("vlrb", "torch", "lightning", "transformers", "peft")  # whose versions training depends on
UNREADABLE: Final = (OSError, RuntimeError, ValueError, KeyError, EOFError, TypeError, pickle.UnpicklingError)
HINT: Final = "overwrite=true starts anew"


class EpochCheckpoint(Callback):
    """Write the training's state after each epoch, and begin with a stored one.

    Args:
        path: The checkpoint; replaced whole or not at all.
        made_of: Config, data and versions of the run, by name.
        resume: Begin with what the file holds.
    """

    def __init__(self, path: Path, made_of: Mapping[str, str], *, resume: bool) -> None:
        self.path, self.made_of, self.resume = path, dict(made_of), resume
        self.failed = False

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Go on after the stored epoch (on every device).

        Raises:
            StateError: The stored state does not fit.
        """
        if not self.resume:
            return
        try:
            restore(trainer, pl_module, read(self.path))
        except UNREADABLE as error:
            reason = " ".join(str(error).split())[:200]
            raise StateError(f"{self.path} does not fit this training: {reason}", HINT) from error

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the state (on the first device)."""
        if not trainer.is_global_zero:
            return
        state = {"made_of": self.made_of, **capture(trainer, pl_module)}
        try:
            write(self.path, state)
        except (OSError, RuntimeError) as error:  # a full disk should not cost the training that this protects
            if not self.failed:
                reason = str(error).splitlines()[0]
                warn(f"{self.path} cannot be written ({reason}): training goes on, a kill would lose it")
            self.failed = True


def write(path: Path, state: State) -> None:
    """Write a state atomically."""
    with atomic_path(path) as temporary:
        torch.save(state, temporary)


def read(path: Path) -> State:
    """Read a state, tensors in main memory; nothing but plain values and tensors is accepted."""
    found: State = torch.load(path, map_location="cpu", weights_only=True)
    return found


def begin(folder: Path, config: Plain, parts: Mapping[str, str]) -> EpochCheckpoint:
    """Return the callback that keeps the epochs of a run, going on from what an earlier attempt has left.

    One line says so, or why what was left is of no use. The caller holds the folder's lock.

    Args:
        folder: The run folder.
        config: The job's config.
        parts: Fingerprints of the data, by part.
    """
    path = folder / CHECKPOINT_FILE
    forget(folder, whole=bool(config["overwrite"]))
    made_of = _made_of(config, parts)
    resume = False
    if path.exists():
        found = _stored(path)
        if isinstance(found, str):
            warn(f"{path} is not used: {found}; training starts anew")
        elif changed := sorted(k for k in made_of | found["made_of"] if made_of.get(k) != found["made_of"].get(k)):
            warn(f"{path} is not used: made with other {', '.join(changed)}; training starts anew")
        else:
            resume = True
            say(f"resuming after epoch {found['epoch']} of {found['epochs']}")
    return EpochCheckpoint(path, made_of, resume=resume)


def forget(folder: Path, *, whole: bool = True) -> None:
    """Delete the checkpoint of a run (`whole`), and what a kill in the middle of writing one has left."""
    for half in folder.glob(f".{CHECKPOINT_FILE}.*.tmp*"):
        half.unlink(missing_ok=True)
    if whole:
        (folder / CHECKPOINT_FILE).unlink(missing_ok=True)


def _stored(path: Path) -> State | str:
    """Return what a checkpoint holds (its tensors not read), or why it cannot be used."""
    try:
        with zipfile.ZipFile(path) as archive:  # torch's reader does not compare checksums
            if (bad := archive.testzip()) is not None:
                return f"damaged ({bad})"
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (zipfile.BadZipFile, *UNREADABLE):
        return "damaged"
    known = isinstance(found, dict) and isinstance(found.get("made_of"), dict) and {"epoch", "epochs"} <= set(found)
    return found if known else "not a checkpoint of this version"


def _made_of(config: Plain, parts: Mapping[str, str]) -> dict[str, str]:
    return {"config": identity(config), **parts, **{f"version of {name}": _version(name) for name in PACKAGES}}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
