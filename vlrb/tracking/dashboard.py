"""The dashboard that compares runs in W&B, as a plain structure: what it shows, not how W&B stores it."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from vlrb.evaluation.runs import Run
from vlrb.tracking.wandb_names import CURVES

VERSION: Final = 1
HEATMAP: Final = "vlrb-heatmap"
COLUMNS, ROWS = 2, 2
Panel = dict[str, Any]

# A Vega-Lite chart for W&B: fields in ${field:…} are bound to columns of the runs' tables.
HEATMAP_SPEC: Final[dict[str, Any]] = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "data": {"name": "wandb"},
    "title": "${string:title}",
    "encoding": {
        "x": {"field": "${field:x}", "type": "nominal", "title": None},
        "y": {"field": "${field:y}", "type": "nominal", "title": None},
    },
    "layer": [
        {
            "mark": {"type": "rect", "tooltip": True},
            "encoding": {
                "color": {
                    "field": "${field:value}",
                    "type": "quantitative",
                    "aggregate": "mean",
                    "scale": {"scheme": "viridis"},
                }
            },
        },
        {
            "mark": {"type": "text", "fontSize": 9},
            "encoding": {
                "text": {"field": "${field:value}", "type": "quantitative", "aggregate": "mean", "format": ".2f"}
            },
        },
    ],
}


def summary(key: str) -> dict[str, str]:
    """Return a reference to a figure of a run's summary."""
    return {"from": "summary", "key": key}


def setting(key: str) -> dict[str, str]:
    """Return a reference to a setting of a run's config."""
    return {"from": "config", "key": key}


def dashboard_spec(runs: Sequence[Run], entity: str, project: str, split: str = "test") -> dict[str, Any]:
    """Return the dashboard over runs as JSON values.

    Args:
        runs: The runs that it is for: they name dataset and models; W&B has their figures.
        entity: User or team.
        project: W&B project.
        split: The split whose figures are compared.
    """
    data = runs[0].data
    models = list(dict.fromkeys(run.display_name(model) for run in runs for model in run.data["model_ids"]))
    return {
        "version": VERSION,
        "name": f"vlrb {data['dataset_name']}",
        "entity": entity,
        "project": project,
        "filters": {"data/fingerprint": sorted({str(run.data["data_fingerprint"]) for run in runs})},
        "group_by": "router_name",
        "pinned": [f"{split}/rank_score", f"{split}/accuracy", f"{split}/cost", "dev/rank_score"],
        "charts": [{"name": HEATMAP, "title": "vlrb heat map", "spec": HEATMAP_SPEC}],
        "sections": [
            {"name": "Accuracy and cost", "panels": _trade_off(split)},
            {"name": "Datasets", "panels": _per_dataset()},
            {"name": "Choices", "panels": _choice_shares(models)},
            {"name": "Training", "panels": _curves()},
        ],
    }


def _trade_off(split: str) -> list[Panel]:
    score, accuracy, cost = (summary(f"{split}/{figure}") for figure in ("rank_score", "accuracy", "cost"))
    return [
        {
            "kind": "scatter",
            "title": "Accuracy against cost (line: the best so far, from cheap to dear)",
            "x": cost,
            "y": accuracy,
            "z": score,
            "log_x": True,
            "frontier": True,
        },
        {"kind": "scatter", "title": "Rank Score against λ", "x": setting("lambda/value"), "y": score},
        {"kind": "scatter", "title": "Rank Score: dev against test", "x": summary("dev/rank_score"), "y": score},
        {"kind": "bars", "title": "Rank Score", "metrics": [score]},
    ]


def _per_dataset() -> list[Panel]:
    chart = {"kind": "chart", "chart": HEATMAP, "table": "datasets"}
    figures = {"accuracy": "Accuracy", "rank_score": "Rank Score"}
    return [
        {**chart, "fields": {"x": "dataset", "y": "name", "value": figure}, "strings": {"title": f"{title} by dataset"}}
        for figure, title in figures.items()
    ]


def _choice_shares(models: Iterable[str]) -> list[Panel]:
    metrics = [summary(f"choices/{model}") for model in models]
    return [{"kind": "bars", "title": "Share of test samples sent to each model", "metrics": metrics}]


def _curves() -> list[Panel]:
    shown = {"train/loss": "Training loss", "dev/loss": "Dev loss", "dev/rank_score": "Dev Rank Score", "lr": "lr"}
    return [
        {"kind": "lines", "title": title, "x": "epoch", "metrics": [f"{CURVES}{key}"]} for key, title in shown.items()
    ]
