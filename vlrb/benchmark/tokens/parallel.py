"""Count the tokens of many texts on all cores; small amounts of text stay in this process."""

from collections import deque
from collections.abc import Iterable, Iterator
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
Piece = tuple[int, np.ndarray]  # number of the batch, counts of some of its texts


def count_texts(tokenizer: Tokenizer, texts: pa.Array, description: str) -> np.ndarray:
    """Return the number of tokens of each text, int32; arguments as in `count_batches`."""
    return count_batches(tokenizer, [texts], int(_sizes(texts).sum()), description)[0]


def count_batches(
    tokenizer: Tokenizer, batches: Iterable[pa.Array], size: int, description: str, total: int | None = None
) -> list[np.ndarray]:
    """Return the number of tokens of each text of each batch, int32; only a few chunks of text are held at a time.

    Args:
        tokenizer: Counts them.
        batches: (T,) strings, no null; taken one after the other and turned into Python strings chunk by chunk.
        size: About how many bytes of text there are in all.
        description: Shown beside the progress bar.
        total: How many batches there are, if that is known; chunks of a single batch are the bar's steps.

    Raises:
        DataError: A worker process died (it ran out of memory).
    """
    seen = enumerate(batches if total is None else track(batches, description, total))
    counts: list[list[np.ndarray]] = []
    pieces = _pieces(seen, counts)
    workers = min(cores(), MAX_WORKERS, 1 + size // CHUNK_BYTES) if tokenizer.processes else 1
    if workers < 2 or size < PARALLEL_BYTES:
        counted: Iterator[Piece] = ((number, tokenizer.count(texts)) for number, texts in pieces)
    else:
        counted = _in_processes(tokenizer, pieces, workers)
    steps = 1 + size // CHUNK_BYTES
    for number, found in track(counted, description, steps) if total is None and steps > 1 else counted:
        counts[number].append(found)
    return [np.concatenate([np.zeros(0, np.int32), *parts]) for parts in counts]


def _pieces(batches: Iterable[tuple[int, pa.Array]], counts: list[list[np.ndarray]]) -> Iterator[tuple[int, list[str]]]:
    """Yield the chunks of every batch with its number, and make room for its counts."""
    for number, texts in batches:
        counts.append([])
        for chunk in _chunks(texts, _sizes(texts)):
            yield number, chunk.to_pylist()


def _sizes(texts: pa.Array) -> np.ndarray:
    sizes: np.ndarray = pc.binary_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
    return sizes


def _chunks(texts: pa.Array, sizes: np.ndarray) -> list[pa.Array]:
    """Return slices of about CHUNK_BYTES each (no copies)."""
    cuts = np.flatnonzero(np.diff(np.cumsum(sizes) // CHUNK_BYTES)) + 1
    bounds = [0, *cuts.tolist(), len(texts)] if len(texts) else []
    return [texts.slice(start, stop - start) for start, stop in pairwise(bounds)]


def _in_processes(tokenizer: Tokenizer, pieces: Iterable[tuple[int, list[str]]], workers: int) -> Iterator[Piece]:
    # Neither forked (the caller may hold threads of torch or Arrow) nor spawned (that would run its script again).
    from joblib.externals.loky import ProcessPoolExecutor

    with ProcessPoolExecutor(workers, initializer=worker.start, initargs=(tokenizer,)) as executor:
        running: deque[tuple[int, Future[np.ndarray]]] = deque()
        try:
            for number, texts in pieces:
                running.append((number, executor.submit(worker.work, texts)))
                if len(running) >= WAITING * workers:
                    yield _first(running)
            while running:
                yield _first(running)
        except BrokenProcessPool as error:
            raise DataError("a process that counted tokens died, probably for lack of memory") from error
        finally:
            for _, future in running:
                future.cancel()


def _first(running: "deque[tuple[int, Future[np.ndarray]]]") -> Piece:
    number, future = running.popleft()
    return number, future.result()
