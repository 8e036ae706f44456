"""From a fitted router to `metrics.json`, `decisions.parquet` and `references.parquet`. Test is read once, here."""

from pathlib import Path
from typing import Any

import numpy as np

from vlrb.benchmark.view import BenchmarkView
from vlrb.data.sources import InputSource
from vlrb.data.tradeoff import TradeOff
from vlrb.evaluation.decisions import decision_rows, reference_rows, write_decisions, write_references
from vlrb.evaluation.headline import headline_metrics
from vlrb.metrics.outcomes import Outcomes
from vlrb.report.truth import expected_metrics
from vlrb.schema import DEV, METRICS_FILE, TEST
from vlrb.tasks.fit import REFERENCES, Decided, Fitted, build_reference, decide, fit, make_data
from vlrb.tasks.throughput import throughput_metrics
from vlrb.utils.config import Plain
from vlrb.utils.files import write_json

EVALUATED = (DEV, TEST)


def split_outcomes(view: BenchmarkView, split: str) -> Outcomes:
    """Return the outcomes of one split, for judging decisions that were already made."""
    rows = np.flatnonzero(view.split == split)
    return Outcomes(
        Y=view.Y[rows],
        C=view.C[rows],
        split_group=view.split_group[rows],
        dataset=view.dataset[rows],
        dataset_names=tuple(view.dataset_names),
        dataset_groups=tuple(view.dataset_groups),
        model_ids=tuple(view.model_ids),
        bounds=view.bounds,
    )
