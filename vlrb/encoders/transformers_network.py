"""Read a transformers network from a folder: quietly, whole or not at all, never by running code that lies in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from vlrb.utils.errors import DataError


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the progress bars and reports of transformers; what matters is checked by us."""
    from transformers.utils import logging as untyped

    logging: Any = untyped
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def read_config(folder: Path) -> Any:  # noqa: ANN401 - transformers has no types
    """Return the configuration of the network in a folder.

    Raises:
        DataError: There is none, or this version of transformers does not know it.
    """
    from transformers import AutoConfig

    try:
        with quiet():
            return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(folder, "configuration", error) from error


def read_tokenizer(folder: Path) -> Any:  # noqa: ANN401 - transformers has no types
    """Return the tokenizer in a folder.

    Raises:
        DataError: There is none, or this version of transformers cannot read it.
    """
    from transformers import AutoTokenizer

    try:
        with quiet():
            return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        raise _unreadable(folder, "tokenizer", error) from error


def read_network(
    kind: Any,  # noqa: ANN401 - transformers has no types
    folder: Path,
    config: Any,  # noqa: ANN401
    unused: tuple[str, ...] = (),
    **options: Any,  # noqa: ANN401
) -> nn.Module:
    """Return a network with its weights, float32, frozen, in evaluation mode.

    Args:
        kind: A class of transformers with `from_pretrained`.
        folder: Folder with the weights (safetensors, else .bin read as weights only).
        config: Configuration of the network.
        unused: Beginnings of the names of weights that may be absent because they are never used.
        options: Further arguments of the constructor.

    Raises:
        DataError: A weight is absent or has another shape, or the file cannot be read safely.
    """
    from pickle import UnpicklingError

    from safetensors import SafetensorError

    reading = {"local_files_only": True, "weights_only": True, "output_loading_info": True}
    try:
        with quiet():
            network, found = kind.from_pretrained(folder, config=config, **reading, **options)
    except (OSError, ValueError, RuntimeError, KeyError, EOFError, UnpicklingError, SafetensorError) as error:
        raise _unreadable(folder, "weights", error) from error
    absent = sorted(name for name in found["missing_keys"] if not name.startswith(unused))
    if absent or found["mismatched_keys"]:
        name = absent[0] if absent else found["mismatched_keys"][0]
        raise DataError(f"{folder}: no weights for {name} ({len(absent):,} absent)", "the checkpoint is incomplete")
    frozen: nn.Module = network.float().eval().requires_grad_(requires_grad=False)
    return frozen


def _unreadable(folder: Path, what: str, error: BaseException) -> DataError:
    reason = str(error).strip().split("\n")[0] or type(error).__name__
    return DataError(
        f"{folder}: the {what} cannot be read ({reason})", "is the folder a whole transformers checkpoint?"
    )
