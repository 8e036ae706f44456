"""A comparison of two leaderboards on the terminal and as csv, Markdown and a page."""

from html import escape
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from vlrb.report.columns import DASH, dollars, known, signed, three
from vlrb.report.compare import ADDED, CHANGED, REMOVED, SAME, Comparison
from vlrb.report.markdown import escape as markdown_escape
from vlrb.report.markdown import table as markdown_table
from vlrb.report.page.section import Section
from vlrb.report.page.shell import document
from vlrb.utils.console import say
from vlrb.utils.files import write_text

NOTE = (
    "changes are new minus before on the same samples; in brackets their 95 % paired bootstrap interval over split "
    "groups; * = it leaves out zero"
)
HEAD = ("row", "status", "accuracy", "$/1k", "Rank Score", "other choices", "won / lost")
Row = dict[Any, Any]


def print_comparison(comparison: Comparison) -> None:
    """Print the comparison to the console."""
    say(headline(comparison))
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False)
    for place, name in enumerate(HEAD):
        table.add_column(name, justify="left" if place < 2 else "right")
    for row in comparison.frame.to_dict("records"):
        table.add_row(*cells(row))
    say(table)
    say(NOTE, style="dim")


def headline(comparison: Comparison) -> str:
    """Return what changed in one line."""
    counts = comparison.frame["status"].value_counts()
    told = [f"{counts[status]} {status}" for status in (CHANGED, SAME, ADDED, REMOVED) if status in counts]
    return f"{comparison.board.title} · compared row by row: {', '.join(told) or 'no rows'}"


def cells(row: Row) -> list[str]:
    """Return the cells of a row as text, in the order of HEAD."""
    name = str(row["name"] if known(row["name"]) else row["before_name"])
    if known(row["settings"]) and row["settings"]:
        name = f"{name} ({row['settings']})"
    figures = [_figure(row, "accuracy"), _figure(row, "cost_per_1k"), _figure(row, "rank_score")]
    changed = row["decisions_changed"]
    counts = f"{row['won']:.0f} / {row['lost']:.0f}" if known(row["won"]) else DASH
    return [name, row["status"], *figures, f"{100 * changed:.1f}%" if known(changed) else DASH, counts]


def _figure(row: Row, key: str) -> str:
    money = key == "cost_per_1k"
    after, change = row[key], row[f"{key}_change"]
    shown = after if known(after) else row[f"{key}_before"]
    text = dollars(shown) if money else three(shown)
    if not known(change) or change == 0:
        return text
    low, high = row[f"{key}_change_low"], row[f"{key}_change_high"]
    digits = 4 if money else 3
    bracket = f" [{signed(low, digits)}, {signed(high, digits)}]" if known(low) and known(high) else ""
    return f"{text} {signed(change, digits)}{bracket}{'*' if key in str(row['beyond']).split(', ') else ''}"


def write_comparison(comparison: Comparison, out: Path) -> list[Path]:
    """Write compare.{csv,md,html} into `out`; return the files."""
    out = Path(out)
    texts = {
        "compare.csv": comparison.frame.to_csv(index=False, lineterminator="\n"),
        "compare.md": comparison_markdown(comparison),
        "compare.html": comparison_page(comparison),
    }
    for name, text in texts.items():
        write_text(out / name, text)
    return [out / name for name in texts]


def comparison_markdown(comparison: Comparison) -> str:
    """Return the comparison as Markdown."""
    rows = [[markdown_escape(cell) for cell in cells(row)] for row in comparison.frame.to_dict("records")]
    parts = [f"# What changed: {comparison.board.title}", headline(comparison), markdown_table(HEAD, rows), NOTE]
    return "\n\n".join(parts) + "\n"


def comparison_page(comparison: Comparison) -> str:
    """Return the comparison as a page in the style of the leaderboard's."""
    name = str(comparison.board.runs[0].data["dataset_name"])
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in HEAD)
    lines = "".join(_line(row) for row in comparison.frame.to_dict("records"))
    table = f'<table id="compare"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'
    sections = [Section("compare", "What changed", NOTE + ".", f'<div class="scroll">{table}</div>')]
    folders = [f"<li>{escape(str(run.folder))}</li>" for run in comparison.before.runs]
    sections.append(Section("before", "Compared with", "", f"<ul>{''.join(folders)}</ul>"))
    header = f"<h1>{escape(name)}</h1><p>{escape(headline(comparison))}</p>"
    return document(f"What changed: {name}", header, sections)


def _line(row: Row) -> str:
    texts = cells(row)
    beyond = str(row["beyond"]).split(", ")
    styles = ["", "", *(_style(row, key, beyond) for key in ("accuracy", "cost_per_1k", "rank_score")), "", ""]
    tds = "".join(f"<td{style}>{escape(text)}</td>" for text, style in zip(texts[1:], styles[1:], strict=True))
    return f'<tr class="{escape(str(row["status"]))}"><th scope="row">{escape(texts[0])}</th>{tds}</tr>'


def _style(row: Row, key: str, beyond: list[str]) -> str:
    if key not in beyond:
        return ""
    better = (row[f"{key}_change"] > 0) != (key == "cost_per_1k")
    return f' class="{"up" if better else "down"}"'
