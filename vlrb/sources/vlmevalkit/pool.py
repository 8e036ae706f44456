"""Run independent jobs on all cores, with a progress bar; small amounts of work stay in this process."""

from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from vlrb.utils.console import track
from vlrb.utils.devices import cores
from vlrb.utils.errors import DataError

PARALLEL_BYTES = 24 << 20  # below this, starting processes costs more than it saves
MAX_WORKERS = 8
Job = tuple[Callable[..., Any], tuple[Any, ...], int]  # function, arguments, bytes to read


def run_all(jobs: Sequence[Job], description: str) -> list[Any]:
    """Run all jobs and return their results in order; the first error stops the rest.

    Raises:
        DataError: A worker process died (it ran out of memory).
    """
    workers = min(cores(), MAX_WORKERS, len(jobs))
    if workers < 2 or sum(size for _, _, size in jobs) < PARALLEL_BYTES:
        return [function(*arguments) for function, arguments, _ in track(jobs, description)]
    results: list[Any] = [None] * len(jobs)
    # Neither forked (the caller may hold threads of torch or Arrow) nor spawned (that would run its script again).
    from joblib.externals.loky import ProcessPoolExecutor

    with ProcessPoolExecutor(workers) as executor:
        order = sorted(range(len(jobs)), key=lambda i: -jobs[i][2])
        futures = {executor.submit(jobs[i][0], *jobs[i][1]): i for i in order}
        try:
            for future in track(as_completed(futures), description, total=len(futures)):
                results[futures[future]] = future.result()
        except BrokenProcessPool as error:
            raise DataError("a process that read logs died, probably for lack of memory") from error
        finally:
            for future in futures:
                future.cancel()
    return results
