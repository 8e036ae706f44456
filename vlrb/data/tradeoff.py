"""The accuracy–cost trade-off of a run: how strongly soft targets (and expected utilities) prefer cheap answers."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from vlrb.benchmark.targets import SoftTargets, auto_cost_scale, soft_targets
from vlrb.schema import CORRECT_THRESHOLD
from vlrb.utils.errors import ConfigError
from vlrb.utils.instantiate import check_arguments

INFINITY_WORD = "inf"


@dataclass(frozen=True)
class TradeOff:
    """Settings of the soft targets t(m) ∝ 1[correct] · g(c · cost_scale).

    Args:
        value: λ ≥ 0; 0 = accuracy alone, infinity = the cheapest correct model.
        scheme: ``exp``: g(x) = e^(−λx); ``power``: g(x) = (x + epsilon)^(−λ).
        cost_scale: ``auto`` = 1 / mean training cost, or a number per USD (the published code uses 100).
        fallback: Rows without a correct model: ``drop`` (weight 0), ``cost_soft`` or ``cheapest``.
        epsilon: Added to the scaled cost under ``power``.

    Raises:
        ConfigError: A value is out of its range or not one of the choices.
    """

    value: float = 0.5
    scheme: Literal["exp", "power"] = "exp"
    cost_scale: float | Literal["auto"] = "auto"
    fallback: Literal["drop", "cost_soft", "cheapest"] = "drop"
    epsilon: float = 0.0

    def __post_init__(self) -> None:
        check_arguments(TradeOff, asdict(self), "lambda", set())
        if math.isnan(self.value) or self.value < 0:
            raise ConfigError(f"lambda must be a number of at least 0 or inf, not {self.value}")
        if self.cost_scale != "auto" and not 0 < self.cost_scale < math.inf:
            raise ConfigError(f"lambda.cost_scale must be 'auto' or a positive number, not {self.cost_scale}")
        if not 0 <= self.epsilon < math.inf:
            raise ConfigError(f"lambda.epsilon must be a number of at least 0, not {self.epsilon}")

    @classmethod
    def from_config(cls, node: Mapping[str, Any]) -> "TradeOff":
        """Build the trade-off of the config group ``lambda``, naming unknown keys and wrong types."""
        value = math.inf if node.get("value") == INFINITY_WORD else node.get("value", cls.value)
        settings = {**node, "value": value}
        check_arguments(cls, settings, "lambda", set())
        return cls(**settings)

    def frozen(self, C_train: np.ndarray) -> "TradeOff":
        """Return the same trade-off with ``cost_scale`` as the number that these training costs give.

        Args:
            C_train: (n, M) USD, NaN = missing.
        """
        if self.cost_scale != "auto":
            return self
        return TradeOff(self.value, self.scheme, auto_cost_scale(C_train), self.fallback, self.epsilon)

    @property
    def scale(self) -> float:
        """The cost scale as a number; an error while it is still ``auto``."""
        if self.cost_scale == "auto":
            raise ConfigError("the cost scale is 'auto' and not frozen yet", "use the trade-off of a data spec")
        return self.cost_scale

    def targets(self, Y: np.ndarray, C: np.ndarray) -> SoftTargets:
        """Return the soft targets (n, M) and weights (n,) for qualities Y (n, M) and costs C (n, M, USD)."""
        return soft_targets(correct(Y), C, self.value, self.scheme, self.scale, self.fallback, self.epsilon)

    def to_plain(self) -> dict[str, Any]:
        """Return plain values for JSON (an infinite λ as the word ``inf``)."""
        return {**asdict(self), "value": INFINITY_WORD if math.isinf(self.value) else self.value}


def correct(Y: np.ndarray) -> np.ndarray:
    """Return y = 1[Y ≥ τ] as float32, NaN where Y is NaN.

    >>> correct(np.array([0.2, 0.5, np.nan])).tolist()
    [0.0, 1.0, nan]
    """
    Y = np.asarray(Y, dtype=np.float32)
    return np.where(np.isnan(Y), np.float32(np.nan), (Y >= CORRECT_THRESHOLD).astype(np.float32))
