"""Trained routers on disk: weights as safetensors (never a pickle) beside the plain spec of their data."""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vlrb.data.spec import DataSpec
from vlrb.routers.base import RouterModule
from vlrb.schema import SPEC_FILE, WEIGHTS_FILE
from vlrb.utils.errors import DataError, StateError
from vlrb.utils.files import atomic_path, read_json, write_json
from vlrb.utils.fingerprint import array_fingerprint

LONGEST = 300  # characters of a library's reason
BANK_KEY = "shared"  # metadata of a weights file: "<buffer>=<fingerprint>" for buffers kept in a bank folder


def save_router(folder: Path, router: RouterModule, bank_folder: Path | None = None) -> None:
    """Write the weights and the data spec of a router into `folder`.

    Args:
        folder: The run folder.
        router: A bound (and normally fitted) router.
        bank_folder: Where buffers that many runs have in common (a neighbour router's bank) are kept, one file per
            content; None keeps them in the weights file.
    """
    state = {k: v.detach().cpu().contiguous().clone() for k, v in router.state_dict().items()}
    shared: list[str] = []
    if bank_folder is not None:
        for name in router.shared_buffers:
            mark = _save_bank(bank_folder, state.pop(name))
            shared.append(f"{name}={mark}")
    with atomic_path(Path(folder) / WEIGHTS_FILE) as temporary:
        save_file(state, temporary, metadata={BANK_KEY: ";".join(shared)})
    router.write_parts(Path(folder))
    write_json(Path(folder) / SPEC_FILE, router.spec.to_plain())


def _save_bank(bank_folder: Path, tensor: Tensor) -> str:
    mark = array_fingerprint(tensor.numpy())
    path = bank_folder / f"{mark}.safetensors"
    if not path.is_file():
        with atomic_path(path) as temporary:
            save_file({"bank": tensor}, temporary)
    return mark


def load_spec(folder: Path) -> DataSpec:
    """Return the data spec of a saved router."""
    return DataSpec.from_plain(read_json(Path(folder) / SPEC_FILE))


def load_router_weights(
    folder: Path, router: RouterModule, bank_folder: Path | Sequence[Path] | None = None
) -> RouterModule:
    """Bind a freshly built router to the spec in `folder` and load its weights, strictly.

    Args:
        folder: The run folder.
        router: Built from the run's configuration, not bound yet.
        bank_folder: Where `save_router` kept shared buffers, or several places where they may be now.

    Raises:
        DataError: The weights file is missing or damaged.
        StateError: The weights are those of another router, or a shared buffer is missing.
    """
    path = Path(folder) / WEIGHTS_FILE
    router.read_parts(Path(folder))
    router.bind(load_spec(folder))
    state, shared = _read(path)
    for entry in filter(None, shared.split(";")):
        name, _, mark = entry.partition("=")
        state[name] = _read_bank(path, mark, [bank_folder] if isinstance(bank_folder, Path) else bank_folder or ())
    try:
        router.load_state_dict(state, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        reason = reason if len(reason) <= LONGEST else f"{reason[:LONGEST]} …"  # it lists every weight of a backbone
        raise StateError(f"{path} does not hold the weights of this router: {reason}", "train it again") from error
    return router.eval()


def _read(path: Path) -> tuple[dict[str, Tensor], str]:
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, (file.metadata() or {}).get(BANK_KEY, "")  # noqa: SIM118
    except (FileNotFoundError, SafetensorError) as error:
        raise DataError(f"{path}: no readable weights ({error})", "train the router again") from error


def _read_bank(weights: Path, mark: str, folders: Sequence[Path]) -> Tensor:
    name = f"{mark}.safetensors"
    path = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if path is None:
        places = " or ".join(map(str, folders)) or "any folder"
        raise StateError(
            f"{weights} refers to the bank {mark}, which is not in {places}",
            f"copy {name} from the banks folder beside the runs it was trained with, or train the router again",
        )
    bank = _read(path)[0]["bank"]
    if array_fingerprint(bank.numpy()) != mark:
        raise StateError(f"{path} does not hold what its name says", "delete it and train the router again")
    return torch.as_tensor(bank)
