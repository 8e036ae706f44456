"""One training job: benchmark → router → decisions → metrics → report, in a folder named by what was asked."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from vlrb.schema import CHECKPOINT_FILE, LOG_FILE
from vlrb.tasks import state
from vlrb.tasks.build import Features, check_encoders
from vlrb.tasks.jobs import JobResult, in_sweep, plain_value, run_job
from vlrb.tasks.opened import make_view as make_view  # other tasks find it here
from vlrb.tasks.opened import open_features, open_view
from vlrb.tasks.tracking import check_logger, tracking
from vlrb.utils.config import BACKBONE, Plain, number_text, run_folder
from vlrb.utils.console import say
from vlrb.utils.instantiate import locate
from vlrb.utils.locks import folder_lock
from vlrb.utils.logs import run_log

if TYPE_CHECKING:
    from vlrb.benchmark.store import Benchmark
    from vlrb.benchmark.view import BenchmarkView


def run(cfg: DictConfig) -> float:
    """Run the script's job and return its objective."""
    return run_job(cfg, "train", train_job)


def train_job(config: Plain) -> JobResult:
    """Train one router unless the same run is finished already; print its leaderboard.

    Args:
        config: Plain, checked config of conf/train.yaml.

    Raises:
        VlrbError: Bad configuration or data; nothing finished is damaged.
    """
    started = time.monotonic()
    folder = run_folder(config)
    reads_features = state.reads_features(folder, config)
    if reads_features is None:  # not finished: importing torch is worth it
        check_early(config)
        reads_features = needs_features(config)
        if reads_features and config["build"]:
            check_encoders(config)
    benchmark, view = open_view(config)
    features = open_features(config, benchmark) if reads_features else None
    parts = data_parts(config, benchmark, view, features)
    with folder_lock(folder):
        record = state.finished(folder, config, parts)
        if record is None:
            state.begin(folder, config, data_record(config, benchmark, view, parts))
            with run_log(folder / LOG_FILE):
                objective = _train(config, folder, benchmark, view, features, parts)
            seconds = time.monotonic() - started
            state.end(folder, config, parts, None if objective != objective else objective, seconds)
            (folder / CHECKPOINT_FILE).unlink(missing_ok=True)  # of use only until here
            status = "done"
        else:
            objective, seconds, status = plain_value(record["objective"]), 0.0, "skipped"
    return JobResult(status, folder, objective, _show(config, folder, status, seconds))


def check_early(config: Plain) -> None:
    """Find mistakes in the router, its encoder and λ before any work is done."""
    from vlrb.data.tradeoff import TradeOff
    from vlrb.tasks.backbone import asked_for, refuse_idle_encoders
    from vlrb.tasks.fit import build_router

    TradeOff.from_config(config["lambda"])
    check_logger(config)
    router: Any = build_router(config)
    refuse_idle_encoders(config, router, asked_for())
    if "raw" in router.inputs:
        router.backbone.check()


def needs_features(config: Plain, *, learning: bool = True) -> bool:
    """Return whether the router reads frozen features: when it decides, or (`learning`) if only while it learns."""
    kind: Any = locate(str(config["router"]["_target_"]), "router")
    return "features" in (kind.inputs | kind.learns_from if learning else kind.inputs)


def data_parts(
    config: Plain, benchmark: "Benchmark", view: "BenchmarkView", features: Features | None
) -> dict[str, str]:
    """Return fingerprints of everything the run sees, by part, so that a change can be named."""
    from vlrb.tasks.backbone import raw_fingerprint

    raw = {"prompts and pictures": raw_fingerprint(benchmark)} if BACKBONE in config["encoder"] else {}
    return {**view.parts, **raw, "features": features.fingerprint if features else state.NO_FEATURES}


def data_record(config: Plain, benchmark: "Benchmark", view: "BenchmarkView", parts: dict[str, str]) -> dict[str, Any]:
    """Return what reports must know about the data without opening the benchmark."""
    return {
        "dataset_name": config["dataset"]["name"],
        "synthetic": bool(config["dataset"]["synthetic"]),
        "truth": config["dataset"].get("truth"),
        "benchmark": str(benchmark.root.resolve()),
        "pricing": config["pricing"]["name"],
        "pricing_date": str(config["pricing"]["date"]),
        "data_fingerprint": view.fingerprint,
        "parts": parts,
        "bounds": view.bounds.to_plain(),
        "mean_costs": benchmark.costs(view.pricing).mean_costs,
        "model_ids": list(view.model_ids),
        "display_names": dict(zip(view.model_ids, view.display_names, strict=True)),
        "dataset_groups": dict(zip(view.dataset_names, view.dataset_groups, strict=True)),
        "samples": len(view.sample_ids),
        "dropped": view.dropped,
    }


def _train(
    config: Plain,
    folder: Path,
    benchmark: "Benchmark",
    view: "BenchmarkView",
    features: Features | None,
    parts: dict[str, str],
) -> float:
    from vlrb.data.tradeoff import TradeOff
    from vlrb.evaluation.runs import load_run
    from vlrb.report.leaderboard import make_leaderboard
    from vlrb.report.write import write_leaderboard
    from vlrb.routers.checkpoint import save_router
    from vlrb.tasks.backbone import learn_text
    from vlrb.tasks.fit import build_router, fit, input_sources, make_data
    from vlrb.tasks.inputs_report import report_inputs
    from vlrb.tasks.results import Material, write_results
    from vlrb.tasks.resume import begin

    router = build_router(config)
    learn_text(router, benchmark, view)
    sources = input_sources(config, benchmark, router, features, view)
    report_inputs(folder, router, sources, benchmark, view)
    data = make_data(router, view, sources, TradeOff.from_config(config["lambda"]), config["seed"])
    lam = number_text(config["lambda"]["value"])
    if not in_sweep():
        say(f"training {config['router_name']} λ={lam} on {data.split_size('train'):,} samples")
    kept = [begin(folder, config, parts)] if router.resumable else []
    resumed = any(checkpoint.resume for checkpoint in kept)
    with tracking(config, folder, data_record(config, benchmark, view, parts), resumed=resumed) as tracked:
        fitted = fit(config, router, data, tracked.logger, callbacks=[*kept, *tracked.callbacks])
        save_router(folder, router, bank_folder(folder))
        metrics = write_results(folder, Material(config, benchmark, view, sources), fitted)
        board = make_leaderboard([load_run(folder, finished=False)])
        write_leaderboard(board, folder)
        tracked.results(folder, metrics, board)
    return plain_value(metrics.get(config["objective"]))


def bank_folder(run: Path) -> Path:
    """Return where the runs of one dataset keep what they share (a neighbour router's bank), once per content."""
    return run.parents[1] / "banks"


def _show(config: Plain, folder: Path, status: str, seconds: float) -> str:
    """Print the run's leaderboard, then its folder as the last line; return the line that a sweep tells of it."""
    from vlrb.report.terminal import print_leaderboard, run_line

    if in_sweep():
        return run_line(folder, status, seconds)
    if status == "skipped":
        say("this run is finished already (same config, same data): nothing to do")
    print_leaderboard([folder])
    say(f"run: {folder}")
    return ""
