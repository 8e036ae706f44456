"""The log of one run: everything said to the person, warnings, and Lightning's messages, in the run's folder."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vlrb.utils.console import is_first_rank

NOISY = ("lightning.pytorch", "lightning.fabric", "lightning_fabric", "pytorch_lightning")
LOGGERS = ("vlrb", "py.warnings", *NOISY)


@contextmanager
def run_log(path: Path | None) -> Iterator[None]:
    """Write log records to `path` (replaced) while the block runs; libraries speak to the file, not to the terminal.

    Args:
        path: The log file; None keeps the libraries quiet and writes nothing.
    """
    if path is not None:
        path.unlink(missing_ok=True)
    before = [
        (logger, logger.handlers[:], logger.level, logger.propagate) for logger in map(logging.getLogger, LOGGERS)
    ]
    handler = _redirect(path)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        for logger, handlers, level, propagate in before:
            logger.handlers = handlers
            logger.setLevel(level)
            logger.propagate = propagate
        handler.close()


def current_log() -> Path | None:
    """Return the file of the run log that is open in this process, if any."""
    files = [h.baseFilename for h in logging.getLogger("vlrb").handlers if isinstance(h, logging.FileHandler)]
    return Path(files[0]) if files else None


def join_log(path: Path | None) -> None:
    """Let the libraries of a spawned process speak to its parent's log for the rest of its life; first rank only."""
    _redirect(path if is_first_rank() else None)


def _redirect(path: Path | None) -> logging.Handler:
    """Send all records of `LOGGERS` and all warnings to one file (nowhere without a path)."""
    handler: logging.Handler = logging.NullHandler()
    if path is not None:  # appended to, because a spawned process may write to the same file
        handler = logging.FileHandler(path, mode="a", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    for logger in map(logging.getLogger, LOGGERS):
        logger.handlers = [handler]
        logger.setLevel(logging.INFO)
        logger.propagate = False
    logging.captureWarnings(capture=True)
    return handler
