"""Names of runs in one table: as short as they can be while telling the runs apart."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from vlrb.evaluation.runs import Run
from vlrb.utils.instantiate import TARGET

TOLD_ALREADY = ("router_name", "seed", "lambda.value")
WITHOUT_MEANING = ("paths.", "logger.", "build", "overwrite", "strict", "objective", "trainer.devices", "trainer.accel")
ENCODER_PARTS = ("text", "vision", "fusion")
BACKBONE = "backbone"  # an encoder that is trained with its router has this part
MOST_WORDS = 3
LONGEST_VALUE = 28
_NAMING_KEYS = ("name", "model", "path")  # what says best which thing a config node builds; then its class


def run_names(runs: Sequence[Run], *, name_seeds: bool = True) -> list[str]:
    """Return `router λ=…` for each run, with the seed and then differing settings added where names would be equal.

    Operating points have `μ=…` or `budget …` in the place of λ. The parts of the encoder are named wherever they differ
    in the table, also beside another router: which features a router saw is no detail. Re-priced runs are marked where
    runs trained under the table's prices stand beside them.

    Args:
        runs: The runs.
        name_seeds: Whether seeds may be named; False where each run stands for all its seeds.
    """
    several_seeds = name_seeds and len({run.seed for run in runs}) > 1
    mixed = len({run.repriced_from is None for run in runs}) > 1
    parts = _encoder_words(runs)
    names = []
    for run, encoder in zip(runs, parts, strict=True):
        seed = f" s{run.seed}" if several_seeds else ""
        other = " re-priced" if mixed and run.repriced_from else ""
        names.append(f"{run.router} {run.setting}{seed}{other}" + (f" {encoder}" if encoder else ""))
    twins: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        twins[name].append(place)
    for places in (p for p in twins.values() if len(p) > 1):
        settings = [flat(runs[place].config) for place in places]
        words = differences(settings)
        for place, word in zip(places, words, strict=True):
            told = word if words.count(word) == 1 else f"{word} {runs[place].folder.name[-8:]}".strip()
            names[place] += f" {told}"
    return names


def differences(settings: Sequence[Mapping[str, str]], most: int = MOST_WORDS) -> list[str]:
    """Return, for each of several settings, words for the values that differ between them.

    A node of the configuration that builds different things is one word, its name; what else differs inside it only
    because it builds something else is left out.

    >>> differences([{"router.k": "5", "router.rule": "vote"}, {"router.k": "7", "router.rule": "vote"}])
    ['k=5', 'k=7']
    >>> differences([{"encoder.fusion._target_": "a.ConcatFusion"},
    ...              {"encoder.fusion._target_": "a.AverageFusion", "encoder.fusion.project": "8"}])
    ['fusion=concat', 'fusion=average']
    """
    keys = sorted({key for s in settings for key in s})
    differing = [k for k in keys if len({s.get(k) for s in settings}) > 1 and not k.startswith(WITHOUT_MEANING)]
    columns: dict[str, list[str]] = {}
    for key in (k for k in differing if k not in TOLD_ALREADY):
        node = key.rpartition(".")[0]
        called = [_called(s, node) for s in settings]
        if len(set(called)) > 1:
            columns.setdefault(node, [name or "–" for name in called])
        if not key.endswith(TARGET) and _varies(settings, key, called):
            columns[key] = [_short(s.get(key)) for s in settings]
    shown = list(columns)[:most]
    titles = _titles(shown)
    return [" ".join(f"{titles[key]}={columns[key][i]}" for key in shown) for i in range(len(settings))]


def _encoder_words(runs: Sequence[Run]) -> list[str]:
    """Return words for what the encoders differ in: frozen ones by their parts, backbones by their names.

    Each kind is told apart among its own runs; a backbone's frozen parts serve its training alone and are not named.
    """
    encoders = [run.config.get("encoder") or {} for run in runs]
    backbones = [str(encoder["name"]) if BACKBONE in encoder else "" for encoder in encoders]
    words = backbones if len(set(filter(None, backbones))) > 1 else [""] * len(runs)
    prefixes = tuple(f"encoder.{part}." for part in ENCODER_PARTS)
    settings = [{k: v for k, v in flat(run.config).items() if k.startswith(prefixes)} for run in runs]
    frozen = [place for place, found in enumerate(settings) if found and not backbones[place]]
    for place, word in zip(frozen, differences([settings[p] for p in frozen]), strict=True):
        words[place] = word
    return words


def _varies(settings: Sequence[Mapping[str, str]], key: str, called: Sequence[str | None]) -> bool:
    """Return whether a value differs between settings whose node builds the same thing."""
    values: dict[str | None, set[str | None]] = defaultdict(set)
    for setting, name in zip(settings, called, strict=True):
        values[name].add(setting.get(key))
    return any(len(found) > 1 for found in values.values())


def _called(setting: Mapping[str, str], node: str) -> str | None:
    """Return what a node of a flat configuration builds: its name, model or file, else its class; None if nothing.

    >>> _called({"encoder.text._target_": "vlrb.encoders.text.hashed.HashedNgrams"}, "encoder.text")
    'hashed_ngrams'
    """
    target = setting.get(f"{node}.{TARGET}")
    if target is None:
        return None
    for key in _NAMING_KEYS:
        value = setting.get(f"{node}.{key}")
        if value not in (None, "None"):
            return _short(PurePath(str(value)).name.removesuffix(".parquet"))
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", target.rpartition(".")[2]).lower()
    return _short(words.removesuffix(f"_{node.rpartition('.')[2]}"))


def _titles(keys: Sequence[str]) -> dict[str, str]:
    """Return the last part of each key (of a name: what is named), with the part before it where that is said twice."""
    parts = [key.removesuffix(".name").split(".") for key in keys]
    last = [part[-1] for part in parts]
    return {
        key: ".".join(part[-2:]) if last.count(part[-1]) > 1 else part[-1]
        for key, part in zip(keys, parts, strict=True)
    }


def _short(value: str | None) -> str:
    """Return a value as a word of a name: as YAML writes it, and not longer than a name can bear."""
    if value is None:
        return "–"
    word = {"None": "null", "True": "true", "False": "false"}.get(value, value).replace(" ", "")
    return word if len(word) <= LONGEST_VALUE else f"{word[: LONGEST_VALUE - 1]}…"


def flat(value: Any, prefix: str = "") -> dict[str, str]:  # noqa: ANN401 - any plain config
    """Return the leaves of a nested config as text by dotted key.

    >>> flat({"router": {"k": 5, "hidden": [2, 3]}})
    {'router.k': '5', 'router.hidden': '[2, 3]'}
    """
    if not isinstance(value, Mapping):
        return {prefix.rstrip("."): str(value)}
    found: dict[str, str] = {}
    for key, inner in value.items():
        found |= flat(inner, f"{prefix}{key}.")
    return found
