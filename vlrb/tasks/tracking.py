"""From a job to its tracker: `logger=csv|tensorboard|wandb`, or any logger of Lightning's by its dotted path."""

import importlib.util
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig

from vlrb.tasks.jobs import in_sweep
from vlrb.tracking.card import Context, make_card
from vlrb.utils.config import Plain
from vlrb.utils.errors import ConfigError
from vlrb.utils.instantiate import TARGET, build, check_arguments, locate

if TYPE_CHECKING:
    from lightning.pytorch.callbacks import Callback

    from vlrb.report.leaderboard import Leaderboard
    from vlrb.tracking.tracker import Tracker


class Tracking:
    """The tracker of a job, or none.

    Args:
        tracker: The tracker; None for `logger=none`.
    """

    def __init__(self, tracker: "Tracker | None") -> None:
        self.tracker = tracker

    @property
    def logger(self) -> Any:  # noqa: ANN401 - what Trainer takes
        """Logger for the Trainer; False without one."""
        return self.tracker or False

    @property
    def callbacks(self) -> "list[Callback]":
        """Callbacks for the Trainer."""
        return [] if self.tracker is None else self.tracker.callbacks

    def results(self, folder: Path, metrics: Mapping[str, Any], board: "Leaderboard") -> None:
        """Record what the run came to, its files written."""
        if self.tracker is not None:
            from vlrb.tracking.tracker import Results

            self.tracker.results(lambda: Results(folder, metrics, board))


@contextmanager
def tracking(config: Plain, folder: Path, data: Mapping[str, Any], *, resumed: bool) -> Iterator[Tracking]:
    """Yield the tracker of a job, begun; it is ended when the block ends, as failed if that raises.

    Args:
        config: The job's config.
        folder: The run folder.
        data: `data.json` of the run.
        resumed: Whether training goes on after a stored epoch.
    """
    tracker = make_tracker(config, folder)
    if tracker is None:
        yield Tracking(None)
        return
    tracker.begin(make_card(config, data, context()), resumed=resumed)
    try:
        yield Tracking(tracker)
    except BaseException:  # an interruption, too, is no success
        tracker.end(failed=True)
        raise
    tracker.end(failed=False)


def make_tracker(config: Plain, folder: Path) -> "Tracker | None":
    """Build the tracker that a config names, for a run folder; None for `logger=none`."""
    node = config["logger"]
    if not node.get(TARGET):
        return None
    from vlrb.tracking.tracker import Tracker

    target = locate(str(node[TARGET]), "logger")
    if inspect.isclass(target) and issubclass(target, Tracker):
        knows = "in_sweep" in inspect.signature(target).parameters
        tracker: Tracker = build(node, "logger", folder=folder, **({"in_sweep": in_sweep()} if knows else {}))
        return tracker
    from vlrb.tracking.tensorboard import LoggerTracker

    given = {"save_dir": str(folder)} if "save_dir" in inspect.signature(target).parameters else {}
    return LoggerTracker(folder, build(node, "logger", **given))


def check_logger(config: Plain) -> None:
    """Find mistakes in the logger's settings, and packages that it needs, before any work is done.

    Raises:
        ConfigError: A key is unknown, a value has the wrong type, or a package is not installed.
    """
    node = config["logger"]
    if not node.get(TARGET):
        return
    target: Callable[..., Any] = locate(str(node[TARGET]), "logger")
    for package, install in getattr(target, "needs", {}).items():
        if importlib.util.find_spec(package) is None:
            raise ConfigError(f"this logger needs the package {package!r}", install)
    settings = {key: value for key, value in node.items() if key != TARGET}
    check_arguments(target, settings, "logger", {"folder", "save_dir", "in_sweep"})


def context() -> Context:
    """Return where in the command this job stands."""
    if not HydraConfig.initialized():
        return Context()
    hydra = HydraConfig.get()
    preset = hydra.runtime.choices.get("preset")
    overrides: Sequence[str] = list(hydra.overrides.task)
    if not in_sweep():
        return Context(None, preset, overrides)
    chosen = [hydra.sweeper.get("params") or {}, *(hydra.sweeper.get("parts") or [])]
    swept = [f"{key}={value}" for part in chosen for key, value in part.items()]
    sweep = Path(str(hydra.sweep.dir))
    return Context(sweep, preset, overrides, [*swept, *_command(sweep)])


def _command(sweep: Path) -> list[str]:
    """Return the words of the sweep's command, from its record."""
    from vlrb.schema import SWEEP_FILE
    from vlrb.utils.sweeps import read_record

    return [str(w) for w in read_record(sweep).get("command", [])] if (sweep / SWEEP_FILE).is_file() else []
