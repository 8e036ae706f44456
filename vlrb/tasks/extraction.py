"""The Trainer that runs encoders which are torch networks, made from a job's `trainer` config."""

from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback

from vlrb.tasks.devices import build_trainer, several_devices, strategy_of
from vlrb.utils.config import Plain


def make_feature_trainer(node: Plain, callbacks: list[Callback], single: bool) -> L.Trainer:
    """Return the Trainer of a `trainer` config for extracting features.

    The encoder decides on its precision. Nodes extract on their own (a lock lets one do it and the others read).

    Args:
        node: The `trainer` config.
        callbacks: Lightning callbacks.
        single: One device is enough for what there is to do.

    Raises:
        ConfigError: The device is not there.
    """
    given: dict[str, Any] = {
        "callbacks": callbacks,
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
        "use_distributed_sampler": False,  # every device takes whole shards
        "precision": "32-true",
        "num_nodes": 1,
        "deterministic": "warn" if node["deterministic"] else False,  # some networks have parts without such a form
        "profiler": None,
    }
    if single and several_devices(node["devices"]):
        first = node["devices"][:1] if isinstance(node["devices"], list) else 1
        given |= {"devices": first, "strategy": "auto"}
    else:
        given["strategy"] = strategy_of(node)
    return build_trainer(node, given)
