"""The report page: one file that needs nothing else, from phone to wide screen, light and dark."""

from html import escape
from importlib import resources

import pandas as pd

from vlrb.report.canvas import inline_svg
from vlrb.report.choices import choices_figure
from vlrb.report.columns import shown_columns
from vlrb.report.html_tables import datasets_html, leaderboard_html, runs_html
from vlrb.report.leaderboard import Leaderboard
from vlrb.report.palette import SHADES
from vlrb.report.pareto import pareto_figure
from vlrb.report.points import points_html
from vlrb.report.terminal import footnotes

PHONE_FIGURE = (4.3, 4.9)  # inches; shown below 640 pixels


def report_page(board: Leaderboard, datasets: pd.DataFrame) -> str:
    """Return the page as HTML.

    Args:
        board: The leaderboard.
        datasets: Its table per dataset, see `dataset_table`.
    """
    title = f"Routing leaderboard: {board.runs[0].data['dataset_name']}"
    badge = '<span class="badge">synthetic data</span>' if board.synthetic else ""
    split = f'<span class="badge plain">{escape(board.split)} split</span>'
    notes = "".join(f"<li>{escape(note)}</li>" for note in footnotes(board))
    wide = inline_svg(pareto_figure(board), "pareto", "accuracy against cost")
    phone = inline_svg(pareto_figure(board, *PHONE_FIGURE), "pareto-phone", "accuracy against cost")
    choices = inline_svg(choices_figure(board), "choices", "share of samples that went to each model")
    return _DOCUMENT.format(
        title=escape(title),
        heading=escape(str(board.runs[0].data["dataset_name"])),
        badges=split + badge,
        subtitle=escape(board.subtitle),
        leaderboard=leaderboard_html(board),
        notes=notes,
        points=points_html(board),
        pareto=f'<div class="wide">{wide}</div><div class="phone">{phone}</div>',
        choices=choices,
        datasets=datasets_html(board, datasets),
        columns="".join(f"<dt>{escape(c.heading)}</dt><dd>{escape(c.help)}</dd>" for c in shown_columns(board.frame)),
        runs=runs_html(board),
        data=escape(str(board.runs[0].data["data_fingerprint"])),
        style=_colours() + _file("page.css"),
        script=_file("page.js"),
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
<section aria-label="leaderboard"><div class="scroll">{leaderboard}</div><ul class="notes">{notes}</ul>
{points}</section>
<section aria-label="plots"><figure>{pareto}</figure><figure><div class="scroll">{choices}</div></figure></section>
<section><h2>Accuracy by dataset</h2>
<p>Shade: above (blue) or below (orange) the best single model, full at 0.10. micro: every sample counts the same;
macro: every dataset counts the same. Single datasets are small: their figures move by chance.</p>
<div class="scroll">{datasets}</div></section>
<section><details><summary>Columns</summary><dl>{columns}</dl></details>
<details><summary>Runs</summary>{runs}<p>data fingerprint <code>{data}</code></p></details></section>
</main>
<script>{script}</script>
</body>
</html>
"""
