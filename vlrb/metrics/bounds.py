"""The cost scale of the Rank Score: a constant of a benchmark and its price list."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class CostBounds:
    """Lowest and highest mean cost of a benchmark's models, over all its complete samples.

    The bounds belong to the benchmark and its prices; they do not depend on the split, on the routers compared or on a
    bootstrap resample. Figures made with different bounds (different `hash`) are not comparable.

    Args:
        cmin: Mean cost of the cheapest model, USD per query; None where unknown.
        cmax: Mean cost of the dearest model, USD per query; None where unknown.
        hash: Hash of bounds and prices.
        reason: Why the bounds give no scale (free model, one cost for all); None if they do.
    """

    cmin: float | None
    cmax: float | None
    hash: str
    reason: str | None = None

    def problem(self) -> str | None:
        """Return why these bounds give no scale, None if they do.

        >>> CostBounds(1e-5, 1e-3, "h").problem()
        >>> CostBounds(1e-5, 1e-5, "h").problem()
        'all models cost the same'
        """
        if self.reason:
            return self.reason
        if self.cmin is None or self.cmax is None:
            return "the benchmark has no cost bounds"
        if self.cmin <= 0:
            return "the cheapest model costs nothing"
        if self.cmin >= self.cmax:
            return "all models cost the same"
        return None

    def to_plain(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "CostBounds":
        """Return the bounds that `to_plain` wrote (further keys are ignored)."""
        return cls(plain["cmin"], plain["cmax"], str(plain["hash"]), plain.get("reason"))
