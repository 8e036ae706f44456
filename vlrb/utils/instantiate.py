"""Build the object that a config node names, after checking its keys and value types against the constructor."""

import importlib
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from vlrb.utils.errors import ConfigError
from vlrb.utils.suggest import did_you_mean
from vlrb.utils.types import check_value

TARGET = "_target_"


def build(node: Mapping[str, Any], key: str, **given: Any) -> Any:  # noqa: ANN401 - whatever the node names
    """Build the object of one config node; nested nodes with a `_target_` are built first.

    Args:
        node: Plain mapping with `_target_` (dotted path) and constructor arguments.
        key: Where the node sits in the configuration, for error messages (e.g. "router").
        given: Arguments that the program supplies; they win over the node's.

    Raises:
        ConfigError: The target cannot be imported, a key is unknown, or a value has the wrong type.
    """
    target = locate(str(node[TARGET]), key)
    arguments = {name: _nested(value, f"{key}.{name}") for name, value in node.items() if name != TARGET}
    check_arguments(target, arguments, key, set(given))
    try:
        return target(**{**arguments, **given})
    except ModuleNotFoundError as error:  # an optional package that only this option needs
        raise ConfigError(f"{key}: {str(error).splitlines()[0]}", "install it, or choose another option") from error


def _nested(value: Any, key: str) -> Any:  # noqa: ANN401 - any plain value
    if isinstance(value, Mapping) and value.get(TARGET):
        return build(value, key)
    return value


def locate(path: str, key: str) -> Callable[..., Any]:
    """Import a dotted path such as ``vlrb.routers.mlp.MLPRouter``."""
    module_name, _, name = path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and not module_name.startswith(error.name):
            raise ConfigError(f"{key} needs the package {error.name!r}", f"pip install {error.name}") from error
        raise ConfigError(f"{key}._target_={path}: no module {module_name!r}") from error
    try:
        return typing.cast("Callable[..., Any]", getattr(module, name))
    except AttributeError as error:
        public = [n for n in vars(module) if n[0].isupper()]
        raise ConfigError(f"{key}._target_={path}: no {name!r} in it", did_you_mean(name, public)) from error


def check_arguments(target: Callable[..., Any], arguments: Mapping[str, Any], key: str, given: set[str]) -> None:
    """Raise ConfigError for an unknown key, a missing argument or a value of the wrong type."""
    parameters = inspect.signature(target).parameters
    named = [n for n, p in parameters.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for name in arguments:
        if name not in named and not open_ended:
            raise ConfigError(f"unknown key '{key}.{name}'", did_you_mean(name, [n for n in named if n not in given]))
    for name, parameter in parameters.items():
        needed = parameter.default is parameter.empty and parameter.kind in (
            parameter.POSITIONAL_OR_KEYWORD,
            parameter.KEYWORD_ONLY,
        )
        if needed and name not in arguments and name not in given:
            raise ConfigError(f"{key}.{name} has no value", f"give it: {key}.{name}=…")
    hints = _hints(target)
    for name, value in arguments.items():
        if name in hints and name not in given:
            check_value(value, hints[name], f"{key}.{name}")


def _hints(target: Callable[..., Any]) -> dict[str, Any]:
    function = target.__init__ if inspect.isclass(target) else target  # type: ignore[misc]
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError):  # annotations of other libraries may need names that exist only for type checkers
        return {}
