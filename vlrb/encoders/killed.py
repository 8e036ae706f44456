"""What a user can do about a process of a loader that was killed, while features are made or a router learns."""

from torch.multiprocessing.spawn import ProcessRaisedException

from vlrb.utils.errors import StateError

WORKER = "DataLoader worker (pid"  # how torch begins to say that one was killed


def died(error: BaseException) -> StateError | None:
    """Return what a user can do about a process of a loader that was killed, None for any other error."""
    if not (isinstance(error, RuntimeError | ProcessRaisedException) and WORKER in str(error)):
        return None
    line = next(line for line in str(error).splitlines() if WORKER in line)
    return StateError(
        f"a process that prepares batches was killed ({line.strip()})",
        "give it more (shared) memory, choose a smaller batch size, or set encoder.workers=0",
    )
