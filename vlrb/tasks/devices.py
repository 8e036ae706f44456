"""Several devices for one job, as spawned processes: they train, and only the process that spawned them goes on.

Lightning's other ways start the whole command again, which inside a sweep would start the sweep again.
"""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import lightning as L
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.strategies import DDPStrategy

from vlrb.utils.errors import ConfigError
from vlrb.utils.instantiate import build
from vlrb.utils.logs import current_log, join_log

# Lightning's hints about loaders and accelerators: they are choices here, not oversights.
HINTS = (
    ".*does not have many workers.*",
    ".*GPU available but not used.*",
    ".*`isinstance.treespec.*",
    ".*in eval mode at the start of training.*",  # a frozen backbone
    ".*find_unused_parameters=True was specified.*",  # whether a batch has them is known only when it comes
)
SPAWN = "ddp_spawn"
RESTARTING = ("ddp_find", "fsdp", "deepspeed")
PORT = "MASTER_PORT"


class SpawnedProcesses(DDPStrategy):
    """One spawned process per device; what libraries say there goes to the log of the run, once.

    Args:
        find_unused: Look in every step for parameters that had no part in it; without, such a step would fail.
    """

    def __init__(self, *, find_unused: bool = False) -> None:
        super().__init__(start_method="spawn", find_unused_parameters=find_unused)
        self.log_file = current_log()

    def setup_environment(self) -> None:
        """Quieten a spawned process, which has inherited neither loggers nor filters, and join its peers."""
        join_log(self.log_file)
        ignore_hints()
        super().setup_environment()


def strategy_of(trainer: Mapping[str, Any], *, find_unused: bool = False) -> Any:  # noqa: ANN401 - Lightning's
    """Return the strategy of a trainer config: several devices are spawned processes unless it names another way.

    Args:
        trainer: The config.
        find_unused: See `SpawnedProcesses`.

    Raises:
        ConfigError: The strategy would start this command again for every device.
    """
    strategy, several = trainer["strategy"], several_devices(trainer["devices"])
    if strategy == SPAWN or (strategy == "auto" and several):
        return SpawnedProcesses(find_unused=find_unused)
    if several and (strategy == "ddp" or str(strategy).startswith(RESTARTING)):
        raise ConfigError(f"trainer.strategy={strategy} would start this command again for each device", "trainer=ddp")
    return strategy


def build_trainer(node: Mapping[str, Any], given: Mapping[str, Any]) -> L.Trainer:
    """Build the Trainer of a `trainer` config with what a job gives in place of its values.

    Raises:
        ConfigError: The device is not there.
    """
    try:
        return cast("L.Trainer", build(dict(node), "trainer", **given))
    except MisconfigurationException as error:  # e.g. a GPU that is not there
        raise ConfigError(f"trainer: {str(error).splitlines()[0]}", "trainer=cpu runs everywhere") from error


def several_devices(devices: object) -> bool:
    """Return whether a value of `trainer.devices` means more than one."""
    if isinstance(devices, list):
        return len(devices) > 1
    if str(devices) in ("auto", "-1"):
        return torch.cuda.device_count() > 1
    return "," in str(devices) or str(devices) not in ("0", "1")


def ignore_hints() -> None:
    """Ignore hints of Lightning's that do not apply."""
    for pattern in HINTS:
        warnings.filterwarnings("ignore", pattern)


@contextmanager
def own_port() -> Iterator[None]:
    """Forget the port at which the devices of one job meet, so that the next job of a sweep chooses its own."""
    before = os.environ.get(PORT)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(PORT, None)
