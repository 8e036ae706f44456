"""Where the jobs of a sweep run: our defaults for the launchers that are installed, and the extras for the others.

The plugins register their defaults when they are imported; YAMLs of the same names would make Hydra warn.
"""

import importlib
import importlib.util
import traceback
from typing import Any, Final

from vlrb.utils.devices import default_jobs, visible_gpus
from vlrb.utils.errors import ConfigError, StateError
from vlrb.utils.suggest import did_you_mean

LAUNCHERS: Final = "hydra/launcher"
SWEEPERS: Final = "hydra/sweeper"
# Options that need a package: the option, the extra that brings it, the package.
EXTRAS: Final = {
    (LAUNCHERS, "ray"): ("ray", "hydra_ray_launcher"),
    (LAUNCHERS, "submitit"): ("submitit", "hydra_submitit_launcher"),
    (LAUNCHERS, "submitit_slurm"): ("submitit", "hydra_submitit_launcher"),
    (LAUNCHERS, "submitit_local"): ("submitit", "hydra_submitit_launcher"),
    (SWEEPERS, "optuna"): ("optuna", "hydra_optuna_sweeper"),
}
KILLED: Final = ("TerminatedWorkerError", "BrokenProcessPool")  # what joblib raises when a worker is gone
SLURM_MINUTES: Final = 24 * 60
SLURM_TRIES: Final = 3


def register_launchers() -> None:
    """Give launchers our defaults: as many jobs as fit on this host, one GPU each, quiet workers."""
    from hydra.core.plugins import Plugins

    Plugins.instance()  # plugins register themselves now; ours must come after
    _store("joblib", _config("hydra_joblib_launcher", "config").JobLibLauncherConf(n_jobs=default_jobs()))
    if _installed("hydra_ray_launcher"):
        _store("ray", _ray(_config("hydra_ray_launcher", "_config")))
    if _installed("hydra_submitit_launcher"):
        config = _config("hydra_submitit_launcher", "config")
        # A job that ran out of time is submitted again: it goes on where it was.
        _store("submitit", config.SlurmQueueConf(timeout_min=SLURM_MINUTES, max_num_timeout=SLURM_TRIES))


def check_option(group: str, option: str) -> ConfigError | None:
    """Return what to say of an option of Hydra's launchers or sweepers that is not there; None for other groups.

    Args:
        group: E.g. `hydra/launcher`.
        option: What was asked for.
    """
    if group not in (LAUNCHERS, SWEEPERS):
        return None
    if (group, option) in EXTRAS:
        extra = EXTRAS[group, option][0]
        return ConfigError(f"{group}={option} needs packages that are not installed", f'pip install -e ".[{extra}]"')
    from hydra.core.config_store import ConfigStore

    known = {name.removesuffix(".yaml") for name in ConfigStore.instance().list(group)}
    known |= {name for where, name in EXTRAS if where == group} | ({"jobs"} if group == SWEEPERS else set())
    return ConfigError(f"{group}={option}: no such option", did_you_mean(option, known))


def launcher_error(error: Exception) -> StateError | None:
    """Return what to say of an error that a launcher raised (no scheduler, a killed process); None for all others."""
    frames = traceback.extract_tb(error.__traceback__)
    if not any("hydra_plugins" in frame.filename for frame in frames):
        return None
    if type(error).__name__ in KILLED:
        return StateError(
            "a process of the sweep was killed (often: too little memory)",
            "run the same command to go on; hydra.launcher.n_jobs=1 needs least memory",
        )
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return StateError(
        f"the launcher failed: {reason}", "HYDRA_FULL_ERROR=1 shows where; hydra/launcher=basic needs none"
    )


def _installed(plugin: str) -> bool:
    return importlib.util.find_spec(f"hydra_plugins.{plugin}") is not None


def _config(plugin: str, module: str) -> Any:  # noqa: ANN401 - a module
    return importlib.import_module(f"hydra_plugins.{plugin}.{module}")


def _ray(config: Any) -> Any:  # noqa: ANN401 - the plugin's module in, its config out
    """Return Ray's defaults: one GPU per job where there are any; null = what Ray or the cluster knows itself."""
    init = {
        "address": None,  # null = a Ray of its own on this host | auto | <host>:6379 | ray://<host>:10001
        "num_cpus": None,
        "num_gpus": None,  # logical ones; a cluster has its own
        "object_store_memory": None,
        "log_to_driver": False,  # jobs are told of in one line each
        "logging_level": 30,
        "include_dashboard": None,
    }
    remote = {"num_cpus": 1, "num_gpus": 1 if visible_gpus() else 0}
    return config.RayLauncherConf(ray=config.RayConf(init=init, remote=remote))


def _store(name: str, node: Any) -> None:  # noqa: ANN401 - a structured config
    from hydra.core.config_store import ConfigStore

    ConfigStore.instance().store(group=LAUNCHERS, name=name, node=node, provider="vlrb")
