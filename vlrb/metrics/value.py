"""A figure that may be undefined, with the reason."""

import math
from typing import NamedTuple


class Value(NamedTuple):
    """A number, or None and why there is none."""

    value: float | None
    reason: str | None = None


def undefined(reason: str) -> Value:
    """Return an undefined figure.

    >>> undefined("no samples")
    Value(value=None, reason='no samples')
    """
    return Value(None, reason)


def number(value: float) -> float | None:
    """Return a finite float for JSON, None for NaN and infinities.

    >>> number(0.5), number(float("nan"))
    (0.5, None)
    """
    value = float(value)
    return value if math.isfinite(value) else None
