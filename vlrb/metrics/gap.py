"""How much of the distance between the best single model and the oracle a router closes."""

from vlrb.metrics.value import Value, undefined


def gap_closed(accuracy: float | None, best_single: float | None, oracle: float | None) -> Value:
    """Return (a − a_best) / (a_oracle − a_best): 0 = the best single model, 1 = the oracle, negative = worse than both.

    Not RouteLLM's PGR, which is measured from the cheapest to the strongest model (arXiv 2406.18665). The best single
    model is the one that was strongest on the training split. Undefined where the oracle gains nothing.

    >>> round(gap_closed(0.80, 0.75, 0.95).value, 6)  # .05 / .20
    0.25
    >>> gap_closed(0.80, 0.80, 0.80).reason
    'the oracle is no better than the best single model'
    """
    if accuracy is None or best_single is None or oracle is None:
        return undefined("an accuracy is undefined")
    if oracle <= best_single:
        return undefined("the oracle is no better than the best single model")
    return Value((accuracy - best_single) / (oracle - best_single))
