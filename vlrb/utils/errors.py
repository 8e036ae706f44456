"""Errors that a user can act on: one clear message, no traceback unless asked for."""

import errno

# What the machine refuses, not the program's fault: full disk, quota, read-only or protected places.
_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


class VlrbError(Exception):
    """A problem with input, configuration or a folder that the user can fix.

    Args:
        message: What is wrong, naming the file, row or key and the reason.
        hint: What to do about it (optional, printed on its own line).
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  → {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[type["VlrbError"], tuple[str, str]]:
        # Launchers send exceptions between processes; the default reduce would drop the hint.
        return type(self), (self.message, self.hint)


class ConfigError(VlrbError):
    """An unknown key or option, a value of the wrong type, or an impossible combination."""


class DataError(VlrbError):
    """A log, picture or table that cannot be read rightly."""


class StateError(VlrbError):
    """A folder on disk that does not fit what was asked (other data, half written, locked)."""


def refused_by_system(error: BaseException) -> str | None:
    """Return a refusal of the operating system in words (full disk, no permission); None for any other error.

    >>> refused_by_system(OSError(errno.ENOSPC, "No space left on device", "Y.npy"))
    'Y.npy: no space left on device'
    >>> refused_by_system(ValueError("no"))
    """
    if not isinstance(error, OSError) or error.errno not in _REFUSALS:
        return None
    reason = str(error.strerror or error)
    reason = reason[:1].lower() + reason[1:]
    return f"{error.filename}: {reason}" if error.filename else reason
