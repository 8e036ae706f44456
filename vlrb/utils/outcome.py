"""What became of the jobs of one call, so that the script can set its exit code after Hydra is done."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from omegaconf import DictConfig


class Plan(NamedTuple):
    """What a sweep is about to run.

    Attributes:
        jobs: How many jobs.
        varying: Keys whose values differ between them.
    """

    jobs: int
    varying: tuple[str, ...] = ()


class Progress(Protocol):
    """Tells how a sweep goes on, in the process that started it."""

    def begin(self, plan: Plan, first: "DictConfig") -> None:
        """Take note of what is about to run; `first` is the config of the first job."""

    def tell(self) -> None:
        """Print a line for each job that has ended since the last call."""

    def close(self) -> None:
        """Tell the rest; nothing is printed afterwards."""

    def broken_off(self) -> None:
        """Say what was finished when the sweep ended early."""


@dataclass
class Outcome:
    """Reasons of failed jobs; a sweep's jobs may have run in other processes and are added from its record.

    Attributes:
        failures: Reasons of failed jobs.
        progress: Of the running sweep, if this process started one.
    """

    failures: list[str] = field(default_factory=list)
    progress: Progress | None = None

    def exit_code(self) -> int:
        """Return 1 if any job failed."""
        return 1 if self.failures else 0


_current = Outcome()


def start() -> Outcome:
    """Begin a call: forget earlier failures."""
    global _current
    _current = Outcome()
    return _current


def current() -> Outcome:
    """Return the outcome of the running call."""
    return _current
