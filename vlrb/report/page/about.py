"""What the page is made from: columns, runs, data."""

from html import escape

from vlrb.report.columns import shown_columns
from vlrb.report.page.context import Context
from vlrb.report.page.section import Section
from vlrb.report.page.tables import runs_html


def about_section(context: Context) -> Section:
    """Return the meaning of the columns, the run folders and the fingerprint of the data."""
    board = context.board
    columns = "".join(f"<dt>{escape(c.heading)}</dt><dd>{escape(c.help)}</dd>" for c in shown_columns(board.frame))
    data = escape(str(board.runs[0].data["data_fingerprint"]))
    html = (
        f"<details><summary>Columns of the leaderboard</summary><dl>{columns}</dl></details>"
        f"<details><summary>Run folders ({len(board.runs)})</summary>{runs_html(board)}</details>"
        f"<details><summary>Data</summary><p>data fingerprint <code>{data}</code></p></details>"
    )
    return Section("about", "About this page", "", html)
