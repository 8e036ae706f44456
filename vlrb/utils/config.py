"""From a composed Hydra config to plain, checked containers, and the identity of a run."""

import copy
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from vlrb.utils.errors import ConfigError
from vlrb.utils.fingerprint import fingerprint
from vlrb.utils.suggest import did_you_mean
from vlrb.utils.types import check_value

Plain = dict[str, Any]

# Root keys that are values, with their types. Every other root key must be a config group (a mapping).
VALUE_KEYS: dict[str, dict[str, Any]] = {
    "train": {
        "seed": int,
        "missing": Literal["drop_sample", "mask", "error"],
        "build": bool,
        "overwrite": bool,
        "strict": bool,
        "resamples": int,
        "objective": str,
        "router_name": str,
    },
    "build_data": {
        "stages": list[str],
        "force": bool,
        "strict": bool,
        "export": str | None,
        "export_dir": str | None,
    },
    "evaluate": {
        "run": str | None,
        "runs": str | None,
        "out": str | None,
        "scope": Literal["test", "dev", "train", "all"],
        "select": Literal["dev", "router", "none"],
        "budgets": list[float] | Literal["auto", "published"],
        "resamples": int | None,
        "mu": float | None,
        "budget": float | None,
        "headroom": bool,
        "route": str | None,
        "on_error": Literal["error", "report"],
        "samples": int,
        "compare": str | None,
        "fail_if": str | None,
        "dashboard": str | None,
    },
}
GROUP_KEYS: dict[str, tuple[str, ...]] = {
    "train": (
        "paths",
        "dataset",
        "model_pool",
        "pricing",
        "tokens",
        "split",
        "encoder",
        "lambda",
        "router",
        "trainer",
        "logger",
    ),
    "build_data": ("paths", "dataset", "model_pool", "pricing", "tokens", "split", "encoder", "trainer"),
    "evaluate": ("paths", "logger"),
}
OPTIONAL_GROUPS: dict[str, tuple[str, ...]] = {"evaluate": ("dataset", "model_pool", "pricing", "tokens", "split")}

# What a run's results do not depend on, or what its data fingerprint already covers.
IDENTITY_EXCLUDES = ("paths", "logger", "build", "overwrite", "strict", "objective")
DEVICE_KEYS = ("accelerator", "devices", "num_nodes", "strategy", "profiler")
BACKBONE = "backbone"  # an encoder that has it is trained with the router
LOADING_KEYS = ("workers", "keep_mb")  # how such an encoder is given its inputs, not what they are


def to_plain(cfg: DictConfig, script: str) -> Plain:
    """Resolve a composed config into plain containers and check its root keys and their types.

    Raises:
        ConfigError: A mandatory value is missing, a root key is unknown, or a value has the wrong type.
    """
    try:
        plain = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        key = getattr(error, "full_key", None) or "a value"
        if "Missing mandatory value" in str(error):
            raise ConfigError(f"{key} has no value yet", f"give it: {key}=…") from error
        raise ConfigError(f"{key}: {str(error).splitlines()[0]}") from error
    assert isinstance(plain, dict)
    config: Plain = {str(key): value for key, value in plain.items() if key != "hydra"}
    check_root(config, script)
    if "dataset" in config:
        check_dataset(config["dataset"])
    return config


def check_dataset(dataset: Mapping[str, Any]) -> None:
    """Check the two values that name folders."""
    name, root = dataset.get("name"), dataset.get("root")
    if not isinstance(name, str | int) or not str(name) or set(str(name)) & set("/\\") or str(name) in (".", ".."):
        raise ConfigError(f"dataset.name must be a plain folder name, not {name!r}", "e.g. dataset.name=mine")
    if not isinstance(root, str | int):
        raise ConfigError(f"dataset.root must be a folder, not {root!r}", "e.g. dataset.root=./vlm_router_data")


def check_root(config: Mapping[str, Any], script: str) -> None:
    """Check the root keys of a plain config: none unknown, none missing, each of its type."""
    values, groups = VALUE_KEYS[script], GROUP_KEYS[script] + OPTIONAL_GROUPS.get(script, ())
    for key in config:
        if key not in values and key not in groups:
            raise ConfigError(
                f"unknown key '{key}' at the root of the configuration", did_you_mean(key, [*values, *groups])
            )
    for key, annotation in values.items():
        if key not in config:
            raise ConfigError(f"the configuration has no key '{key}'")
        check_value(config[key], annotation, key)
    for key in groups:
        absent = key not in config and key in OPTIONAL_GROUPS.get(script, ())
        if not absent and not isinstance(config.get(key), Mapping):
            raise ConfigError(
                f"{key} must be one of its options, not {config.get(key)!r}", f"see the files in conf/{key}"
            )


def identity(config: Mapping[str, Any]) -> str:
    """Return the 8-hex identity of a run: what was asked, without where it lies or on which device it runs."""
    kept = copy.deepcopy({k: v for k, v in config.items() if k not in IDENTITY_EXCLUDES})
    kept["trainer"] = {k: v for k, v in kept.get("trainer", {}).items() if k not in DEVICE_KEYS}
    if BACKBONE in (encoder := kept.get("encoder", {})):
        kept["encoder"] = {k: v for k, v in encoder.items() if k not in LOADING_KEYS}
    return fingerprint(_without_roots(kept), length=8)


def _without_roots(value: Any) -> Any:  # noqa: ANN401 - any plain value
    """Drop every `root` and `truth` (paths of the data; the data itself has its own fingerprint)."""
    if isinstance(value, Mapping):
        return {k: _without_roots(v) for k, v in value.items() if k not in ("root", "truth")}
    return value


def number_text(value: float) -> str:
    """Return a number as people write it.

    >>> number_text(0.5), number_text(1.0), number_text(float("inf"))
    ('0.5', '1', 'inf')
    """
    return "inf" if math.isinf(value) else f"{value:g}"


def run_name(config: Mapping[str, Any]) -> str:
    """Return `<router>/<λ>-s<seed>-<identity>`, the run's place below `<runs_dir>/<dataset.name>`."""
    lam = number_text(config["lambda"]["value"])
    return f"{config['router_name']}/{lam}-s{config['seed']}-{identity(config)}"


def run_folder(config: Mapping[str, Any]) -> Path:
    """Return the folder of a run: a function of the config alone, never of the time."""
    return Path(str(config["paths"]["runs_dir"])) / str(config["dataset"]["name"]) / run_name(config)
