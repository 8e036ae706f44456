"""From a fitted router to the result files of its run. Test is read once, here."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from vlrb.benchmark.store import Benchmark
from vlrb.benchmark.view import BenchmarkView
from vlrb.data.sources import InputSource
from vlrb.data.tradeoff import TradeOff
from vlrb.evaluation.decisions import decision_rows, reference_rows, write_decisions, write_references
from vlrb.evaluation.headline import headline_metrics
from vlrb.evaluation.landscape import single_models, write_landscape
from vlrb.evaluation.operating_points import write_points
from vlrb.evaluation.reliability import calibration_metrics, write_reliability
from vlrb.evaluation.runner_up import runner_up, with_runner_up
from vlrb.metrics.baselines import best_single, known_means
from vlrb.metrics.outcomes import Outcomes
from vlrb.report.truth import ObservedCosts, Truth, expected_metrics, read_truth, truth_landscape
from vlrb.routers.utility_rule import Estimates
from vlrb.schema import DEV, METRICS_FILE, TEST, TRAIN, SplitName
from vlrb.tasks.budget import points_on_dev
from vlrb.tasks.fit import REFERENCES, Decided, Fitted, build_reference, decide, fit, make_data
from vlrb.tasks.throughput import throughput_metrics
from vlrb.utils.config import Plain
from vlrb.utils.files import write_json

EVALUATED: tuple[SplitName, ...] = (DEV, TEST)


class Judged(NamedTuple):
    """One evaluated split: its rows in the view, its outcomes, and what was decided on it, by router."""

    rows: np.ndarray
    outcomes: Outcomes
    decided: Decided
    references: dict[str, np.ndarray]


class Material(NamedTuple):
    """What results are made from."""

    config: Plain
    benchmark: Benchmark
    view: BenchmarkView
    sources: dict[str, InputSource]


def write_results(folder: Path, material: Material, fitted: Fitted) -> dict[str, Any]:
    """Decide on dev and test, judge, and write the result files of a run.

    Args:
        folder: The run folder.
        material: Config, benchmark, view and inputs of the run.
        fitted: The fitted router.

    Returns:
        metrics.json: flat `split/name` keys.
    """
    references = fit_references(material)
    judged = {split: _judge_split(split, material.view, fitted, references) for split in EVALUATED}
    stated = judged[DEV].decided
    if stated.probability is not None and stated.cost is not None:
        expected = Estimates(torch.from_numpy(stated.probability), torch.from_numpy(stated.cost))
        write_points(folder, points_on_dev(fitted.router, material.view, expected))
    speed = throughput_metrics(material.config, material.benchmark, material.view, fitted)
    return write_judged(folder, material, judged, {f"{TEST}/{k}": v for k, v in speed.items()})


def write_judged(
    folder: Path, material: Material, judged: dict[SplitName, Judged], speed: dict[str, Any]
) -> dict[str, Any]:
    """Judge decisions on dev and test, and write the result files of a run.

    Args:
        folder: The run folder.
        material: Config, benchmark and view of the run.
        judged: What was decided, by split.
        speed: Throughput, under its keys in metrics.json.

    Returns:
        metrics.json: flat `split/name` keys.
    """
    view = material.view
    train = view.members(TRAIN)
    best = best_single(view.Y[train], view.C[train])  # chosen on train, judged on dev and test
    truths = {split: _truth(material, part) for split, part in judged.items()}
    metrics: dict[str, Any] = {}
    for split, part in judged.items():
        metrics |= {f"{split}/{k}": v for k, v in _figures(material.config, part, truths[split], best).items()}
    metrics |= speed
    write_decisions(folder, [_decision_table(view, split, part, best) for split, part in judged.items()])
    write_references(
        folder, [table for split, part in judged.items() for table in _reference_tables(view, split, part)]
    )
    stated = {
        split: (p, part.outcomes.Y) for split, part in judged.items() if (p := part.decided.probability) is not None
    }
    if stated:
        write_reliability(folder, stated)
    landscape: dict[str, dict[str, Any]] = {TRAIN: {"models": single_models(split_outcomes(view, train))}}
    landscape |= {split: _landscape(part, truths[split]) for split, part in judged.items()}
    write_landscape(folder, landscape)
    write_json(folder / METRICS_FILE, metrics)
    return metrics


def fit_references(material: Material) -> dict[str, Fitted]:
    """Fit the reference routers on the training split."""
    config, trade_off = material.config, TradeOff.from_config(material.config["lambda"])
    fitted = {}
    for name in REFERENCES:
        router = build_reference(name)
        data = make_data(router, material.view, material.sources, trade_off, config["seed"])
        fitted[name] = fit(config, router, data, reference=True)
    return fitted


def split_outcomes(view: BenchmarkView, rows: np.ndarray) -> Outcomes:
    """Return the outcomes of some rows of a view, for judging decisions that were already made."""
    return Outcomes(
        Y=view.Y[rows],
        C=view.C[rows],
        split_group=view.split_group[rows],
        dataset=view.dataset[rows],
        dataset_names=view.dataset_names,
        dataset_groups=view.dataset_groups,
        model_ids=view.model_ids,
        bounds=view.bounds,
    )


def _judge_split(split: SplitName, view: BenchmarkView, fitted: Fitted, references: dict[str, Fitted]) -> Judged:
    rows = view.members(split)
    decisions = {name: decide(reference, split).decision for name, reference in references.items()}
    return Judged(rows, split_outcomes(view, rows), decide(fitted, split), decisions)


def _truth(material: Material, part: Judged) -> Truth | None:
    """Return the truth of a split's samples where the data are synthetic."""
    path = material.config["dataset"].get("truth")
    if not path:
        return None
    view = material.view
    prices = material.benchmark.costs(view.pricing).prices["prices"]
    output = np.array([prices[material.benchmark.model_ids[column]]["output"] for column in view.columns])
    observed = ObservedCosts(view.C[part.rows], view.tokens_out[part.rows], output)
    return read_truth(Path(str(path)), view.sample_ids[part.rows].tolist(), view.model_ids, observed)


def _figures(config: Plain, part: Judged, truth: Truth | None, best: int) -> dict[str, Any]:
    decision = part.decided.decision
    figures: dict[str, Any] = dict(headline_metrics(part.outcomes, decision, best, config["seed"], config["resamples"]))
    if part.decided.probability is not None:
        figures |= calibration_metrics(part.decided.probability, part.outcomes.Y)
    if truth is not None and len(decision):
        figures |= expected_metrics(truth, decision, best, part.outcomes.bounds)
    return figures


def _decision_table(view: BenchmarkView, split: str, part: Judged, best: int) -> pd.DataFrame:
    scores, decision = part.decided.scores, part.decided.decision
    ids, tokens = view.sample_ids[part.rows], view.tokens_in[part.rows]
    table = decision_rows(part.outcomes, ids, split, decision, scores, tokens, best)
    if view.Y.shape[1] < 2:
        return table
    return with_runner_up(table, part.outcomes, runner_up(scores, decision, known_means(view.C[view.members(TRAIN)])))


def _reference_tables(view: BenchmarkView, split: str, part: Judged) -> list[pd.DataFrame]:
    ids = view.sample_ids[part.rows]
    return [reference_rows(part.outcomes, ids, split, name, decision) for name, decision in part.references.items()]


def _landscape(part: Judged, truth: Truth | None) -> dict[str, Any]:
    found: dict[str, Any] = {"models": single_models(part.outcomes)}
    if truth is not None and len(part.rows):
        found |= truth_landscape(truth, {"router": part.decided.decision, **part.references})
    return found
