"""What the Rank Score pays: for a point of accuracy, and for half the price. And the scale it is read on elsewhere."""

from typing import Final, NamedTuple

from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.rank_score import rank_score
from vlrb.schema import RANK_SCORE_BETA

# RouterArena (arXiv 2510.00202; its code): 0.0044 and 200 USD per 1,000 queries, whatever is compared.
ROUTER_ARENA_BOUNDS: Final = CostBounds(4.4e-6, 0.2, "RouterArena")


class ExchangeRate(NamedTuple):
    """Rise of the Rank Score for one more point of accuracy, and for half the cost; None where undefined."""

    accuracy_point: float | None
    half_price: float | None


def exchange_rate(
    accuracy: float | None, cost: float | None, bounds: CostBounds, beta: float = RANK_SCORE_BETA
) -> ExchangeRate:
    """Return what the Rank Score pays at a point: S(a + .01, c) − S(a, c) and S(a, c/2) − S(a, c).

    With the bounds of a benchmark, a factor of 100 apart, half a price pays three times what it pays with
    RouterArena's, which are 45,000 apart.

    >>> rate = exchange_rate(0.80, 1.5e-4, CostBounds(1.6e-5, 1.6e-3, "h"))
    >>> round(rate.accuracy_point, 4), round(rate.half_price, 4)
    (0.0082, 0.024)
    >>> round(exchange_rate(0.80, 1.5e-4, ROUTER_ARENA_BOUNDS).half_price, 4)
    0.0074
    """
    here = rank_score(accuracy, cost, bounds, beta).value
    if here is None or accuracy is None or cost is None:
        return ExchangeRate(None, None)
    better = rank_score(min(accuracy + 0.01, 1.0), cost, bounds, beta).value
    cheaper = rank_score(accuracy, cost / 2, bounds, beta).value
    return ExchangeRate(None if better is None else better - here, None if cheaper is None else cheaper - here)
