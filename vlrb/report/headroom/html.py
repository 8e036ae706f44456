"""The headroom page: one file that needs nothing else, from phone to wide screen, light and dark."""

from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

from vlrb.report.canvas import inline_svg
from vlrb.report.columns import three
from vlrb.report.headroom.figures import headroom_figures
from vlrb.report.headroom.markdown import ALTS, GROUP_HEAD, group_rows
from vlrb.report.headroom.terminal import oracle_rows, subtitle
from vlrb.report.headroom.words import caveats, findings, headline, per_1k, summary
from vlrb.report.palette import SHADES

SIGNS = {True: ("for", "+"), False: ("against", "−"), None: ("neither", "·")}
FULL_SHADE = 0.6  # correlation of errors that gets the full shade
MOST_SHADE = 60  # per cent


def headroom_page(report: Mapping[str, Any]) -> str:
    """Return the page as HTML."""
    badges = [f'<span class="badge plain">{escape(report["scope"])}</span>']
    badges += ['<span class="badge">synthetic data</span>'] if report["synthetic"] else []
    groups = [
        f"<section><h2>By {escape(g['name'])}</h2><p>Best model in hindsight, and the model that stands out most from "
        f"its ability, in standard deviations.</p>{table(GROUP_HEAD, group_rows(g), (0, 2, 6))}</section>"
        for g in report["groupings"]
        if "best" in g
    ]
    return _DOCUMENT.format(
        title=escape(f"Is routing worth it on {report['dataset']}?"),
        heading=escape(f"Is routing worth it on {report['dataset']}?"),
        badges="".join(badges),
        subtitle=escape(subtitle(report)),
        kind=escape(report["verdict"]["verdict"].replace(" ", "-")),
        headline=escape(headline(report)),
        summary=escape(summary(report)),
        levels=table(["", "accuracy", "luck and difficulty alone"], oracle_rows(report)),
        findings="".join(_finding(*finding) for finding in findings(report)),
        caveats="".join(f"<li>{escape(line)}</li>" for line in caveats(report)),
        figures=_figures(report),
        models=table(["model", "accuracy", "$/1k", "alone right", "n"], _model_rows(report)),
        pairs=_pairs(report["pairs"]),
        groups="".join(groups),
        settings=escape(_settings(report)),
        style=_colours() + _file("page.css") + _file("headroom.css"),
    )


def _finding(question: str, answer: str, speaks_for: bool | None) -> str:
    kind, sign = SIGNS[speaks_for]
    return f'<dt class="{kind}"><span aria-label="{kind}">{sign}</span>{escape(question)}</dt><dd>{escape(answer)}</dd>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """Return a table in a box that scrolls; columns in `left` are flush left."""
    sides = [' class="left"' if k in left else "" for k in range(len(head))]
    titles = "".join(f'<th scope="col"{side}>{escape(name)}</th>' for name, side in zip(head, sides, strict=True))
    lines = []
    for row in rows:
        cells = "".join(f"<td{side}>{escape(cell)}</td>" for cell, side in zip(row[1:], sides[1:], strict=True))
        lines.append(f'<tr><th scope="row">{escape(row[0])}</th>{cells}</tr>')
    return f'<div class="scroll"><table><thead><tr>{titles}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _model_rows(report: Mapping[str, Any]) -> list[list[str]]:
    return [
        [row["name"], three(row["accuracy"]), per_1k(row["cost"]), f"{row['alone']:.1%}", f"{row['n']:,}"]
        for row in report["models"]
    ]


def _pairs(pairs: Mapping[str, Any]) -> str:
    """Return error correlations as a shaded table; the share where the row alone is right is told on hovering."""
    names = pairs["models"]
    head = "".join(f'<th scope="col" title="{escape(name)}">{k}</th>' for k, name in enumerate(names, start=1))
    lines = []
    for k, name in enumerate(names):
        cells = "".join(_pair(pairs, k, j) for j in range(len(names)))
        lines.append(f'<tr><th scope="row">{k + 1} {escape(name)}</th>{cells}</tr>')
    body = f"<thead><tr><th></th>{head}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return f'<div class="scroll"><table id="pairs">{body}</table></div>'


def _pair(pairs: Mapping[str, Any], row: int, column: int) -> str:
    value = pairs["error_correlation"][row][column]
    if row == column or value is None:
        return "<td>–</td>"
    alone, both = pairs["only_row_right"][row][column], pairs["both_wrong"][row][column]
    names = pairs["models"]
    words = f"{names[row]} right, {names[column]} wrong: {three(alone)}; both wrong: {three(both)}"
    share = round(MOST_SHADE * max(-1.0, min(1.0, value / FULL_SHADE)))
    colour = "vermilion" if share > 0 else "blue"
    shade = f"background:color-mix(in srgb,var(--{colour}) {abs(share)}%,transparent)"
    return f'<td title="{escape(words)}" style="{shade}">{value:.2f}</td>'


def _figures(report: Mapping[str, Any]) -> str:
    wide, phone = headroom_figures(report), headroom_figures(report, narrow=True)
    parts = []
    for name in (name for name in ALTS if name in wide):
        one = inline_svg(wide[name], name, ALTS[name])
        other = inline_svg(phone[name], f"{name}-phone", ALTS[name])
        parts.append(f'<figure><div class="wide">{one}</div><div class="phone">{other}</div></figure>')
    return "".join(parts)


def _settings(report: Mapping[str, Any]) -> str:
    settings = report["settings"]
    return (
        f"pool {report['model_pool']}, prices {report['pricing']}; {settings['replicates']} draws of the null, "
        f"{settings['resamples']:,} bootstrap resamples over split groups, seed {settings['seed']}"
    )


def _file(name: str) -> str:
    return resources.files("vlrb.report").joinpath("templates").joinpath(name).read_text(encoding="utf-8")


def _colours() -> str:
    """Return the palette as CSS variables, dark where the reader prefers it."""
    light, dark = ("".join(f"--{name}:{shades[k]};" for name, shades in SHADES.items()) for k in (0, 1))
    return f":root{{color-scheme:light dark;{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"


_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header><h1>{heading} {badges}</h1><p>{subtitle}</p></header>
<main>
<section class="verdict {kind}"><strong>{headline}</strong><p>{summary}</p></section>
<section><h2>From what can be had to what cannot</h2>{levels}</section>
<section class="plots">{figures}</section>
<section><h2>Evidence</h2><dl class="evidence">{findings}</dl><ul class="notes">{caveats}</ul></section>
<section><h2>Models</h2><p>alone right: samples that no other model solves.</p>{models}</section>
<section><h2>Errors of pairs</h2><p>Correlation of errors; orange pairs fail together, pale ones complement one another.
Point at a cell for the share that the row alone solves.</p>{pairs}</section>
{groups}
<section><details><summary>Settings</summary><p>{settings}</p></details></section>
</main>
</body>
</html>
"""
