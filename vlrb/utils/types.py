"""Check plain configuration values against type annotations: `k: five` is an error, not a crash later."""

import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from vlrb.utils.errors import ConfigError
from vlrb.utils.suggest import did_you_mean


def check_value(value: Any, annotation: Any, key: str) -> None:  # noqa: ANN401 - any value and annotation
    """Raise ConfigError unless `value` fits `annotation` (annotations that are not plain types are let through).

    >>> check_value(5, int, "router.k")
    >>> check_value("five", int, "router.k")
    Traceback (most recent call last):
    ...
    vlrb.utils.errors.ConfigError: router.k must be a whole number, not 'five'
    """
    if fits(value, annotation):
        return
    if get_origin(annotation) is Literal and isinstance(value, str):
        raise ConfigError(f"{key}={value}: no such choice", did_you_mean(value, map(str, get_args(annotation))))
    raise ConfigError(f"{key} must be {describe(annotation)}, not {value!r}")


def fits(value: Any, annotation: Any) -> bool:  # noqa: ANN401 - one line per kind of annotation
    """Return whether a plain value fits an annotation; whole numbers are numbers, booleans are not."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation is Any or annotation is None or annotation is type(None):
        return annotation is Any or value is None
    if origin is Literal:
        return value in inner and type(value) in {type(i) for i in inner}
    if origin in (Union, types.UnionType):
        return any(fits(value, option) for option in inner)
    if annotation is bool:
        return isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if annotation is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if annotation is str:
        return isinstance(value, str)
    container = origin or annotation
    if isinstance(container, type) and issubclass(container, Mapping):
        return isinstance(value, Mapping) and (len(inner) != 2 or all(fits(v, inner[1]) for v in value.values()))
    if isinstance(container, type) and issubclass(container, Sequence):
        return _fits_sequence(value, inner)
    return True


def _fits_sequence(value: Any, inner: tuple[Any, ...]) -> bool:  # noqa: ANN401 - any value
    if isinstance(value, str) or not isinstance(value, Sequence):
        return False
    items = [i for i in inner if i is not Ellipsis]
    if len(items) == 1:
        return all(fits(v, items[0]) for v in value)
    return True


def describe(annotation: Any) -> str:  # noqa: ANN401 - any annotation
    """Return an annotation in words.

    >>> describe(int | None)
    'a whole number or null'
    """
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "null"}
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in words:
        return words[annotation]
    if origin is Literal:
        return "one of " + ", ".join(map(str, inner))
    if origin in (Union, types.UnionType):
        return " or ".join(describe(i) for i in inner)
    container = origin or annotation
    if isinstance(container, type) and issubclass(container, Mapping):
        return "a mapping"
    if isinstance(container, type) and issubclass(container, Sequence):
        return "a list" + (f" (each {describe(inner[0])})" if inner else "")
    return str(annotation)
