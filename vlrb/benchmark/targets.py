"""Soft targets: which models a router should put its mass on, given outcomes, costs and the trade-off λ."""

from typing import Literal, NamedTuple

import numpy as np

from vlrb.metrics.outcomes import is_correct
from vlrb.utils.errors import ConfigError, DataError

Scheme = Literal["exp", "power"]
Fallback = Literal["drop", "cost_soft", "cheapest"]


class SoftTargets(NamedTuple):
    """Targets (n, M) float32, each row sums to 1 or is zero; weight (n,) float32, 1 or 0 for rows without a target."""

    targets: np.ndarray
    weight: np.ndarray


def auto_cost_scale(C: np.ndarray) -> float:
    """Return 1/c₀, c₀ = mean over models of their mean training cost (models without any known cost are left out).

    Args:
        C: (n, M) training costs in USD, NaN = unknown.

    Raises:
        DataError: No cost is known, or every query is free.

    >>> auto_cost_scale(np.array([[1.0, 2.0], [3.0, np.nan]]))  # means 2 and 2
    0.5
    """
    known = ~np.isnan(C)
    counts = known.sum(axis=0)
    means = np.where(known, C, 0.0).sum(axis=0)[counts > 0] / counts[counts > 0]
    if not len(means) or means.mean() <= 0:
        raise DataError("the mean training cost is unknown or 0", "set lambda.cost_scale to a number")
    return float(1.0 / means.mean())


def soft_targets(
    y: np.ndarray,
    C: np.ndarray,
    lam: float,
    scheme: Scheme = "exp",
    cost_scale: float = 1.0,
    fallback: Fallback = "drop",
    eps: float = 0.0,
) -> SoftTargets:
    """Return t(m) ∝ y(m)·w(m) with w = exp(−λ·c·s) (exp) or (c·s + ε)^−λ (power), computed in log space.

    λ = 0 is uniform over the correct models, λ = ∞ the cheapest correct model, ties shared. A cell counts only where
    both y and C are known; the others get no mass. A row without a known correct model follows `fallback`: `drop` gives
    it weight 0, `cost_soft` spreads w over all known models, `cheapest` takes the cheapest known model (ties shared);
    a row without any known cell always has weight 0.

    Args:
        y: (n, M) quality or 0/1 outcome, NaN = unknown; correct means y ≥ 0.5.
        C: (n, M) cost in USD, NaN = unknown.
        lam: Trade-off λ ≥ 0, may be infinite.
        scheme: Form of w.
        cost_scale: s > 0, in 1/USD; see `auto_cost_scale`.
        fallback: What to do with rows without a correct model.
        eps: ε ≥ 0 of the power scheme.

    >>> t, _ = soft_targets(np.array([[1, 1, 0]]), np.array([[1.0, 2.0, 0.5]]), lam=np.log(3.0))  # 1/3 : 1/9 = 3 : 1
    >>> t.round(4).tolist()
    [[0.75, 0.25, 0.0]]
    """
    _check(lam, scheme, cost_scale, fallback, eps)
    known = ~(np.isnan(y) | np.isnan(C))
    support = known & (is_correct(y) == 1)
    unsolved = ~support.any(axis=1)
    if fallback != "drop":
        support[unsolved] = known[unsolved]
    z = _scaled_cost(np.asarray(C, np.float64), scheme, cost_scale, eps)
    targets = _weights(z, support, lam)
    if fallback == "cheapest":
        targets[unsolved] = _weights(z[unsolved], support[unsolved], np.inf)
    weight = support.any(axis=1)
    return SoftTargets(targets.astype(np.float32), weight.astype(np.float32))


def _scaled_cost(C: np.ndarray, scheme: Scheme, cost_scale: float, eps: float) -> np.ndarray:
    scaled = C * cost_scale
    if scheme == "exp":
        return scaled
    with np.errstate(divide="ignore", invalid="ignore"):  # ln 0 = −∞ is the right limit for a free model
        return np.asarray(np.log(scaled + eps))


def _weights(z: np.ndarray, support: np.ndarray, lam: float) -> np.ndarray:
    # Distance to the cheapest model of the support: its weight is exp(0) = 1 whatever λ, so no row can underflow.
    masked = np.where(support, z, np.inf)
    lowest = masked.min(axis=1, keepdims=True, initial=np.inf)
    cheapest = support & (masked == lowest)
    if lam == 0:
        mass = support.astype(np.float64)
    elif np.isinf(lam):
        mass = cheapest.astype(np.float64)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            distance = np.where(cheapest, 0.0, masked - lowest)
            mass = np.where(support, np.exp(-lam * distance), 0.0)
    total = mass.sum(axis=1, keepdims=True)
    shares: np.ndarray = np.divide(mass, total, out=np.zeros_like(mass), where=total > 0)
    return shares


def _check(lam: float, scheme: str, cost_scale: float, fallback: str, eps: float) -> None:
    if np.isnan(lam) or lam < 0:
        raise ConfigError(f"lambda must be a number ≥ 0 or inf, not {lam}")
    if scheme not in ("exp", "power"):
        raise ConfigError(f"lambda.scheme={scheme}: no such scheme", "valid: exp, power")
    if fallback not in ("drop", "cost_soft", "cheapest"):
        raise ConfigError(f"lambda.fallback={fallback}: no such fallback", "valid: drop, cost_soft, cheapest")
    if not (np.isfinite(cost_scale) and cost_scale > 0):
        raise ConfigError(f"lambda.cost_scale must be a finite number > 0, not {cost_scale}")
    if not (np.isfinite(eps) and eps >= 0):
        raise ConfigError(f"eps must be a finite number ≥ 0, not {eps}")
