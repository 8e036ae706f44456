"""Which samples a report shows one by one: those that say most, and a random rest; the same for the same seed."""

from typing import NamedTuple

import numpy as np

DISAGREE, UNSOLVED, RANDOM = "routers disagree", "no model solves it", "random"
WON, LOST = "the first router beats the best single model", "the best single model beats the first router"
REASONS = (DISAGREE, WON, LOST, UNSOLVED, RANDOM)
SHARES = {DISAGREE: 1 / 3, WON: 1 / 6, LOST: 1 / 6, UNSOLVED: 1 / 12}  # the rest is random


class Picked(NamedTuple):
    """Rows that were picked, ascending, and why each was."""

    rows: np.ndarray
    reasons: list[str]


def pick_samples(y: np.ndarray, decisions: np.ndarray, best: int, most: int, seed: int = 0) -> Picked:
    """Pick samples to show.

    A third where routers disagree most (by the number of different models chosen, among them those where some routers
    are right and others wrong first), a sixth where the first router is right and the best single model is wrong, a
    sixth the other way round, a twelfth that no model solves, the rest at random. What one reason cannot fill is left
    to chance; ties are broken by the seed.

    Args:
        y: (n, m) right or wrong, NaN = unknown.
        decisions: (r, n) chosen columns of the compared routers, the first one first.
        best: Column of the best single model.
        most: How many to pick.
        seed: Seed of the random part.
    """
    n = len(y)
    order = np.random.default_rng(seed).permutation(n)
    right = y[np.arange(n), decisions]
    ordered = np.sort(decisions, axis=0)
    different = 1 + (np.diff(ordered, axis=0) != 0).sum(axis=0)
    mixed = (right == 1).any(axis=0) & (right == 0).any(axis=0)
    candidates = {
        DISAGREE: _ranked(order, np.where(different > 1, different + len(decisions) * mixed, 0)),
        WON: _ranked(order, (right[0] == 1) & (y[:, best] == 0)),
        LOST: _ranked(order, (right[0] == 0) & (y[:, best] == 1)),
        UNSOLVED: _ranked(order, (y == 0).all(axis=1)),
    }
    reasons: dict[int, str] = {}
    for reason, rows in candidates.items():
        room = min(int(most * SHARES[reason]), most - len(reasons))
        reasons |= {int(row): reason for row in [r for r in rows if int(r) not in reasons][:room]}
    rest = [int(row) for row in order if int(row) not in reasons]
    reasons |= dict.fromkeys(rest[: max(0, most - len(reasons))], RANDOM)
    chosen = sorted(reasons)
    return Picked(np.array(chosen, dtype=np.int64), [reasons[row] for row in chosen])


def _ranked(order: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Return the rows of positive worth, highest first, ties in the given order."""
    rows = order[np.argsort(-worth[order].astype(float), kind="stable")]
    return np.asarray(rows[worth[rows] > 0])
