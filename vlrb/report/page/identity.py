"""The table of gain by dataset identity and within datasets."""

from html import escape
from typing import Any

from vlrb.report.columns import known, signed
from vlrb.report.grades import Absent
from vlrb.report.identity import identity_table
from vlrb.report.page.context import Context
from vlrb.report.page.section import Section

TITLE = "What explains the gain"
LEAD = (
    "Gain in accuracy over the best single model, in two parts. By dataset: what the router's choices would be worth "
    "if they were shuffled among the samples of each dataset, so that only shares per dataset count. Within: what is "
    "left, the worth of looking at the sample. ± is two standard deviations of that part under shuffling: inside it, "
    "looking at the sample cannot be told from chance."
)
HEAD = ("router", "gain", "by dataset", "within", "± chance", "")


def identity_section(context: Context) -> Section:
    """Return both parts of every compared router's gain."""
    if isinstance(context.grades, Absent):
        return Section("identity", TITLE, "", "", context.grades.reason, "Gain")
    table = identity_table(context)
    if table.empty:
        return Section("identity", TITLE, "", "", "No run decided on the samples of the first one.", "Gain")
    parts = table[["dataset", "within", "gain"]].astype("float64")
    span = max(float(parts.abs().max().max()), 1e-9) if parts.notna().any().any() else 1.0
    head = "".join(f'<th scope="col">{name}</th>' for name in HEAD)
    lines = "".join(_line(row, span) for row in table.to_dict("records"))
    key = '<p class="key"><i class="by-dataset"></i> by dataset <i class="within"></i> within datasets</p>'
    body = f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
    return Section("identity", TITLE, LEAD, f'{key}<div class="scroll">{body}</div>', short="Gain")


def _line(row: dict[Any, Any], span: float) -> str:
    name = f'<th scope="row">{escape(row["name"])}</th>'
    if not known(row["gain"]):
        return f'<tr>{name}<td colspan="5">{escape(row["reason"])}</td></tr>'
    figures = [signed(row[key]) for key in ("gain", "dataset", "within")] + [f"± {2 * row['within_sd']:.3f}"]
    bars = "".join(_bar(row[key], span, style) for key, style in (("dataset", "by-dataset"), ("within", "within")))
    cells = "".join(f"<td>{figure}</td>" for figure in figures)
    return f'<tr>{name}{cells}<td class="bars" aria-hidden="true">{bars}</td></tr>'


def _bar(value: float, span: float, style: str) -> str:
    width = 50 * abs(value) / span
    left = 50 - width if value < 0 else 50
    return f'<span class="bar"><i class="{style}" style="left:{left:.1f}%;width:{width:.1f}%"></i></span>'
