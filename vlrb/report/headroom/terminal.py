"""The headroom report on the terminal: verdict first, then what it rests on."""

import textwrap
from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from vlrb.report.columns import interval, three
from vlrb.report.headroom.words import caveats, findings, headline, per_1k, summary
from vlrb.utils.console import console, say

WIDEST = 110  # cells; longer lines are hard to read
MARKS = {True: ("+", "green"), False: ("−", "yellow"), None: ("·", "dim")}
STYLES = {"worth it": "bold green", "maybe": "bold yellow", "not shown": "bold yellow"}


def print_headroom(report: Mapping[str, Any]) -> None:
    """Print the report."""
    say(Text(title(report), style="bold"))
    say(Text(subtitle(report), style="dim"))
    say(oracle_table(report))
    say(model_table(report))
    for finding in findings(report):
        mark, style = MARKS[finding.speaks_for]
        say(Text.assemble((f"{mark} ", style), (finding.question, "bold")))
        say(_wrapped(finding.answer, "  "))
    for line in caveats(report):
        say(_wrapped(line), style="dim")
    say()
    say(Text(f"Verdict: {headline(report)}", style=STYLES[report["verdict"]["verdict"]]))
    say(_wrapped(summary(report)))


def _wrapped(text: str, indent: str = "") -> str:
    """Break a paragraph at words: the console itself does not wrap."""
    width = max(40, min(console().width, WIDEST))
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def title(report: Mapping[str, Any]) -> str:
    """Return the title."""
    synthetic = " (synthetic data)" if report["synthetic"] else ""
    return f"Is routing worth it on {report['dataset']}?{synthetic}"


def subtitle(report: Mapping[str, Any]) -> str:
    """Return what was looked at."""
    data = report["data"]
    scope = "all samples" if report["scope"] == "all" else f"{report['scope']} split"
    return f"{data['samples']:,} samples × {data['models']} models · {scope} · prices {report['pricing']}"


def oracle_rows(report: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return accuracies from what can be had to what cannot: name, figure, what difficulty and ability alone give."""
    oracle, single = report["oracle"], report["best_single"]
    rows = [(f"best single model: {single['name']}", three(single["accuracy"]), _band(oracle["null_best_single"]))]
    for grouping in (g for g in report["groupings"] if "cross_fitted" in g):
        name, gain = grouping["name"], grouping["cross_fitted"]
        rows.append((f"best model per {name}, cross-fitted", three(gain["accuracy"]), ""))
        rows.append(
            (
                f"best model per {name}, in hindsight",
                three(grouping["hindsight"]),
                _band(grouping.get("hindsight_null")),
            )
        )
    if report.get("truth"):
        rows.append(("Bayes router, expected (generator's truth)", three(report["truth"]["bayes"]), ""))
    rows.append(("oracle", three(oracle["observed"]), _band(oracle["null"])))
    rows.append(("oracle if models were independent", three(oracle["independence"]), ""))
    return rows


def _band(band: Mapping[str, float] | None) -> str:
    return "" if band is None else f"{three(band['mean'])} {interval(band['low'], band['high'])}"


def oracle_table(report: Mapping[str, Any]) -> Table:
    """Return the table of accuracies beside what difficulty and ability alone give."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for k, name in enumerate(("", "accuracy", "luck and difficulty alone")):
        table.add_column(name, justify="right" if k else "left", no_wrap=k > 0)
    for row in oracle_rows(report):
        table.add_row(*row)
    return table


def model_table(report: Mapping[str, Any]) -> Table:
    """Return the table of single models."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for k, name in enumerate(("model", "accuracy", "$/1k", "alone right")):
        table.add_column(name, justify="right" if k else "left", no_wrap=k > 0)
    for row in report["models"]:
        table.add_row(row["name"], three(row["accuracy"]), per_1k(row["cost"]), f"{row['alone']:.1%}")
    return table
