"""Everything the program says to a person goes through here: one console, silent on all ranks but the first."""

import logging
import os
import sys
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

Item = TypeVar("Item")
logging.getLogger("vlrb").addHandler(logging.NullHandler())


@cache
def console() -> "Console":
    """Return the console of this process (rich, stdout, no wider than its terminal)."""
    from rich.console import Console  # light start-up: rich is loaded only when something is printed

    return Console(highlight=False, soft_wrap=True)


_muted = False


@contextmanager
def muted() -> Iterator[None]:
    """Print nothing while the block runs: another process speaks for this one. A run's log still gets everything."""
    global _muted
    before, _muted = _muted, True
    try:
        yield
    finally:
        _muted = before


def is_first_rank() -> bool:
    """Return whether this process is the one that prints and writes (rank 0 or not distributed)."""
    return os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("RANK", "0") == "0"


def say(message: object = "", *, style: str | None = None) -> None:
    """Print one message (text or a rich renderable); text is never parsed as markup."""
    if not is_first_rank():
        return
    if isinstance(message, str):
        logging.getLogger("vlrb").info(message)  # lands in the run's log, if one is open
    if _muted:
        return
    if isinstance(message, str):
        console().print(message, style=style, markup=False)
    else:
        console().print(message)


def shows_progress() -> bool:
    """Return whether live progress may be drawn: on a terminal that no other process of the same work writes to."""
    return is_first_rank() and not _muted and console().is_terminal


def warn(message: str) -> None:
    """Print a warning that the user should read."""
    say(f"warning: {message}", style="yellow")


def say_error(text: str) -> None:
    """Print on stderr, whole and unwrapped."""
    print(text, file=sys.stderr)  # noqa: T201 - errors belong on stderr


@contextmanager
def progress_bar() -> Iterator["Progress"]:
    """Yield a rich progress display with count, speed and remaining time; nothing where there is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(), transient=True, disable=not shows_progress()) as progress:
        yield progress


def track(items: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """Iterate with a progress bar."""
    count = total if total is not None else (len(items) if isinstance(items, Sized) else None)
    with progress_bar() as progress:
        task = progress.add_task(description, total=count)
        for item in items:
            yield item
            progress.advance(task)
