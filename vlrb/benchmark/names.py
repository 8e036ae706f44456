"""Names that become file or folder names."""

import re

from vlrb.utils.errors import ConfigError

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def is_name(name: str) -> bool:
    """Return whether `name` can be a file name everywhere."""
    return _SAFE.fullmatch(name) is not None


def check_name(name: str, kind: str) -> str:
    """Return `name` if it can be a file name everywhere, else raise ConfigError.

    >>> check_name("vl_routerbench_2025", "price book")
    'vl_routerbench_2025'
    """
    if not is_name(name):
        raise ConfigError(f"{kind} name {name!r} cannot be a file name", "use letters, digits, '.', '_' and '-'")
    return name
