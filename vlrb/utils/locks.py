"""One lock per folder: others wait with one line, and a lock of a dead process is free at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from vlrb.utils.console import say
from vlrb.utils.errors import StateError


@contextmanager
def folder_lock(folder: Path, *, wait: bool = True, timeout_s: float = -1) -> Iterator[None]:
    """Hold the lock of `folder` (made if missing), an operating-system lock on `<folder>/.lock`.

    Args:
        folder: The folder to protect.
        wait: Wait for another holder (after saying so once); otherwise raise StateError at once.
        timeout_s: Longest wait in seconds; negative means for ever.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as busy:
        if not wait:
            raise StateError(f"{folder} is in use by another process", "wait for it to finish") from busy
        say(f"waiting for another process that is writing {folder} …")
        try:
            lock.acquire(timeout=timeout_s)
        except Timeout as late:
            raise StateError(f"{folder} was still in use after {timeout_s:.0f} s") from late
    try:
        yield
    finally:
        lock.release()
