"""Rewrite what a person types into what Hydra understands, on Hydra's own override parser.

Three things would otherwise fail: ``lambda=0.5`` (``lambda`` is a config group, so a number is refused),
``encoder.text=bge_m3`` (a subgroup written with a dot), and paths with characters that need quoting.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vlrb.utils.errors import ConfigError
from vlrb.utils.suggest import nearest

# Values of these keys are paths or expressions: taken literally, whatever characters they hold.
LITERAL_KEYS = (
    "run",
    "runs",
    "compare",
    "route",
    "out",
    "fail_if",
    "export_dir",
    "dataset.root",
    "dataset.source.table",
    "dataset.source.pictures",
    "encoder.text.path",
    "encoder.text.model",
    "encoder.text.prefix",
    "encoder.vision.path",
    "encoder.vision.model",
    "encoder.vision.checkpoint",
    "encoder.backbone.model",
    "encoder.backbone.text.model",
    "encoder.backbone.tower.model",
    "paths.data_dir",
    "paths.runs_dir",
)
SUBGROUPS = ("encoder.text", "encoder.vision", "encoder.fusion", "encoder.training")
FLAGS_WITH_VALUE = ("--cfg", "-c", "--package", "-p", "--config-name", "-cn", "--config-dir", "-cd", "--config-path")


def split_flags(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate flags (with their values) from overrides, so that flags may stand anywhere.

    >>> split_flags(["router=knn", "-m", "--cfg", "job", "lambda=0,1"])
    (['-m', '--cfg', 'job'], ['router=knn', 'lambda=0,1'])
    """
    flags: list[str] = []
    overrides: list[str] = []
    items = iter(argv)
    for item in items:
        if item in FLAGS_WITH_VALUE:
            flags += [item, next(items, "")]
        elif item.startswith("-"):
            flags.append(item)
        else:
            overrides.append(item)
    return flags, overrides


def rewrite_overrides(overrides: Sequence[str], conf: Path) -> list[str]:
    """Apply all rules to a list of overrides.

    Args:
        overrides: Words such as ``router=knn`` or ``lambda=0,0.5``.
        conf: The config folder (its ``lambda`` folder gives the named trade-offs).

    Raises:
        ConfigError: A word is no override, or a λ is neither a number nor a known name.
    """
    return [_rewrite(word, conf) for word in overrides]


def _rewrite(word: str, conf: Path) -> str:
    if "=" not in word and not word.startswith("~"):
        raise ConfigError(f"{word!r} is not an override", "write key=value, e.g. router=knn lambda=0.5")
    key, _, value = word.partition("=")
    bare = key.lstrip("+~")
    if bare in LITERAL_KEYS:
        return f"{key}={quoted(value)}"
    if bare == "lambda":
        return _rewrite_lambda(key, value, conf)
    if bare in SUBGROUPS and value != "null":
        return f"{key.replace('.', '/')}={value}"
    return word


def quoted(value: str) -> str:
    """Quote a literal value for Hydra's grammar (`null` and a value that is already quoted are left alone).

    >>> quoted("a b,c"), quoted("null")
    ("'a b,c'", 'null')
    """
    already = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    if already or value in ("", "null"):
        return value
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", value)
    trailing = len(escaped) - len(escaped.rstrip("\\"))
    return f"'{escaped}{chr(92) * trailing}'"


def _rewrite_lambda(key: str, value: str, conf: Path) -> str:
    """Turn a numeric ``lambda=…`` (number, list, range, interval, choice) into ``lambda.value=…``."""
    names = sorted(path.stem for path in (conf / "lambda").glob("*.yaml"))
    members = _members(f"{key}={value}", names)
    known = [m for m in members if isinstance(m, str) and m in names]
    if members and len(known) == len(members):
        return f"{key}={value}"
    unknown = [m for m in members if not _is_number(m) and m not in names]
    if unknown or not members:
        shown = str(unknown[0]) if unknown else value
        valid = "a number ≥ 0, inf, or one of " + ", ".join(names)
        best = nearest(shown, names)
        hint = (f"did you mean '{best}'? " if best else "") + f"valid: {valid}"
        raise ConfigError(f"lambda={value}: {shown!r} is not a trade-off", hint)
    if known:
        raise ConfigError(f"lambda={value} mixes names and numbers", "sweep over numbers only, e.g. lambda=0,0.5,1")
    return f"{key}.value={value}"


def _is_number(value: Any) -> bool:  # noqa: ANN401 - any parsed value
    return isinstance(value, int | float) and not isinstance(value, bool)


def _members(word: str, names: Sequence[str]) -> list[Any]:
    """Return the values that an override stands for, as Hydra's grammar reads them."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import ChoiceSweep, Glob, IntervalSweep, QuotedString, RangeSweep
    from hydra.errors import HydraException

    try:
        parsed = OverridesParser.create().parse_override(word)
    except HydraException as error:
        raise ConfigError(f"cannot read {word!r}", "e.g. lambda=0.5 or lambda=0,0.5,1") from error
    value = parsed.value()
    if isinstance(value, ChoiceSweep):
        return [m.text if isinstance(m, QuotedString) else m for m in value.list]
    if isinstance(value, RangeSweep):
        return [value.start, value.stop]
    if isinstance(value, IntervalSweep):
        return [value.start, value.end]
    if isinstance(value, Glob):
        return value.filter(list(names))
    return [value.text if isinstance(value, QuotedString) else value]
