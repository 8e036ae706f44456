"""Reading run folders: finished ones, whole, and only those that may stand in one table."""

import glob
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from vlrb.evaluation.decisions import read_decisions, read_outcomes, read_reference_names, read_references
from vlrb.evaluation.landscape import read_landscape
from vlrb.metrics.bounds import CostBounds
from vlrb.schema import CONFIG_FILE, DATA_FILE, DONE_FILE, FAILED_FILE, METRICS_FILE, SPLIT, SWEEP_FILE
from vlrb.utils.config import number_text
from vlrb.utils.errors import DataError, StateError
from vlrb.utils.files import read_json
from vlrb.utils.sweeps import FAILED, read_record

DATA_KEYS = ("dataset_name", "synthetic", "data_fingerprint", "bounds", "model_ids", "display_names", "dataset_groups")


@dataclass(frozen=True, eq=False)
class Run:
    """One finished run folder; its tables are read when first asked for.

    Args:
        folder: Where it lies.
        config: Its resolved configuration.
        metrics: `metrics.json`, flat `split/name` keys.
        data: `data.json`, which data it saw.
        done: `DONE`, what it was made of.
    """

    folder: Path
    config: dict[str, Any]
    metrics: dict[str, Any]
    data: dict[str, Any]
    done: dict[str, Any]

    @property
    def router(self) -> str:
        """Name of the router in tables."""
        return str(self.config["router_name"])

    @property
    def trade_off(self) -> float:
        """λ of the training targets."""
        return float(self.config["lambda"]["value"])

    @property
    def seed(self) -> int:
        """Training seed."""
        return int(self.config["seed"])

    @property
    def name(self) -> str:
        """Name of the run, e.g. `mlp λ=0.5 s0`."""
        return f"{self.router} {self.setting} s{self.seed}"

    @property
    def setting(self) -> str:
        """How it weighs cost: `λ=0.5` of the training, `μ=0.3` or `budget $0.2/1k` of an operating point."""
        if self.point is None:
            return f"λ={number_text(self.trade_off)}"
        if self.point["budget"] is None:
            return f"μ={number_text(self.trade_off)}"
        return f"budget ${number_text(1000 * self.point['budget'])}/1k"

    @property
    def point(self) -> dict[str, Any] | None:
        """How its trade-off was chosen after training: the trained run, μ, the budget in USD per query or null."""
        found: dict[str, Any] | None = self.data.get("point")
        return found

    @property
    def synthetic(self) -> bool:
        """Whether its data are synthetic."""
        return bool(self.data["synthetic"])

    @property
    def repriced_from(self) -> str | None:
        """Price book under which the decisions were made, if it is another than that of the figures."""
        found = self.data.get("repriced")
        return None if found is None else str(found["pricing"])

    @property
    def bounds(self) -> CostBounds:
        """Cost bounds of the Rank Score."""
        return CostBounds.from_plain(self.data["bounds"])

    def display_name(self, model_id: str) -> str:
        """Name of a model to show."""
        return str(self.data["display_names"].get(model_id, model_id))

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """The decision table, all evaluated splits."""
        return read_decisions(self.folder)

    @cached_property
    def references(self) -> pd.DataFrame:
        """Decisions of the reference routers, all evaluated splits."""
        return read_references(self.folder)

    @cached_property
    def reference_names(self) -> list[str]:
        """Names of the reference routers, in the order of their file."""
        return read_reference_names(self.folder)

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """The decision table without scores, all evaluated splits."""
        return read_outcomes(self.folder)

    @cached_property
    def landscape(self) -> dict[str, dict[str, Any]]:
        """Single models and, on synthetic data, the Bayes frontier, by split."""
        return read_landscape(self.folder)

    def decided(self, split: str) -> pd.DataFrame:
        """Return the decisions on one split, without scores.

        Raises:
            StateError: There are none.
        """
        table = self.outcomes[self.outcomes[SPLIT] == split].reset_index(drop=True)
        if table.empty:
            known = ", ".join(sorted(self.outcomes[SPLIT].unique())) or "none"
            raise StateError(f"{self.folder} has no decisions on split {split!r}", f"it has: {known}")
        return table


class Found(NamedTuple):
    """Finished runs and the folders that were passed over, each with the reason."""

    runs: list[Run]
    skipped: list[tuple[Path, str]]


def load_run(folder: Path, *, finished: bool = True) -> Run:
    """Read one run folder.

    Args:
        folder: The run folder.
        finished: Whether it must be finished; False is for the job that is about to finish it.

    Raises:
        StateError: It is no run, it failed, it is not finished, or a file is damaged.
    """
    folder = Path(folder)
    if not (folder / CONFIG_FILE).is_file() and not (folder / DONE_FILE).is_file():
        raise StateError(
            f"{folder} is not a run folder (no {CONFIG_FILE} in it)", "give a folder that train.py printed"
        )
    problem = unfinished(folder) if finished else None
    if problem:
        raise StateError(f"{folder}: {problem}", "run the same train.py command again")
    metrics, data = (_read(folder, name) for name in (METRICS_FILE, DATA_FILE))
    done = _read(folder, DONE_FILE) if finished else {}
    absent = [key for key in DATA_KEYS if key not in data]
    if absent:
        raise StateError(f"{folder / DATA_FILE}: no {', '.join(absent)}", "train this run again with overwrite=true")
    return Run(folder, _config(folder / CONFIG_FILE), metrics, data, done)


def unfinished(folder: Path) -> str | None:
    """Return why a run folder has no result to show, None if it has one."""
    if not (folder / DONE_FILE).is_file():  # a later failure beside DONE does not undo the result
        if (folder / FAILED_FILE).is_file():
            record = _read(folder, FAILED_FILE)
            return f"this run failed ({str(record.get('reason') or 'no reason recorded').splitlines()[0]})"
        return f"this run is not finished (no {DONE_FILE} in it)"
    missing = [name for name in (CONFIG_FILE, METRICS_FILE, DATA_FILE) if not (folder / name).is_file()]
    return f"{', '.join(missing)} is missing" if missing else None


def find_runs(where: str | Path) -> Found:
    """Find the finished runs that a path means: a run folder, a sweep folder, a folder that holds runs, or a glob.

    Raises:
        StateError: Nothing is there, or nothing finished.
    """
    text = str(where)
    matches = glob.glob(text, recursive=True) if glob.has_magic(text) else [text]  # noqa: PTH207 - may be absolute
    places = [Path(match) for match in sorted(matches)]
    if not places or not all(place.exists() for place in places):
        raise StateError(f"{text}: no such folder", "give a run, a sweep, a folder that holds runs, or a quoted glob")
    folders = [folder for place in places for folder in _folders(place)]
    runs: list[Run] = []
    skipped: list[tuple[Path, str]] = []
    for folder in {folder.resolve(): folder for folder in folders}.values():
        problem = unfinished(folder)
        if problem:
            skipped.append((folder, problem))
        else:
            runs.append(load_run(folder))
    if not runs:
        why = "; ".join(f"{folder.name}: {reason}" for folder, reason in skipped[:3]) or "no run folder in it"
        raise StateError(f"{text}: no finished run ({why})", "train.py prints the folder of each run as its last line")
    return Found(runs, skipped)


def _folders(place: Path) -> list[Path]:
    if (place / SWEEP_FILE).is_file():
        jobs = read_record(place)["jobs"]
        return [_sweep_run(place, Path(job["run"])) for job in jobs if job.get("run") and job["status"] != FAILED]
    if (place / CONFIG_FILE).is_file() or (place / DONE_FILE).is_file():
        return [place]
    return _outermost(path.parent for path in place.rglob(CONFIG_FILE)) if place.is_dir() else []


def _outermost(folders: Iterable[Path]) -> list[Path]:
    """Return the folders that lie in none of the others: a run that lies in another was made from it."""
    kept: set[Path] = set()
    for folder in sorted(folders):  # a folder comes before what is in it
        if kept.isdisjoint(folder.parents):
            kept.add(folder)
    return sorted(kept)


def _sweep_run(sweep: Path, recorded: Path) -> Path:
    """Return a sweep's run; runs that were moved together with their sweep are found beside it."""
    beside = sweep.resolve().parents[1] / recorded.parent.name / recorded.name
    return beside if beside.is_dir() else recorded


def check_comparable(runs: Sequence[Run]) -> None:
    """Refuse runs that saw different data, prices or cost bounds: their means must never share a table.

    Raises:
        StateError: Naming two runs and what differs.
    """
    first = runs[0]
    for other in runs[1:]:
        differing = _differences(first.data, other.data)
        if differing:
            raise StateError(
                f"not comparable: {first.folder} and {other.folder} differ in {', '.join(differing)}",
                "make one leaderboard for each",
            )


def _differences(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    if a["data_fingerprint"] == b["data_fingerprint"] and a["bounds"]["hash"] == b["bounds"]["hash"]:
        return []
    found = [f"{key} ({a.get(key)} / {b.get(key)})" for key in ("dataset_name", "pricing") if a.get(key) != b.get(key)]
    found += [word for key, word in (("model_ids", "models"),) if a[key] != b[key]]
    found += ["cost bounds"] if a["bounds"]["hash"] != b["bounds"]["hash"] else []
    parts_a, parts_b = a.get("parts", {}), b.get("parts", {})
    names = sorted(k for k in {*parts_a, *parts_b} - {"features"} if parts_a.get(k) != parts_b.get(k))
    found += [name for name in names if not any(name in word for word in found)]
    return found or ["data fingerprint"]


def _read(folder: Path, name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = read_json(folder / name)
    except DataError as error:
        raise StateError(error.message, "train this run again with overwrite=true") from error
    return found


def _config(path: Path) -> dict[str, Any]:
    try:
        config = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except (OSError, YAMLError, OmegaConfBaseException) as error:
        raise StateError(f"{path}: not a readable configuration ({error})") from error
    if not isinstance(config, dict) or not {"router_name", "lambda", "seed"} <= set(config):
        raise StateError(f"{path}: not the configuration of a run (router_name, lambda or seed is missing)")
    return {str(key): value for key, value in config.items()}
