"""The files of the token statistics: token_statistics.csv, .md and .png."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vlrb.benchmark.markdown import table_lines
from vlrb.benchmark.store import Benchmark
from vlrb.benchmark.tokens.counter import BY_MODEL, PUBLISHED
from vlrb.benchmark.tokens.plot import TokenFigure, draw_tokens
from vlrb.benchmark.tokens.statistics import ALL, TokenArrays, token_table
from vlrb.utils.files import write_text

NAME = "token_statistics"
_WAYS = {
    BY_MODEL: "pictures by each model's rule; totals count the input of every sample for every model",
    PUBLISHED: "256 tokens a picture for every model; totals count the input of every sample once",
}
_OUTPUTS = {"output_mean": "mean", "output_median": "median", "output_p95": "95 %", "output_max": "max"}


def write_token_statistics(folder: Path, bench: Benchmark) -> None:
    """Write `token_statistics.csv`, `.md` and `.png` of a benchmark into a folder."""
    parts = bench.manifest["parts"]
    facts = {**parts["tokens"]["facts"], **parts["tokens_in"]["facts"]}
    arrays = TokenArrays(
        tokens_in=bench.tokens_in,
        tokens_out=bench.tokens_out,
        text=bench.sample_tokens["text_tokens"].to_numpy(),
        samples=bench.samples,
        model_ids=bench.model_ids,
        counting=facts["count"],
    )
    table = token_table(arrays)
    write_text(folder / f"{NAME}.csv", table.to_csv(index=False, float_format="%.8g"))
    write_text(folder / f"{NAME}.md", "\n".join(_lines(bench, table, facts)) + "\n")
    synthetic = " · synthetic data" if bench.manifest.get("synthetic") else ""
    title = f"{bench.name}{synthetic} · {len(bench.samples):,} samples × {len(bench.model_ids)} models"
    names = {str(card["id"]): str(card["display_name"]) for card in bench.models}
    figure = TokenFigure(table, np.asarray(bench.tokens_out), names, f"{title} · texts counted by {facts['tokenizer']}")
    draw_tokens(figure, folder / f"{NAME}.png")


def _lines(bench: Benchmark, table: pd.DataFrame, facts: dict[str, Any]) -> Iterator[str]:
    synthetic = " (synthetic data)" if bench.manifest.get("synthetic") else ""
    yield f"# Tokens of {bench.name}{synthetic}"
    yield ""
    yield f"`tokens.count={facts['count']}`: {_WAYS[facts['count']]}. Texts are counted by {facts['tokenizer']}."
    yield ""
    yield from _totals(table)
    yield from ["", "## Datasets", "", "Over all models.", ""]
    yield from _by(table[table["model_id"] == ALL], "dataset")
    yield from ["", "## Models", "", "Over all datasets.", ""]
    names = {card["id"]: card["display_name"] for card in bench.models} | {ALL: ALL}
    models = table[table["dataset"] == ALL]
    yield from _by(models.assign(model=models["model_id"].map(names)), "model")
    yield from ["", "## Picture tokens", ""]
    rules = facts["picture_rules"]
    by_rule = {rule: [names[model_id] for model_id in rules if rules[model_id] == rule] for rule in rules.values()}
    yield from table_lines(["rule", "models"], [[rule, ", ".join(models)] for rule, models in by_rule.items()])
    yield from ["", "## Missing", ""]
    yield from _missing(models, names, facts) or ["Nothing: every input and every answer is counted."]


def _totals(table: pd.DataFrame) -> list[str]:
    row = table.iloc[-1]
    together = row["input_total"] + row["output_total"]
    rows = [
        ["input", f"{row['input_count']:,}", _number(row["input_mean"]), _number(row["input_total"])],
        ["output", f"{row['output_count']:,}", _number(row["output_mean"]), _number(row["output_total"])],
        ["together", "", "", _number(together)],
    ]
    return table_lines(["tokens", "counted", "mean", "total"], rows)


def _by(table: pd.DataFrame, key: str) -> list[str]:
    head = [key, "samples", "text", "pictures", "input", *(f"output {word}" for word in _OUTPUTS.values())]
    columns = ["text_mean", "picture_mean", "input_mean", *_OUTPUTS]
    totals = ["input_total", "output_total"]
    rows = [
        [row[key], f"{row['n']:,}", *(_number(row[column]) for column in columns + totals)]
        for row in table.to_dict("records")
    ]
    return table_lines([*head, "input total", "output total"], rows)


def _missing(models: pd.DataFrame, names: dict[str, str], facts: dict[str, Any]) -> list[str]:
    rows = [
        [names[row["model_id"]], f"{row['input_missing']:,}", f"{row['output_missing']:,}"]
        for row in models.to_dict("records")
        if row["input_missing"] or row["output_missing"]
    ]
    lines = table_lines(["model", "inputs not countable", "answers not in the logs"], rows)
    unknown = facts.get("pictures_of_unknown_size", 0)
    return lines + (["", f"Size unknown: {unknown:,} of {facts['pictures']:,} pictures."] if unknown else [])


def _number(value: float) -> str:
    if np.isnan(value):
        return "–"
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:,.1f}"
