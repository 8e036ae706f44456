"""Evaluate from run folders: decide again with one trained router, or one leaderboard over many runs."""

import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from vlrb.evaluation.decisions import read_decisions
from vlrb.evaluation.runs import Run, find_runs, load_run
from vlrb.schema import CONFIG_FILE, DATA_FILE, DONE_FILE, MODEL_ID, SAMPLE_ID, SCORE_PREFIX, SPLIT
from vlrb.tasks.jobs import JobResult, run_job
from vlrb.tasks.tracking_report import check_report_logger, track_report
from vlrb.utils.config import Plain
from vlrb.utils.console import say, warn
from vlrb.utils.errors import ConfigError, StateError
from vlrb.utils.files import atomic_path
from vlrb.utils.logs import run_log

if TYPE_CHECKING:
    from vlrb.tasks.fit import Fitted
    from vlrb.tasks.results import Material


def run(cfg: DictConfig) -> float:
    """Run the script's job."""
    return run_job(cfg, "evaluate", _evaluate_job)


def _evaluate_job(config: Plain) -> JobResult:
    if config["headroom"]:
        from vlrb.tasks.headroom import headroom_job

        return headroom_job(config)
    check_groups(config)
    if config["run"] and config["runs"]:
        raise ConfigError("run and runs exclude one another", "run=<one folder> or runs=<sweep | folder | glob>")
    from vlrb.tasks.compare import check_request

    check_request(config)
    check_report_logger(config["logger"])
    if config["dashboard"] is not None:
        from vlrb.tasks.dashboard import make_dashboard

        return make_dashboard(config)
    if config["route"] is not None:
        from vlrb.tasks.route import route_file

        return route_file(config)
    if config["mu"] is not None or config["budget"] is not None:
        from vlrb.tasks.operating_point import evaluate_point

        return evaluate_point(config)
    if "pricing" in config and (config["run"] or config["runs"]):
        from vlrb.tasks.reprice import reprice_run, reprice_runs

        return reprice_run(config) if config["run"] else reprice_runs(config)
    if config["run"]:
        return evaluate_run(config)
    if config["runs"]:
        return compare_runs(config)
    raise ConfigError("nothing to evaluate", "give run=<folder> or runs=<sweep | folder | glob>")


def check_groups(config: Plain) -> None:
    """Refuse what only `headroom=true` reads: runs know their data, and a leaderboard is of test or dev.

    Raises:
        ConfigError: Naming the key.
    """
    for key in ("dataset", "model_pool", "tokens", "split"):
        if key in config:
            raise ConfigError(f"{key} is for headroom=true; runs know their own", f"leave {key} out")
    if config["scope"] not in ("test", "dev"):
        raise ConfigError(
            f"scope={config['scope']} is for headroom=true", "a leaderboard is of scope=test or scope=dev"
        )


def compare_runs(config: Plain) -> JobResult:
    """Make one leaderboard over all finished runs that `runs` means."""
    from vlrb.tasks.compare import compare_with, gate
    from vlrb.tasks.leaderboard import show_and_write

    where = str(config["runs"])
    found = find_runs(where)
    for folder, reason in found.skipped:
        warn(f"left out {folder}: {reason}")
    out = Path(config["out"]) if config["out"] else default_out(where, config)
    board = show_and_write(found.runs, out, config["scope"], config["select"], config)
    track_report(config["logger"], board, out, out.name)
    comparison = compare_with(board, config, out)
    say(f"report: {out}")
    gate(board, comparison, config)
    return JobResult("done", out)


def default_out(where: str, config: Plain) -> Path:
    """Return where a report over many runs goes: beside them, or into `<runs_dir>/report` for a glob."""
    place = Path(where)
    return place if place.is_dir() else Path(config["paths"]["runs_dir"]) / "report"


def evaluate_run(config: Plain) -> JobResult:
    """Decide again with the router of one run folder, compare with what it stored, and write metrics and report.

    The run's own result files are replaced only by equal decisions; different ones go to `<run>/evaluation` (or `out`).
    """
    from vlrb.tasks.compare import gate
    from vlrb.tasks.leaderboard import show_and_write

    folder = Path(config["run"])
    trained = load_run(folder)
    if trained.repriced_from:
        origin = trained.data["repriced"]["run"]
        raise StateError(f"{folder} holds re-priced decisions and no router", f"run={origin}, or runs={folder}")
    if trained.point:
        origin = trained.point["run"]
        raise StateError(f"{folder} holds an operating point and no router", f"run={origin}, or runs={folder}")
    with tempfile.TemporaryDirectory(prefix=".evaluation-", dir=folder) as name:
        staging = Path(name)
        with run_log(None):
            metrics = _decide_again(trained, config, staging)
        same = _same_decisions(read_decisions(folder), read_decisions(staging))
        out = Path(config["out"] or folder)
        if not same and out.resolve() == folder.resolve():
            out = folder / "evaluation"
        out.mkdir(parents=True, exist_ok=True)
        for path in sorted(staging.iterdir()):
            with atomic_path(out / path.name) as temporary:
                shutil.copyfile(path, temporary)
    if out.resolve() != folder.resolve():
        for file in (CONFIG_FILE, DATA_FILE, DONE_FILE):  # so that the folder can be read as a run
            shutil.copyfile(folder / file, out / file)
    board = show_and_write([load_run(out)], out, config["scope"], config["select"], config)
    say(f"report: {out}")
    gate(board, None, config)
    objective = metrics.get(f"{config['scope']}/rank_score")
    return JobResult("done", folder, float("nan") if objective is None else float(objective))


class Restored(NamedTuple):
    """A trained router back from its folder, with what it decides on and the data's fingerprints by part."""

    material: "Material"
    fitted: "Fitted"
    parts: dict[str, str]


def restore(trained: Run, config: Plain) -> Restored:
    """Load the router of a run beside the data that it saw.

    Raises:
        StateError: The benchmark is gone or has changed, or the weights are not there.
    """
    from vlrb.routers.checkpoint import load_router_weights, load_spec
    from vlrb.tasks.build import ensure_features
    from vlrb.tasks.fit import Fitted, build_router, input_sources, make_data, make_trainer
    from vlrb.tasks.results import Material
    from vlrb.tasks.train import bank_folder, data_parts, make_view, needs_features

    settings: Plain = {**trained.config, "resamples": config["resamples"] or trained.config["resamples"]}
    benchmark = find_benchmark(trained, config)
    view = make_view(settings, benchmark)
    reads_features = needs_features(settings, learning=False)
    features = ensure_features(settings, benchmark) if reads_features else None
    parts = data_parts(settings, benchmark, view, features)
    if not reads_features:  # if it learnt from any, deciding does not depend on them any more
        parts["features"] = trained.data["parts"].get("features", parts["features"])
    check_data(trained, parts)
    router = build_router(settings)
    load_router_weights(trained.folder, router, bank_folder(trained.folder.resolve()))
    sources = input_sources(settings, benchmark, router, features)
    spec = load_spec(trained.folder)
    data = make_data(router, view, sources, spec.trade_off, settings["seed"], spec)
    fitted = Fitted(router, data, make_trainer(settings, router, single=True))
    return Restored(Material(settings, benchmark, view, sources), fitted, parts)


def _decide_again(trained: Run, config: Plain, out: Path) -> dict[str, Any]:
    from vlrb.tasks.results import write_results

    restored = restore(trained, config)
    return write_results(out, restored.material, restored.fitted)


def find_benchmark(trained: Run, config: Plain) -> Any:  # noqa: ANN401 - store.Benchmark, imported late
    """Find the benchmark of a run: where it was, else below the data folder."""
    from vlrb.benchmark.store import Benchmark

    recorded = Path(str(trained.data["benchmark"]))
    beside = Path(config["paths"]["data_dir"]) / str(trained.data["dataset_name"])
    for place in (recorded, beside):
        if (place / "manifest.json").is_file():
            return Benchmark.open(place)
    raise StateError(f"the benchmark of {trained.folder} is neither at {recorded} nor at {beside}", "build it again")


def check_data(trained: Run, parts: dict[str, str], besides: Collection[str] = ()) -> None:
    """Refuse a benchmark that is not the one the run saw; parts in `besides` may differ.

    Raises:
        StateError: Naming the parts that changed.
    """
    stored = cast("dict[str, str]", trained.data["parts"])
    changed = sorted(k for k in (set(parts) | set(stored)) - set(besides) if parts.get(k) != stored.get(k))
    if changed:
        raise StateError(
            f"the benchmark has changed since {trained.folder} was trained (changed: {', '.join(changed)})",
            "train it again with overwrite=true",
        )


def _same_decisions(before: pd.DataFrame, after: pd.DataFrame) -> bool:
    """Say whether the decisions are those that were stored; others are worth a warning."""
    keys = [SPLIT, SAMPLE_ID]
    columns = [column for column in before.columns if column.startswith(SCORE_PREFIX)]
    before = before.set_index(keys)
    after = after.set_index(keys).reindex(before.index)
    apart = np.abs(before[columns].to_numpy() - after[columns].to_numpy())
    changed = int((before[MODEL_ID] != after[MODEL_ID]).sum())
    if changed:
        worst = float(np.nanmax(apart, initial=0.0))
        warn(f"{changed:,} of {len(before):,} decisions differ from the stored ones (scores by up to {worst:.2g})")
        return False
    say(f"{len(before):,} decisions made again, all as stored")
    return True
