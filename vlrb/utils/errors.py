"""Errors that a user can act on: one clear message, no traceback unless asked for."""


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
