"""The headroom report as Markdown."""

from collections.abc import Mapping
from typing import Any

from vlrb.report.columns import three
from vlrb.report.headroom.terminal import oracle_rows, subtitle, title
from vlrb.report.headroom.words import caveats, findings, headline, per_1k, summary
from vlrb.report.markdown import escape, table

ALTS = {
    "observed_null": "observed, and by luck and difficulty alone",
    "solved_by": "how many models solve a sample",
    "pool": "oracle by pool size",
    "cost": "accuracy against cost",
}


def headroom_markdown(report: Mapping[str, Any]) -> str:
    """Return the report; pictures lie beside it."""
    head = ["", "accuracy", "luck and difficulty alone"]
    models = [
        [escape(row["name"]), three(row["accuracy"]), per_1k(row["cost"]), f"{row['alone']:.1%}"]
        for row in report["models"]
    ]
    figures = [name for name in ALTS if name != "cost" or report["costs"].get("by_group")]
    levels = [[escape(cell) for cell in row] for row in oracle_rows(report)]
    parts = [
        f"# {escape(title(report))}",
        subtitle(report),
        f"**{headline(report)}** {summary(report)}",
        table(head, levels),
        "## Evidence",
        *(f"**{finding.question}** {finding.answer}" for finding in findings(report)),
        "\n".join(f"- {line}" for line in caveats(report)),
        *(f"![{ALTS[name]}]({name}.png)" for name in figures),
        "## Models",
        table(["model", "accuracy", "$/1k", "alone right"], models),
    ]
    for grouping in (g for g in report["groupings"] if "best" in g):
        parts += [
            f"## By {grouping['name']}",
            table(GROUP_HEAD, [list(map(escape, row)) for row in group_rows(grouping)]),
        ]
    return "\n\n".join(parts) + "\n"


GROUP_HEAD = ["group", "n", "best model (hindsight)", "accuracy", "best single model", "oracle", "stands out", "by sd"]


def group_rows(grouping: Mapping[str, Any]) -> list[list[str]]:
    """Return the rows of the table by group."""
    return [
        [
            row["group"],
            f"{row['n']:,}",
            row["best"],
            three(row["accuracy"]),
            three(row["best_single"]),
            three(row["oracle"]),
            row["stands_out"],
            "–" if row["by"] is None else f"{row['by']:+.1f}".replace("-", "−"),
        ]
        for row in grouping["best"]
    ]
