"""Tracking never costs a training: whatever fails there is one warning, and the run goes on without it."""

import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from vlrb.utils.console import warn

P = ParamSpec("P")
T = TypeVar("T")


class Guard:
    """Calls what may fail; after the first failure nothing is called any more.

    A tracker that failed once (a dead service, a full disk) would fail again at every epoch, or wait each time.

    Args:
        who: Name of the tracker in the warning.
    """

    def __init__(self, who: str) -> None:
        self.who = who
        self.off = False

    def call(self, doing: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return what `work` returns; None if it fails, or something failed before.

        Args:
            doing: What is being done, for the warning ("starting", "logging an epoch").
            work: Whatever may raise.
            args: Its arguments.
            kwargs: Its named arguments.
        """
        return None if self.off else self._try(doing, work, *args, **kwargs)

    def close(self, work: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call what closes things, also after a failure; a second failure is in the log alone.

        Args:
            work: Whatever may raise.
            args: Its arguments.
            kwargs: Its named arguments.
        """
        self._try("finishing", work, *args, **kwargs)

    def _try(self, doing: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return work(*args, **kwargs)
        except Exception as error:  # the one place where a tracker's errors end, whatever they are
            logging.getLogger("vlrb").info("%s: %s failed", self.who, doing, exc_info=error)
            if not self.off:
                warn(f"{self.who}: {doing} failed ({reason(error)}); the run goes on without it")
            self.off = True
            return None


def reason(error: BaseException, most: int = 160) -> str:
    """Return an error on one line.

    >>> reason(OSError(28, "No space left on device"))
    'OSError: [Errno 28] No space left on device'
    """
    text = " ".join(str(error).split())
    short = text if len(text) <= most else text[: most - 1] + "…"
    return f"{type(error).__name__}: {short}" if short else type(error).__name__
