"""Composition errors in words a person can act on: which key or option is wrong, and the nearest valid one."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vlrb.utils.errors import ConfigError
from vlrb.utils.help import config_groups
from vlrb.utils.launchers import check_option
from vlrb.utils.suggest import nearest

NOT_IN_STRUCT = re.compile(r"Could not override '([^']+)'|Key '([^']+)' is not in struct")
NO_MATCH = re.compile(r"Could not override '([^']+)'[.\s]*\s*No match in the defaults list")
MISSING_OPTION = re.compile(r"(?:Could not find|Unable to find|could not load) '([^']+)'", re.IGNORECASE)


def explain(error: Exception, script: str, root: Path, overrides: Sequence[str] = ()) -> ConfigError:
    """Return a ConfigError for an error raised while composing.

    Args:
        error: What Hydra or OmegaConf raised.
        script: train, evaluate or build_data.
        root: The project folder.
        overrides: What was asked; the valid keys depend on the chosen options.
    """
    text = " ".join(str(error).split())
    option = _missing_option(text, root)
    if option is not None:
        return option
    key = _bad_key(text)
    if key is not None:
        return _unknown_key(key, known_keys(script, root, overrides), script)
    ambiguous = re.search(r"Ambiguous value for argument '([^']+)'", text)
    if ambiguous:
        return ConfigError(f"{ambiguous.group(1)} is a list of values", "add -m to sweep over them, or write key=[a,b]")
    missing = re.search(r"Missing mandatory value: (\S+)", text)
    if missing:
        name = missing.group(1)
        return ConfigError(f"{name} has no value yet", f"give it: {name}=…")
    return ConfigError(text.split(" See https")[0])


def _unknown_key(key: str, known: set[str], script: str) -> ConfigError:
    parent = key.rpartition(".")[0]
    siblings = sorted(k for k in known if k.rpartition(".")[0] == parent)
    elsewhere = [k for k in sorted(known) if "." in k and k.rpartition(".")[2] == key.rpartition(".")[2]]
    best = elsewhere[0] if len(elsewhere) == 1 else nearest(key, known)
    valid = f"valid: {', '.join(siblings)}" if siblings else f"all keys: python {script}.py --cfg job"
    return ConfigError(f"unknown key '{key}'", f"did you mean '{best}'? {valid}" if best else valid)


def _missing_option(text: str, root: Path) -> ConfigError | None:
    found = MISSING_OPTION.search(text)
    if found is None or "/" not in found.group(1):
        return None
    group, _, value = found.group(1).rpartition("/")
    if (plugin := check_option(group, value)) is not None:
        return plugin
    folder = root / ("multirun_presets" if group == "preset" else "conf") / group
    options = sorted(p.stem for p in folder.glob("*.yaml"))
    best = nearest(value, options)
    valid = ", ".join(options) if options else "none"
    hint = (f"did you mean '{best}'? " if best else "") + f"valid: {valid}"
    return ConfigError(f"{group.replace('/', '.')}={value}: no such option", hint)


def _bad_key(text: str) -> str | None:
    found = NO_MATCH.search(text) or NOT_IN_STRUCT.search(text)
    if found is None:
        return None
    return next(group for group in found.groups() if group)


def known_keys(script: str, root: Path, overrides: Sequence[str] = ()) -> set[str]:
    """Return every key (dotted) of the configuration with the given group choices, and every group name."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf

    groups = {name for name, _ in config_groups(script, root / "conf")}
    choices = [word for word in overrides if word.partition("=")[0] in groups and "," not in word]
    GlobalHydra.instance().clear()
    with initialize_config_dir(config_dir=str(root / "conf"), version_base="1.3"):
        try:
            config = compose(script, overrides=choices)
        except HydraException:  # one of the choices is the very mistake
            config = compose(script)
    return set(flatten(OmegaConf.to_container(config, resolve=False))) | groups


def flatten(value: Any, prefix: str = "") -> Iterable[str]:  # noqa: ANN401 - any plain config
    """Yield the dotted keys of nested mappings.

    >>> list(flatten({"a": {"b": 1}, "c": 2}))
    ['a', 'a.b', 'c']
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            name = f"{prefix}{key}"
            yield name
            yield from flatten(inner, f"{name}.")
