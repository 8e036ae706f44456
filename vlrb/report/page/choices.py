"""Which models are chosen, as a table of bars."""

from html import escape

import numpy as np

from vlrb.report.choices import by_cost
from vlrb.report.frames import choice_shares
from vlrb.report.page.context import Context
from vlrb.report.page.section import Section

TITLE = "Which models are chosen"
LEAD = (
    "Share of samples that went to each model, cheapest model first. The oracle sends a sample to the cheapest model "
    "that solves it. Selection entropy: 0 if one model takes all, 1 if all models share alike."
)


def choices_section(context: Context) -> Section:
    """Return shares of choices: models down, the oracle and compared routers across."""
    board = context.board
    models = by_cost(board)
    columns = {leader.name: choice_shares(leader.table.table, models) for leader in context.leaders}
    columns["oracle"] = choice_shares(board.evaluated.table, models, "oracle_")
    top = max(float(max(share.max() for share in columns.values())), 1e-9)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ["model", *columns])
    lines = []
    for place, model in enumerate(models):
        cells = "".join(_cell(float(share[place]), top) for share in columns.values())
        lines.append(f'<tr><th scope="row">{escape(board.runs[0].display_name(model))}</th>{cells}</tr>')
    entropies = "".join(f"<td>{selection_entropy(share):.2f}</td>" for share in columns.values())
    lines.append(f'<tr class="summary"><th scope="row">selection entropy</th>{entropies}</tr>')
    table = f'<table class="shares"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
    return Section("choices", TITLE, LEAD, f'<div class="scroll">{table}</div>', short="Choices")


def selection_entropy(share: np.ndarray) -> float:
    """Return the entropy of shares of m choices over log m, in [0, 1].

    >>> selection_entropy(np.array([0.5, 0.5, 0, 0])), selection_entropy(np.array([1.0, 0.0]))
    (0.5, 0.0)
    """
    positive = share[share > 0]
    return abs(float(-(positive * np.log(positive)).sum() / np.log(len(share)))) if len(share) > 1 else 0.0


def _cell(share: float, top: float) -> str:
    text = "" if share == 0 else "&lt;1%" if share < 0.005 else f"{100 * share:.0f}%"
    bar = f'<i style="width:{100 * share / top:.1f}%" aria-hidden="true"></i>' if share >= 0.005 else ""
    return f'<td><span class="share">{text}{bar}</span></td>'
