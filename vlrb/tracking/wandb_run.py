"""One W&B run: which mode, how it is opened (offline where the server does not answer), and how it is closed."""

import netrc
import os
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlparse

import wandb

from vlrb.tracking.card import RunCard
from vlrb.tracking.guard import reason
from vlrb.utils.console import say, warn
from vlrb.utils.errors import ConfigError

Mode = Literal["auto", "online", "offline", "disabled"]
AUTO: Final = "auto"
_unreachable: list[str] = []  # where this process failed to go online: the next jobs of a sweep do not wait again
KEYS: Final = ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE")


def chosen_mode(mode: Mode) -> tuple[str, str]:
    """Return online, offline or disabled, and why if that is worth a line.

    `auto` follows WANDB_MODE, else it is online if an API key is known and offline if not; online without a key is
    offline, too, because W&B would ask for one and wait.

    Raises:
        ConfigError: WANDB_MODE holds another word.
    """
    wanted: str = mode
    if mode == AUTO:
        wanted = os.environ.get("WANDB_MODE", "") or AUTO
        wanted = {"dryrun": "offline", "run": "online"}.get(wanted, wanted)
        if wanted not in (AUTO, "online", "offline", "disabled"):
            raise ConfigError(f"WANDB_MODE={wanted} is no mode", "online, offline or disabled, or logger.mode=…")
    if wanted in (AUTO, "online") and not key_is_known():
        return "offline", "no API key is known (`wandb login` keeps one)"
    return ("online" if wanted == AUTO else wanted), ""


def key_is_known() -> bool:
    """Return whether W&B could log in without asking: a key in the environment, or one for its host in netrc."""
    if any(os.environ.get(key) for key in KEYS):
        return True
    files = [os.environ.get("NETRC", ""), str(Path.home() / ".netrc"), str(Path.home() / "_netrc")]
    for file in (f for f in files if f and Path(f).is_file()):
        try:
            return netrc.netrc(file).authenticators(host()) is not None
        except (netrc.NetrcParseError, OSError):
            return False
    return False


def host() -> str:
    """Return the server that W&B's own settings name."""
    return urlparse(str(wandb.setup().settings.base_url)).hostname or ""


class Opened:
    """How the runs of one job are opened.

    Args:
        project: W&B project.
        entity: User or team; None is the account's own.
        mode: online or offline.
        timeout: Seconds to wait for the server.
        system: Whether W&B records machine, command line and the use of processor, memory and GPU.
    """

    def __init__(self, project: str, entity: str | None, mode: str, timeout: float, *, system: bool) -> None:
        self.project, self.entity, self.mode = project, entity, mode
        self.timeout, self.system = timeout, system

    def open(self, folder: Path, card: RunCard, *, resumed: bool, job_type: str = "train") -> Any:  # noqa: ANN401 - wandb.Run
        """Open a run; a server that does not answer is one warning, and the run is kept offline.

        Args:
            folder: Where its files go (`wandb/` in it).
            card: The run.
            resumed: Whether it goes on with the W&B run of its id; otherwise it replaces what that held.
            job_type: W&B's job type.
        """
        given: dict[str, Any] = {
            "project": self.project,
            "entity": self.entity,
            "dir": str(folder),
            "id": card.id,
            "name": card.name,
            "group": card.group,
            "tags": card.tags,
            "job_type": job_type,
            "config": card.settings,
            "resume": "allow" if resumed else None,
            "settings": self._settings(),
        }
        folder.mkdir(parents=True, exist_ok=True)
        wandb.setup(settings=wandb.Settings(silent=True))
        if self.mode == "online" and not _unreachable:
            try:
                return wandb.init(mode="online", **given)
            except Exception as error:  # an unknown entity, a refused key, a server that does not answer
                warn(f"W&B: going online failed ({reason(error)}); this run is kept offline")
                _unreachable.append(self.project)
                wandb.teardown()  # the half-opened run would hold the id
                wandb.setup(settings=wandb.Settings(silent=True))
        return wandb.init(mode="offline", **given)

    def _settings(self) -> Any:  # noqa: ANN401 - wandb.Settings
        wanted: dict[str, Any] = {
            "silent": True,
            "console": "off",  # the run's log is kept by vlrb; W&B must not take over stdout
            "save_code": False,
            "disable_git": True,
            "init_timeout": self.timeout,
            "login_timeout": self.timeout,
            "finish_timeout": max(10 * self.timeout, 60.0),  # uploads may take longer than an answer
            "finish_timeout_raises": True,
            "x_disable_stats": not self.system,
            "x_disable_meta": not self.system,
        }
        known = wandb.Settings.model_fields  # settings come and go with versions
        return wandb.Settings(**{key: value for key, value in wanted.items() if key in known})


def say_how_to_sync(folder: Path) -> None:
    """Say where an offline run lies and which command uploads it."""
    say(f"W&B: offline; upload it with: wandb sync {folder}", style="dim")
