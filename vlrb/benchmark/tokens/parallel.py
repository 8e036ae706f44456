"""Count the tokens of many texts on all cores; small amounts of text stay in this process."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vlrb.benchmark.tokens import worker
from vlrb.benchmark.tokens.tokenizers import Tokenizer
from vlrb.utils.console import track
from vlrb.utils.devices import cores
from vlrb.utils.errors import DataError

CHUNK_BYTES = 4 << 20  # text counted at a time: bounds memory, and is one step of the progress bar
PARALLEL_BYTES = 96 << 20  # below this, starting processes that each read a vocabulary costs more than it saves
MAX_WORKERS = 8
WAITING = 2  # chunks handed out per worker: one being counted, one to go on with


def count_texts(tokenizer: Tokenizer, texts: pa.Array, description: str) -> np.ndarray:
    """Return the number of tokens of each text, int32.

    Args:
        tokenizer: Counts them.
        texts: (T,) strings, no null; turned into Python strings one chunk at a time.
        description: Shown beside the progress bar.

    Raises:
        DataError: A worker process died (it ran out of memory).
    """
    sizes = pc.binary_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
    chunks = _chunks(texts, sizes)
    workers = min(cores(), MAX_WORKERS, len(chunks)) if tokenizer.processes else 1
    if workers < 2 or sizes.sum() < PARALLEL_BYTES:
        steps = track(chunks, description) if len(chunks) > 1 else iter(chunks)
        counts = [tokenizer.count(chunk.to_pylist()) for chunk in steps]
    else:
        counts = list(track(_in_processes(tokenizer, chunks, workers), description, total=len(chunks)))
    return np.concatenate([np.zeros(0, np.int32), *counts])


def _chunks(texts: pa.Array, sizes: np.ndarray) -> list[pa.Array]:
    """Return slices of about CHUNK_BYTES each (no copies)."""
    cuts = np.flatnonzero(np.diff(np.cumsum(sizes) // CHUNK_BYTES)) + 1
    bounds = [0, *cuts.tolist(), len(texts)] if len(texts) else []
    return [texts.slice(start, stop - start) for start, stop in pairwise(bounds)]


def _in_processes(tokenizer: Tokenizer, chunks: list[pa.Array], workers: int) -> Iterator[np.ndarray]:
    # Neither forked (the caller may hold threads of torch or Arrow) nor spawned (that would run its script again).
    from joblib.externals.loky import ProcessPoolExecutor

    with ProcessPoolExecutor(workers, initializer=worker.start, initargs=(tokenizer,)) as executor:
        running: deque[Future[np.ndarray]] = deque()
        try:
            for chunk in chunks:
                running.append(executor.submit(worker.work, chunk.to_pylist()))
                if len(running) >= WAITING * workers:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        except BrokenProcessPool as error:
            raise DataError("a process that counted tokens died, probably for lack of memory") from error
        finally:
            for future in running:
                future.cancel()
