"""Is routing worth it here? `python evaluate.py headroom=true dataset=…`: asked of the logs, before any training."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vlrb.evaluation.headroom.analyse import Effort, analyse
from vlrb.evaluation.headroom.subject import Choice, Subject, make_subject
from vlrb.evaluation.headroom.truth import truth_figures
from vlrb.report.headroom.terminal import print_headroom
from vlrb.report.headroom.write import write_headroom
from vlrb.report.truth import ObservedCosts, Truth, read_truth
from vlrb.sources.base import TellsSamplesApart
from vlrb.tasks.build import build_benchmark
from vlrb.tasks.jobs import JobResult
from vlrb.utils.config import Plain
from vlrb.utils.console import console, say
from vlrb.utils.errors import ConfigError
from vlrb.utils.instantiate import build

if TYPE_CHECKING:
    from vlrb.benchmark.store import Benchmark

STAGES = ("records", "tokens", "costs", "splits")
FOLDER = "headroom"


def headroom_job(config: Plain) -> JobResult:
    """Build the benchmark if it is missing or stale, look for headroom in it, print and write the report.

    Raises:
        ConfigError: Something else is asked for at the same time.
        DataError: A single model, or nothing known of the samples in scope.
    """
    for key in ("run", "runs", "mu", "budget", "route"):
        if config[key] is not None:
            raise ConfigError(f"headroom=true looks at data, not at runs, so {key} has no place", f"leave {key} out")
    started = time.monotonic()
    benchmark = build_benchmark({**config, "strict": False}, STAGES)
    subject = _subject(config, benchmark)
    with console().status("looking for headroom") as status:
        effort = Effort(resamples=config["resamples"] or Effort.resamples)
        found = analyse(subject, effort, lambda what: status.update(f"looking for headroom: {what}"))
    truth = _truth(config, benchmark, subject)
    if truth is not None:
        found["truth"] = truth_figures(subject, truth.p, truth.cost)
    report = {**_head(config, benchmark, effort, time.monotonic() - started), **found}
    out = Path(config["out"]) if config["out"] else default_out(config)
    write_headroom(out, report)
    print_headroom(report)
    say(f"report: {out}")
    return JobResult("done", out)


def default_out(config: Plain) -> Path:
    """Return `<runs_dir>/<dataset.name>/headroom`: it depends on pool, prices and scope, so the data do not hold it."""
    return Path(str(config["paths"]["runs_dir"])) / str(config["dataset"]["name"]) / FOLDER


def _subject(config: Plain, benchmark: "Benchmark") -> Subject:
    source: Any = build(config["dataset"]["source"], "dataset.source")
    tells = isinstance(source, TellsSamplesApart)
    categories, rotated = (source.categories(), source.rotated()) if tells else ({}, ())
    split = build(config["split"], "split")
    choice = Choice(
        pool=build(config["model_pool"], "model_pool"),
        pricing=config["pricing"]["name"],
        split=(split.label, split.seed),
        scope=config["scope"],
    )
    return make_subject(benchmark, choice, categories, rotated)


def _head(config: Plain, benchmark: "Benchmark", effort: Effort, seconds: float) -> dict[str, Any]:
    return {
        "dataset": str(config["dataset"]["name"]),
        "synthetic": bool(config["dataset"]["synthetic"]),
        "benchmark": str(benchmark.root.resolve()),
        "scope": config["scope"],
        "model_pool": config["model_pool"]["name"],
        "pricing": f"{config['pricing']['name']} ({config['pricing']['date']})",
        "settings": {"replicates": effort.replicates, "resamples": effort.resamples, "seed": effort.seed},
        "seconds": round(seconds, 2),
    }


def _truth(config: Plain, benchmark: "Benchmark", subject: Subject) -> Truth | None:
    """Return the generator's truth where the data are synthetic and their prices a price book."""
    path = config["dataset"].get("truth")
    prices = benchmark.costs(config["pricing"]["name"]).prices.get("prices") or {}
    ids = [benchmark.model_ids[column] for column in subject.columns]
    if not path or not all(model in prices for model in ids):
        return None
    output = np.array([prices[model]["output"] for model in ids])
    tokens = benchmark.tokens_out[subject.rows][:, subject.columns]
    sample_ids = benchmark.samples["sample_id"].iloc[subject.rows].tolist()
    return read_truth(Path(str(path)), sample_ids, subject.model_ids, ObservedCosts(subject.C, tokens, output))
