"""Judge finished runs again under another price book: no training, and nothing of the run is rewritten.

The decisions stay as they were made. Costs, bounds, baselines, oracle, landscape, truth and intervals are computed anew
by the code that judged the run first, so the same book gives the same figures. The result is a folder that reads as a
run.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vlrb.benchmark.price_parts import ensure_costs, require_costs
from vlrb.benchmark.store import Benchmark
from vlrb.benchmark.view import BenchmarkView
from vlrb.evaluation.runs import Run, find_runs, load_run
from vlrb.report.terminal import print_leaderboard
from vlrb.report.write import write_leaderboard
from vlrb.schema import CONFIG_FILE, DATA_FILE, MODEL_ID, SAMPLE_ID, SCORE_PREFIX, SPLIT, TEST, SplitName
from vlrb.tasks import state
from vlrb.tasks.evaluate import check_data, default_out, find_benchmark
from vlrb.tasks.fit import Decided, decide
from vlrb.tasks.jobs import JobResult, plain_value
from vlrb.tasks.leaderboard import show_and_write
from vlrb.tasks.results import EVALUATED, Judged, Material, fit_references, split_outcomes, write_judged
from vlrb.tasks.throughput import SPEED_KEYS
from vlrb.tasks.train import data_record, make_view
from vlrb.utils.config import Plain
from vlrb.utils.console import say, warn
from vlrb.utils.errors import StateError
from vlrb.utils.files import read_json
from vlrb.utils.fingerprint import fingerprint
from vlrb.utils.instantiate import build
from vlrb.utils.locks import folder_lock
from vlrb.utils.logs import run_log

FOLDER = "repriced"
UNPRICED = ("/brier", "/ece")  # figures of probabilities, which no price enters


def reprice_run(config: Plain) -> JobResult:
    """Judge one run under the config's price book, into `<run>/repriced/<pricing>` (or `out`), with a report."""
    run = load_run(Path(config["run"]))
    repricer = Repricer(config)
    out = Path(config["out"]) if config["out"] else repricer.folder_of(run)
    metrics = repricer.reprice(run, out)
    _say_what_stays([run], config["pricing"])
    repriced = load_run(out)
    print_leaderboard([repriced], config["scope"])
    write_leaderboard([repriced], out)
    say(f"report: {out}")
    return JobResult("done", out, plain_value(metrics.get(f"{config['scope']}/rank_score")))


def reprice_runs(config: Plain) -> JobResult:
    """Judge all finished runs that `runs` means, each into `<run>/repriced/<pricing>`, and make one leaderboard."""
    where = str(config["runs"])
    found = find_runs(where)
    for folder, reason in found.skipped:
        warn(f"left out {folder}: {reason}")
    repricer = Repricer(config)
    folders = [repricer.folder_of(run) for run in found.runs]
    for run, folder in zip(found.runs, folders, strict=True):
        repricer.reprice(run, folder)
    _say_what_stays(found.runs, config["pricing"])
    beside = default_out(where, config) / FOLDER / config["pricing"]["name"]
    out = Path(config["out"]) if config["out"] else beside
    show_and_write(folders, out, config["scope"], config["select"])
    say(f"report: {out}")
    return JobResult("done", out)


class Repricer:
    """Judges runs under one price book; what runs on the same data share is made once.

    Args:
        config: Plain config of conf/evaluate.yaml with a price book.
    """

    def __init__(self, config: Plain) -> None:
        self.config = config
        self.book = build(config["pricing"], "pricing")
        self._benchmarks: dict[Path, Benchmark] = {}
        self._views: dict[str, BenchmarkView] = {}
        self._references: dict[tuple[str, int], dict[SplitName, dict[str, np.ndarray]]] = {}

    def folder_of(self, run: Run) -> Path:
        """Return where a run's figures under the price book go."""
        return run.folder / FOLDER / str(self.book.name)

    def reprice(self, run: Run, out: Path) -> dict[str, Any]:
        """Write a run's figures under the price book into `out`; return metrics.json.

        Raises:
            StateError: The run is re-priced itself, its benchmark is gone or has changed, or `out` holds a trained run.
            ConfigError: A model of the run has no price.
        """
        started = time.monotonic()
        _check_places(run, out)
        resamples = self.config["resamples"] or run.config["resamples"]
        settings: Plain = {**run.config, "pricing": self.config["pricing"], "resamples": resamples}
        benchmark = self._benchmark(run, settings)
        view = self._view(settings, benchmark)
        parts = {**view.parts, "features": run.data["parts"].get("features", state.NO_FEATURES)}
        check_data(run, parts, besides=("costs",))
        material = Material(settings, benchmark, view, {})
        references = self._reference_decisions(material)
        judged = {split: _judged(run, view, split, references[split]) for split in EVALUATED}
        record = data_record(settings, benchmark, view, parts)
        if run.point is not None:
            record["point"] = run.point
        record["repriced"] = {"run": str(run.folder.resolve()), "pricing": run.data["pricing"]}
        measured = tuple(f"{TEST}/{name}" for name in SPEED_KEYS)
        unpriced = {k: v for k, v in run.metrics.items() if k.startswith(measured) or k.endswith(UNPRICED)}
        with folder_lock(out):
            state.begin(out, settings, record)
            metrics = write_judged(out, material, judged, unpriced)
            state.end(out, settings, parts, metrics.get(settings["objective"]), time.monotonic() - started)
        return metrics

    def _benchmark(self, run: Run, settings: Plain) -> Benchmark:
        """Return the run's benchmark, with costs under the price book for every model of the run's pool."""
        found: Benchmark = find_benchmark(run, self.config)
        columns = build(settings["model_pool"], "model_pool").select(found.model_ids)
        model_ids = [found.model_ids[column] for column in columns]
        if found.root not in self._benchmarks:
            self._benchmarks[found.root] = ensure_costs(found.root, self.book, model_ids)
        require_costs(found.root, self.book, model_ids)
        return self._benchmarks[found.root]

    def _view(self, settings: Plain, benchmark: Benchmark) -> BenchmarkView:
        key = fingerprint([str(benchmark.root), *(settings[k] for k in ("model_pool", "missing", "split"))])
        if key not in self._views:
            self._views[key] = make_view(settings, benchmark)
        return self._views[key]

    def _reference_decisions(self, material: Material) -> dict[SplitName, dict[str, np.ndarray]]:
        """Return what the reference routers decide under the new costs, by split and name.

        They depend on data and seed alone. Fitting them takes no accelerator, wherever the run was trained.
        """
        key = (material.view.fingerprint, int(material.config["seed"]))
        if key not in self._references:
            trainer = {**material.config["trainer"], "accelerator": "cpu"}
            with run_log(None):
                fitted = fit_references(material._replace(config={**material.config, "trainer": trainer}))
                decided: dict[SplitName, dict[str, np.ndarray]] = {}
                for split in EVALUATED:
                    decided[split] = {name: decide(reference, split).decision for name, reference in fitted.items()}
            self._references[key] = decided
        return self._references[key]


def _check_places(run: Run, out: Path) -> None:
    if run.repriced_from:
        raise StateError(f"{run.folder} is re-priced already", f"give the run itself: {run.data['repriced']['run']}")
    if (out / CONFIG_FILE).is_file() and (
        not (out / DATA_FILE).is_file() or "repriced" not in read_json(out / DATA_FILE)
    ):
        raise StateError(f"{out} holds a trained run, which stays as it is", "choose another folder: out=…")


def _judged(run: Run, view: BenchmarkView, split: SplitName, references: dict[str, np.ndarray]) -> Judged:
    """Return the stored decisions of one split in the rows of the view, with outcomes under its costs."""
    rows = view.members(split)
    ids = view.sample_ids[rows]
    table = run.decisions[run.decisions[SPLIT] == split].set_index(SAMPLE_ID)
    if len(table) != len(ids) or not table.index.is_unique or not table.index.isin(ids).all():
        raise StateError(
            f"{run.folder}: its decisions are not on the {split} samples of the benchmark", "train it again"
        )
    table = table.loc[ids]
    decision = pd.Index(view.model_ids).get_indexer(pd.Index(table[MODEL_ID]))
    columns = [f"{SCORE_PREFIX}{model_id}" for model_id in view.model_ids]
    if (decision < 0).any() or not set(columns) <= set(table.columns):
        raise StateError(f"{run.folder}: decisions or scores of other models than its pool's", "train it again")
    decided = Decided(table[columns].to_numpy(), decision)
    return Judged(rows, split_outcomes(view, rows), decided, references)


def _say_what_stays(runs: Sequence[Run], pricing: Plain) -> None:
    before = ", ".join(sorted({str(run.data["pricing"]) for run in runs}))
    say(
        f"decisions stay as they were made, with λ weighing the prices of {before}; "
        f"costs, bounds, baselines and oracle are those of {pricing['name']} ({pricing['date']})"
    )
