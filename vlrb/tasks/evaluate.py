"""Evaluate from run folders: decide again with one trained router, or one leaderboard over many runs."""

from pathlib import Path
from typing import Any, cast

import numpy as np
from omegaconf import DictConfig

from vlrb.evaluation.decisions import read_decisions
from vlrb.evaluation.runs import Run, find_runs, load_run
from vlrb.report.terminal import print_leaderboard
from vlrb.report.write import write_run_report
from vlrb.schema import SAMPLE_ID, SCORE_PREFIX, SPLIT
from vlrb.tasks.jobs import JobResult, run_job
from vlrb.utils.config import Plain
from vlrb.utils.console import say, warn
from vlrb.utils.errors import ConfigError, StateError

SAME_SCORE = 1e-5  # scores decided again may differ by this much (another batch size or device)


def run(cfg: DictConfig) -> float:
    """Run the script's job."""
    return run_job(cfg, "evaluate", _evaluate_job)


def _evaluate_job(config: Plain) -> JobResult:
    if config["run"] and config["runs"]:
        raise ConfigError("run and runs exclude one another", "run=<one folder> or runs=<sweep | folder | glob>")
    if config["run"]:
        return evaluate_run(config)
    if config["runs"]:
        return compare_runs(config)
    raise ConfigError("nothing to evaluate", "give run=<folder> or runs=<sweep | folder | glob>")


def compare_runs(config: Plain) -> JobResult:
    """Make one leaderboard over all finished runs that `runs` means."""
    from vlrb.tasks.leaderboard import show_and_write

    where = str(config["runs"])
    found = find_runs(where)
    for folder, reason in found.skipped:
        warn(f"left out {folder}: {reason}")
    out = Path(config["out"]) if config["out"] else _default_out(where, config)
    show_and_write([r.folder for r in found.runs], out, config["split"])
    say(f"report: {out}")
    return JobResult("done", out)


def _default_out(where: str, config: Plain) -> Path:
    place = Path(where)
    return place if place.is_dir() else Path(config["paths"]["runs_dir"]) / "report"


def evaluate_run(config: Plain) -> JobResult:
    """Decide again with the router of one run folder, check it against the stored decisions, renew the report."""
    folder = Path(config["run"])
    trained = load_run(folder)
    out = Path(config["out"]) if config["out"] else folder
    metrics = _decide_again(trained, config, out)
    write_run_report(folder, out)
    print_leaderboard([load_run(folder)], config["split"])
    say(f"report: {out}")
    objective = metrics.get(f"{config['split']}/rank_score")
    return JobResult("done", folder, float("nan") if objective is None else float(objective))


def _decide_again(trained: Run, config: Plain, out: Path) -> dict[str, Any]:
    from vlrb.routers.checkpoint import load_router_weights, load_spec
    from vlrb.tasks.build import ensure_features
    from vlrb.tasks.fit import Fitted, build_router, input_sources, make_data, make_trainer
    from vlrb.tasks.results import Material, write_results
    from vlrb.tasks.train import data_parts, make_view, needs_features

    settings: Plain = {**trained.config, "resamples": config["resamples"] or trained.config["resamples"]}
    benchmark = _benchmark(trained, config)
    view = make_view(settings, benchmark)
    features = ensure_features(settings, benchmark) if needs_features(settings) else None
    _check_data(trained, data_parts(view, features))
    router = build_router(settings)
    sources = input_sources(settings, features)
    load_router_weights(trained.folder, router)
    spec = load_spec(trained.folder)
    data = make_data(router, view, sources, spec.trade_off, settings["seed"], spec)
    fitted = Fitted(router, data, make_trainer(settings, router))
    before = read_decisions(trained.folder)
    out.mkdir(parents=True, exist_ok=True)
    metrics = write_results(out, Material(settings, benchmark, view, sources), fitted)
    _compare(before, read_decisions(out))
    return metrics


def _benchmark(trained: Run, config: Plain) -> Any:  # noqa: ANN401 - vlrb.benchmark.store.Benchmark, imported late
    """Find the benchmark of a run: where it was, else below the data folder."""
    from vlrb.benchmark.store import Benchmark

    recorded = Path(str(trained.data["benchmark"]))
    beside = Path(config["paths"]["data_dir"]) / str(trained.data["dataset_name"])
    for place in (recorded, beside):
        if (place / "manifest.json").is_file():
            return Benchmark.open(place)
    raise StateError(f"the benchmark of {trained.folder} is neither at {recorded} nor at {beside}", "build it again")


def _check_data(trained: Run, parts: dict[str, str]) -> None:
    stored = cast("dict[str, str]", trained.data["parts"])
    changed = sorted(k for k in set(parts) | set(stored) if parts.get(k) != stored.get(k))
    if changed:
        raise StateError(
            f"the benchmark has changed since {trained.folder} was trained (changed: {', '.join(changed)})",
            "train it again with overwrite=true",
        )


def _compare(before: Any, after: Any) -> None:  # noqa: ANN401 - decision tables
    """Say whether the decisions are those that were stored; different scores are worth a warning."""
    keys = [SPLIT, SAMPLE_ID]
    columns = [c for c in before.columns if c.startswith(SCORE_PREFIX)]
    before, after = before.set_index(keys), after.set_index(keys).reindex(before.set_index(keys).index)
    apart = float(np.nanmax(np.abs(before[columns].to_numpy() - after[columns].to_numpy()), initial=0.0))
    changed = int((before["model_id"] != after["model_id"]).sum())
    if apart > SAME_SCORE or changed:
        warn(f"{changed:,} of {len(before):,} decisions differ from the stored ones (scores by up to {apart:.2g})")
    else:
        say(f"{len(before):,} decisions made again, all as stored")
