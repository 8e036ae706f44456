"""What a section of the page is, and how data are laid down for its script."""

import json
from html import escape
from typing import Any, NamedTuple

import numpy as np


class Section(NamedTuple):
    """One section of the page.

    Attributes:
        key: Its anchor.
        title: Its heading, also in the list of contents.
        lead: What it shows and how to read it; plain text.
        html: Its content; "" where there is nothing to show.
        absent: Why there is nothing to show; plain text.
        short: Its heading in the list of contents, if that is to be shorter.
    """

    key: str
    title: str
    lead: str
    html: str
    absent: str = ""
    short: str = ""


def render(section: Section) -> str:
    """Return a section as HTML; an absent one is one line that says why."""
    if not section.html:
        body = f'<p class="absent">{escape(section.absent)}</p>'
    else:
        body = (f'<p class="lead">{escape(section.lead)}</p>' if section.lead else "") + section.html
    return (
        f'<section id="{section.key}" aria-labelledby="{section.key}-title">'
        f'<h2 id="{section.key}-title">{escape(section.title)}</h2>{body}</section>'
    )


def data_block(key: str, content: Any) -> str:  # noqa: ANN401 - plain JSON
    r"""Return JSON that stands in a page: no text in it can end the block or begin markup.

    >>> data_block("a", {"prompt": "</b>"})
    '<script type="application/json" id="a-data">{"prompt":"\\u003c/b\\u003e"}</script>'
    """
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return f'<script type="application/json" id="{key}-data">{text}</script>'


def chart_html(key: str, description: str, spec: Any) -> str:  # noqa: ANN401 - plain JSON
    """Return the place of a chart that the page's script draws, with its data."""
    label = escape(description, quote=True)
    return f'<div class="chart" data-chart="{key}" data-label="{label}"></div>{data_block(key, spec)}'


def rounded(value: Any, digits: int = 6) -> float | None:  # noqa: ANN401 - a cell
    """Return a number for JSON with so many significant digits; None where it is not finite.

    >>> rounded(0.123456789), rounded(float("nan")), rounded(None)
    (0.123457, None, None)
    """
    if value is None or not np.isfinite(value):
        return None
    return float(f"{float(value):.{digits}g}")
