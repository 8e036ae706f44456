"""What became of the jobs of one call, so that the script can set its exit code after Hydra is done."""

from dataclasses import dataclass, field


@dataclass
class Outcome:
    """Reasons of failed jobs; a sweep's jobs may have run in other processes and are added from its record."""

    failures: list[str] = field(default_factory=list)

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
