"""What libraries raise while a router is fitted or decides, in words that say what to do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch
from torch.multiprocessing.spawn import ProcessRaisedException

from vlrb.encoders.killed import died
from vlrb.routers.base import RouterModule
from vlrb.routers.end_to_end import EndToEndRouter
from vlrb.utils import errors
from vlrb.utils.errors import StateError, VlrbError

# How allocators say that there is too little memory: of the CPU (Linux, Windows), CUDA, Apple's.
TOO_LITTLE: Final = re.compile(
    r"DefaultCPUAllocator|not enough memory|Cannot allocate memory|out of memory|OutOfMemoryError|MemoryError", re.I
)
AMOUNT: Final = re.compile(r"(?:tried|trying|attempt\w*) to allocate ([\d.]+ ?\w+)", re.I)
RAISED: Final = re.compile(r"^vlrb\.utils\.errors\.(\w+): (.*)", re.M | re.S)


@contextmanager
def explained(router: RouterModule, batch_size: int, accumulated: int = 1) -> Iterator[None]:
    """Turn errors that the user can do something about into one clear line while a router is fitted or decides.

    Args:
        router: The router.
        batch_size: Samples per batch in use.
        accumulated: `trainer.accumulate_grad_batches` in use.

    Raises:
        StateError: There is too little memory, or a process that prepares batches was killed.
        VlrbError: A spawned process raised it.
    """
    try:
        yield
    except VlrbError:
        raise
    except Exception as error:
        found = explain(error, router, batch_size, accumulated)
        if found is None:
            raise
        raise found from error


def explain(error: Exception, router: RouterModule, batch_size: int, accumulated: int = 1) -> VlrbError | None:
    """Return what `explained` raises in place of an error; None if it would let it through."""
    text = str(error)
    if isinstance(error, ProcessRaisedException) and (raised := RAISED.search(text)):
        message, _, hint = raised[2].strip().partition("\n  → ")
        kind = getattr(errors, raised[1], StateError)
        return kind(message, hint) if issubclass(kind, VlrbError) else StateError(message, hint)
    if (killed := died(error)) is not None:
        return killed
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError | ProcessRaisedException) and TOO_LITTLE.search(text)
    ):
        amount = AMOUNT.search(text)
        wanted = f" ({amount[1]} more were asked for)" if amount else ""
        message = f"out of memory: a batch of {batch_size} samples is too much for router {router.name!r}{wanted}"
        return StateError(message, _smaller(router, accumulated))
    return None


def _smaller(router: RouterModule, accumulated: int) -> str:
    """Return the settings that make the same steps of smaller batches."""
    if router.closed_form:
        return "trainer=cpu uses the memory of the machine; a smaller training split or narrower features need less"
    more = isinstance(router, EndToEndRouter)
    key, size = ("encoder.training.batch_size" if more else "router.batch_size"), router.batch_size
    checkpointing = "encoder.training.gradient_checkpointing=true"
    if size == 1:
        return f"{checkpointing}, or a smaller encoder" if more else "trainer=cpu uses the memory of the machine"
    # Half the batch, twice the batches per step: the steps stay what they were.
    halved = f"{key}={size // 2} trainer.accumulate_grad_batches={2 * accumulated}"
    return f"{halved}, or {checkpointing}" if more else halved
