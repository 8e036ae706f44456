"""What a router knows about its data besides the batches: plain values, saved beside its weights."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from vlrb.data.tradeoff import TradeOff
from vlrb.metrics.bounds import CostBounds
from vlrb.utils.errors import StateError


@dataclass(frozen=True)
class DataSpec:
    """Shapes and constants of the data that a router was trained on.

    Args:
        model_ids: Columns, in order (M of them).
        dataset_names: Names behind the dataset codes of the batches, in order.
        feature_dim: Width D of the fused features; 0 if the router reads none.
        mean_train_cost: Mean training cost per model in USD (M,); infinity where no cost is known.
        trade_off: λ and its settings, with ``cost_scale`` as a number.
        cost_bounds: Cost bounds of the benchmark (for the Rank Score on dev).
        seed: Seed of the run.
        data_fingerprint: Hash of everything that defines the data seen.
    """

    model_ids: tuple[str, ...]
    dataset_names: tuple[str, ...]
    feature_dim: int
    mean_train_cost: tuple[float, ...]
    trade_off: TradeOff
    cost_bounds: CostBounds
    seed: int
    data_fingerprint: str

    @property
    def n_models(self) -> int:
        """Number of columns M."""
        return len(self.model_ids)

    def to_plain(self) -> dict[str, Any]:
        """Return plain values for JSON; an unknown mean cost is null."""
        costs = [None if math.isinf(c) else c for c in self.mean_train_cost]
        return {**asdict(self), "trade_off": self.trade_off.to_plain(), "mean_train_cost": costs}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "DataSpec":
        """Return the spec that `to_plain` wrote.

        Raises:
            StateError: A key is missing or unknown.
        """
        known = {field.name for field in fields(cls)}
        if set(plain) != known:
            raise StateError(f"not a data spec of this version: differing keys {sorted(known ^ set(plain))}")
        return cls(
            model_ids=tuple(plain["model_ids"]),
            dataset_names=tuple(plain["dataset_names"]),
            feature_dim=plain["feature_dim"],
            mean_train_cost=tuple(math.inf if c is None else c for c in plain["mean_train_cost"]),
            trade_off=TradeOff.from_config(plain["trade_off"]),
            cost_bounds=CostBounds.from_plain(plain["cost_bounds"]),
            seed=plain["seed"],
            data_fingerprint=plain["data_fingerprint"],
        )
