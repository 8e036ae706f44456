"""The log of one run: everything said to the person, warnings, and Lightning's messages, in the run's folder."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOISY = ("lightning.pytorch", "lightning.fabric", "lightning_fabric", "pytorch_lightning")


@contextmanager
def run_log(path: Path) -> Iterator[None]:
    """Write log records to `path` (replaced) while the block runs; quiet libraries go to the file only."""
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    loggers = [logging.getLogger(name) for name in ("vlrb", "py.warnings", *NOISY)]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    logging.captureWarnings(capture=True)
    try:
        with warnings.catch_warnings():
            yield
    finally:
        logging.captureWarnings(capture=False)
        for logger, level, propagate in before:
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate
        handler.close()
