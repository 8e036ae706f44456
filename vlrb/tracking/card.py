"""Who a run is to a tracker: an id that stays, a name that reads, its group, tags and settings."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from vlrb.utils.config import identity, number_text
from vlrb.utils.fingerprint import canonical

# What says where things lie on this machine, or belongs to the tracker itself, is no setting of an experiment.
LEFT_OUT: Final = re.compile(r"(?:^|/)(?:root|truth|table|pictures)$|^(?:paths|logger|build|overwrite|strict)(?:/|$)")
TOLD: Final = ("router", "lambda", "lambda.value", "seed", "dataset", "preset")  # in the name or the tags already
LONGEST_TAG: Final = 64
LONGEST_ID: Final = 64
SEVERAL: Final = re.compile(r",|^(?:range|choice|interval|glob)\(")


class Context(NamedTuple):
    """Where in a command a job stands.

    Attributes:
        sweep: The sweep's folder; None for a single run.
        preset: The preset's name; None without one.
        overrides: The job's own overrides.
        command: The overrides of the whole command and the sweeper's parameters, as `key=value`.
    """

    sweep: Path | None = None
    preset: str | None = None
    overrides: Sequence[str] = ()
    command: Sequence[str] = ()


class RunCard(NamedTuple):
    """A run as trackers show it.

    Attributes:
        id: Of the same config, seed and data always the same; letters, digits, dot, dash and underscore.
        name: E.g. `vlc λ=0.5 s1`, and what else the sweep varies.
        group: The sweep, or `<dataset>/<router>`.
        tags: Dataset, router, encoder, preset.
        config: Flat settings with keys like `router/k` (W&B takes a dot for nesting); without places on this machine.
        data: What the run saw: fingerprint, prices, bounds, numbers.
    """

    id: str
    name: str
    group: str
    tags: tuple[str, ...]
    config: dict[str, Any]
    data: dict[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        """Config and data in one flat mapping."""
        return {**self.config, **{f"data/{key}": value for key, value in self.data.items()}}


def make_card(config: Mapping[str, Any], data: Mapping[str, Any], context: Context) -> RunCard:
    """Return the card of a run.

    Args:
        config: The job's plain config.
        data: `data.json` of the run.
        context: Where in a command the job stands.
    """
    router, lam, seed = str(config["router_name"]), number_text(config["lambda"]["value"]), config["seed"]
    name = " ".join([router, f"λ={lam}", f"s{seed}", *varied(context)])
    dataset, encoder = str(config["dataset"]["name"]), config.get("encoder", {}).get("name")
    marks = [dataset, router, encoder, context.preset, "synthetic" if data.get("synthetic") else None]
    tags = tuple(dict.fromkeys(str(mark)[:LONGEST_TAG] for mark in marks if mark))
    return RunCard(
        id=run_id(router, lam, seed, identity(config), str(data["data_fingerprint"])),
        name=name,
        group=context.sweep.name if context.sweep is not None else f"{dataset}/{router}",
        tags=tags,
        config=flatten(config),
        data=_data_facts(data),
    )


def run_id(router: str, lam: str, seed: int, config: str, data: str) -> str:
    """Return an id that every tracker accepts and that other data or settings change.

    >>> run_id("my router", "0.5", 1, "61bac82e", "e00c4b8b81b5a5f6")
    'my-router-0.5-s1-61bac82e-e00c4b'
    """
    end = f"-{lam}-s{seed}-{config}-{data[:6]}"
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", router)[: LONGEST_ID - len(end)] + end


def varied(context: Context) -> list[str]:
    """Return `key=value` for what the command varies besides router, λ and seed.

    >>> varied(Context(overrides=["router=knn", "router.k=5", "trainer=cpu"],
    ...                command=["router=knn,mlp", "router.k=5,7", "trainer=cpu"]))
    ['k=5']
    """
    pairs = [word.lstrip("+").partition("=") for word in context.command]
    several = {key.replace("/", ".") for key, _, value in pairs if SEVERAL.search(value)}
    words = []
    for word in context.overrides:
        key, _, value = word.lstrip("+").partition("=")
        if (dotted := key.replace("/", ".")) in several and dotted not in TOLD:
            words.append(f"{dotted.rpartition('.')[2]}={value}")
    return words


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested config as one level of keys; plain values and lists of them stay, infinities are words.

    >>> flatten({"router": {"k": 5, "root": "/data"}, "lambda": {"value": float("inf")}, "paths": {"data_dir": "/d"}})
    {'router/k': 5, 'lambda/value': 'inf'}
    """
    found: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        if LEFT_OUT.search(name):
            continue
        if isinstance(value, Mapping):
            found |= flatten(value, f"{name}/")
        elif isinstance(value, float) and not math.isfinite(value):
            found[name] = canonical(value)
        else:
            found[name] = value
    return found


def _data_facts(data: Mapping[str, Any]) -> dict[str, Any]:
    bounds = data.get("bounds", {})
    return {
        "fingerprint": data["data_fingerprint"],
        "pricing": data.get("pricing"),
        "pricing_date": data.get("pricing_date"),
        "samples": data.get("samples"),
        "models": len(data["model_ids"]),
        "datasets": len(data["dataset_groups"]),
        "synthetic": bool(data["synthetic"]),
        "cost_min": bounds.get("cmin"),
        "cost_max": bounds.get("cmax"),
    }
