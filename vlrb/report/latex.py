"""The leaderboard as a LaTeX table (booktabs)."""

from vlrb.report.columns import DASH, Column, shown_columns
from vlrb.report.leaderboard import BOUND, KINDS, REFERENCE, TRAINED, Leaderboard

SECTIONS = {TRAINED: "trained routers", REFERENCE: "references", BOUND: "bounds"}
SPECIAL = {
    **{char: f"\\{char}" for char in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "λ": r"$\lambda$",
    "μ": r"$\mu$",
    "β": r"$\beta$",
    "−": "$-$",
    "±": r"$\pm$",
    "·": r"$\cdot$",
    DASH: "--",
}


def leaderboard_latex(board: Leaderboard) -> str:
    """Return a table environment: needs booktabs; the best figure of the routers is bold, intervals are small."""
    columns = shown_columns(board.frame)
    best = _best(board, columns)
    lines = [" & ".join(latex_escape(column.heading) for column in columns) + r" \\"]
    for kind in KINDS:
        rows = board.section(kind).to_dict("records")
        if rows:
            lines += [r"\midrule", rf"\multicolumn{{{len(columns)}}}{{l}}{{\emph{{{SECTIONS[kind]}}}}} \\"]
        for place, row in enumerate(rows):
            cells = [_cell(column, row, bold=kind == TRAINED and best.get(column.key) == place) for column in columns]
            lines.append(" & ".join(cells) + r" \\")
    body = "\n".join(lines)
    caption = f"{latex_escape(board.title)}: {latex_escape(board.subtitle)}. In brackets: 95\\,\\% bootstrap intervals."
    return (
        "% needs \\usepackage{booktabs}\n\\begin{table}\n\\centering\n\\small\n"
        f"\\caption{{{caption}}}\n\\begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}\n\\toprule\n{body}\n"
        "\\bottomrule\n\\end{tabular}\n\\end{table}\n"
    )


def latex_escape(text: str) -> str:
    r"""Return text that LaTeX sets as it is.

    >>> latex_escape("knn_λ=0.5 100% $1 a\\b")
    'knn\\_$\\lambda$=0.5 100\\% \\$1 a\\textbackslash{}b'
    """
    return "".join(SPECIAL.get(char, char) for char in text)


def _best(board: Leaderboard, columns: list[Column]) -> dict[str, int]:
    """Return the place of the best router by column, for the figures of which more is better."""
    rows = board.section(TRAINED).reset_index(drop=True)
    keys = [c.key for c in columns if c.key in ("accuracy", "quality", "rank_score", "gap_closed")]
    known = [key for key in keys if len(rows) > 1 and rows[key].notna().any()]
    return {key: int(rows[key].to_numpy(dtype=float, na_value=-1.0).argmax()) for key in known}


def _cell(column: Column, row: dict, *, bold: bool) -> str:  # type: ignore[type-arg]
    figure, bracket = latex_escape(column.figure(row)), latex_escape(column.bracket(row))
    figure = rf"\textbf{{{figure}}}" if bold else figure
    return f"{figure} {{\\scriptsize {bracket}}}" if bracket else figure
