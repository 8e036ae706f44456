"""The frontier's figures as shown: columns of its table, and lines about budgets, stability and the exchange rate."""

import pandas as pd

from vlrb.metrics.exchange import ROUTER_ARENA_BOUNDS, exchange_rate
from vlrb.report.columns import Column, percent, signed, three
from vlrb.report.leaderboard import QUERIES, TRAINED, Leaderboard
from vlrb.report.stability import PRICE, PRICES, WITHOUT

FRONTIER_SHOWN = (
    Column("name", "router", "router and the point that dev chose", str),
    Column("aiq_log", "AIQ", "mean accuracy of its hull over log cost, vertices chosen on dev", three),
    Column("aiq_log_gain", "− static mixture", "AIQ less that of single models mixed without a router", signed),
    Column("qnc", "QNC", "test cost of the dev point that matches the best single model, as its share", three, True),
    Column("qnc_accuracy_difference", "acc. diff.", "test accuracy of that point less the best single's", signed, True),
    Column("gap_closed", "gap closed", "share of the gap from best single model to oracle", percent),
    Column("pgr", "PGR", "share of the gap from the cheapest model to the best single one", three, True),
    Column("rank_score_arena", "S, fixed bounds", "Rank Score with RouterArena's bounds, $4.4e-6 to $0.2", three, True),
    Column("optimal_selection", "opt. choices", "share of solvable samples sent to the cheapest right model", percent),
    Column("optimal_accuracy", "opt. acc.", "right answers as a share of the possible ones", percent),
    Column("optimal_cost", "opt. cost", "cost of the cheapest right models as a share of the router's", percent),
    Column("entropy_bits", "entropy", "of the choices, in bits", three),
)


def exchange_line(board: Leaderboard) -> str | None:
    """Return what the Rank Score pays at the best trained row, in its own bounds and in RouterArena's; None if nothing.

    Whoever reads a Rank Score ought to know how many points of accuracy a cheaper answer is worth in it.
    """
    trained = board.section(TRAINED)
    if trained.empty:
        return None
    row = trained.iloc[0]
    accuracy, cost = (None if pd.isna(row[key]) else float(row[key]) for key in ("accuracy", "cost_per_1k"))
    price = None if cost is None else cost / QUERIES
    own, arena = (exchange_rate(accuracy, price, bounds) for bounds in (board.runs[0].bounds, ROUTER_ARENA_BOUNDS))
    if own.accuracy_point is None or own.half_price is None:
        return None
    line = (
        f"one more point of accuracy is worth {signed(own.accuracy_point)} Rank Score at the top row,\n  half the cost "
    )
    line += signed(own.half_price)
    if arena.accuracy_point is None or arena.half_price is None:
        return line
    return f"{line} (RouterArena's fixed bounds: {signed(arena.accuracy_point)} and {signed(arena.half_price)})"


def stability_lines(frame: pd.DataFrame) -> list[str]:
    """Return lines about how the order of routers holds under other prices and pools; none where nothing is known."""
    lines = []
    drawn = frame[frame["kind"] == PRICES]
    if len(drawn):
        row = drawn.iloc[0]
        lines.append(
            f"prices drawn from ×0.5 to ×1.5: Kendall's τ {row['tau']:.2f} on average, {row['tau_low']:.2f} at worst; "
            f"the first stays first in {row['top_kept']:.0%} of {row['draws']:.0f} draws".replace("%", " %")
        )
    for kind, words in ((PRICE, "one model's price halved or up by half"), (WITHOUT, "one model left out")):
        found = frame[(frame["kind"] == kind) & frame["tau"].notna()]
        if len(found):
            worst = found.sort_values("tau", kind="stable").iloc[0]
            kept = int(found["top_kept"].sum())
            lines.append(
                f"{words}: τ at least {worst['tau']:.2f} ({worst['scenario']}); the first stays first in {kept} of "
                f"{len(found)} cases"
            )
    return lines
