"""The document around the sections: style, script, colours; nothing in it asks for anything outside the file."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from importlib import resources

from vlrb.report.page.section import Section, render
from vlrb.report.palette import SHADES


def document(title: str, header: str, sections: Sequence[Section]) -> str:
    """Return a whole page.

    Its policy forbids every request, and every script but the one it brings.

    Args:
        title: Title of the document; plain text.
        header: HTML inside the page's header.
        sections: What it shows, in this order.
    """
    script = _file("page.js") + _file("chart.js") + _file("drill.js")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    contents = "".join(f'<li><a href="#{s.key}">{escape(s.short or s.title)}</a></li>' for s in sections)
    return _DOCUMENT.format(
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
        title=escape(title),
        style=_colours() + _file("page.css") + _file("chart.css"),
        header=header,
        contents=contents,
        sections="\n".join(render(section) for section in sections),
        script=script,
    )


def _file(name: str) -> str:
    return resources.files("vlrb.report").joinpath("templates").joinpath(name).read_text(encoding="utf-8")


def _colours() -> str:
    """Return the palette as CSS variables: dark where the reader prefers it or has chosen it."""
    light, dark = ("".join(f"--{name}:{shades[k]};" for name, shades in SHADES.items()) for k in (0, 1))
    return (
        f":root{{color-scheme:light;{light}}}"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}"
        f"@media print{{:root,:root:not([data-theme=light]),:root[data-theme=dark]{{color-scheme:light;{light}}}}}"
    )


_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the tables</a>
<header><div class="head">{header}</div><button id="theme" type="button" hidden>Dark</button></header>
<nav aria-label="contents"><ul>{contents}</ul></nav>
<noscript><p class="absent">Charts and single samples need JavaScript; the tables do not.</p></noscript>
<main id="main">
{sections}
</main>
<script>{script}</script>
</body>
</html>
"""
