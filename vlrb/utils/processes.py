"""How processes are started beside a job that itself runs in a process of a launcher."""

import multiprocessing
from multiprocessing.context import BaseContext


def process_context() -> BaseContext | None:
    """Return the context to start processes in; None where the default one will do.

    Inside a process of joblib's launcher the default start method is joblib's own, which takes its own kind of process
    only; there, the system's default is named outright.
    """
    if multiprocessing.get_start_method() in multiprocessing.get_all_start_methods():
        return None
    return multiprocessing.get_context(multiprocessing.get_all_start_methods()[0])
