"""How much of a distance a router covers: best single model to oracle, or cheapest model to best single."""

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
    return _covered(accuracy, best_single, oracle, "the oracle is no better than the best single model")


def gap_recovered(accuracy: float | None, cheapest: float | None, strongest: float | None) -> Value:
    """Return PGR, (a − a_cheapest) / (a_strongest − a_cheapest): 0 = the cheapest model, 1 = the best single model.

    RouteLLM's performance gap recovered (arXiv 2406.18665), there between a weak and a strong model. A router that is
    better than every single model has more than 1. Not the gap closed, which begins where this one ends: a router at
    the best single model's accuracy has PGR 1 and has closed nothing. Both models are those of the training split.
    Undefined where the strongest model is no better than the cheapest.

    >>> round(gap_recovered(0.80, 0.35, 0.75).value, 6)  # .45 / .40
    1.125
    >>> gap_recovered(0.80, 0.75, 0.75).reason
    'the best single model is no better than the cheapest'
    """
    return _covered(accuracy, cheapest, strongest, "the best single model is no better than the cheapest")


def _covered(accuracy: float | None, low: float | None, high: float | None, no_distance: str) -> Value:
    """Return (a − low) / (high − low); undefined for the reason `no_distance` where high is not above low."""
    if accuracy is None or low is None or high is None:
        return undefined("an accuracy is undefined")
    if high <= low:
        return undefined(no_distance)
    return Value((accuracy - low) / (high - low))
