"""Names of runs in one table: as short as they can be while telling the runs apart."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from vlrb.evaluation.runs import Run

TOLD_ALREADY = ("router_name", "seed", "lambda.value")
WITHOUT_MEANING = ("paths.", "logger.", "build", "overwrite", "strict", "objective", "trainer.devices", "trainer.accel")


def run_names(runs: Sequence[Run]) -> list[str]:
    """Return `router λ=…` for each run, with the seed and then differing settings added where names would be equal.

    Operating points have `μ=…` or `budget …` in the place of λ. Re-priced runs are marked where runs that
    were trained under the table's prices stand beside them.
    """
    several_seeds = len({run.seed for run in runs}) > 1
    mixed = len({run.repriced_from is None for run in runs}) > 1
    names = []
    for run in runs:
        seed = f" s{run.seed}" if several_seeds else ""
        other = " re-priced" if mixed and run.repriced_from else ""
        names.append(f"{run.router} {run.setting}{seed}{other}")
    twins: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        twins[name].append(place)
    for places in (p for p in twins.values() if len(p) > 1):
        settings = [flat(runs[place].config) for place in places]
        for place, words in zip(places, differences(settings), strict=True):
            names[place] += f" {words or runs[place].folder.name[-8:]}"
    return names


def differences(settings: Sequence[Mapping[str, str]], most: int = 2) -> list[str]:
    """Return, for each of several settings, the values that differ between them.

    >>> differences([{"router.k": "5", "router.rule": "vote"}, {"router.k": "7", "router.rule": "vote"}])
    ['k=5', 'k=7']
    """
    keys = sorted({key for s in settings for key in s})
    differing = [k for k in keys if len({s.get(k) for s in settings}) > 1 and not k.startswith(WITHOUT_MEANING)]
    shown = [k for k in differing if k not in TOLD_ALREADY][:most]
    return [" ".join(f"{key.rpartition('.')[2]}={s.get(key, '–')}" for key in shown) for s in settings]


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
