"""Costs that came with the data, used instead of a price list: `pricing=recorded`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vlrb import schema
from vlrb.benchmark.names import check_name
from vlrb.benchmark.pricing import AUTO, Price, budget_choice
from vlrb.benchmark.recorded import recorded_matrix
from vlrb.utils.errors import ConfigError


class RecordedCosts:
    """The recorded cost of every query, in the place of a price book.

    A cell without a recorded cost stays unknown; nothing is computed from tokens.

    Args:
        name: Name of the costs; they lie in `costs/<name>/`.
        date: When the costs held.
        source: Where they come from.
        budgets_usd: Budget points in USD per query: `auto` (log-spaced between the cost bounds of the benchmark) or a
            list, which may be empty.
    """

    def __init__(self, name: str, date: str, source: str, budgets_usd: str | Sequence[float] = AUTO) -> None:
        self.name = check_name(name, "price book")
        self.date = date
        self.source = source
        self.budgets_usd = budget_choice(name, budgets_usd)

    def find(self, model_id: str) -> Price | None:
        """Return None: no model has a price per token."""
        del model_id
        return None

    def settings(self) -> dict[str, Any]:
        """Return everything that determines costs besides the recorded figures, as plain values."""
        return {"recorded": True}

    def matrix(self, root: Path, shape: tuple[int, int]) -> np.ndarray:
        """Return C (N, M) float64 in USD per query, NaN = not recorded."""
        found = recorded_matrix(root, schema.RECORDED_COST)
        return np.full(shape, np.nan) if found is None else np.asarray(found, np.float64)

    def require_recorded(self, root: Path, model_ids: Sequence[str], wanted: Sequence[str]) -> None:
        """Raise ConfigError naming the models that have no recorded cost at all.

        Args:
            root: The benchmark folder.
            model_ids: All model ids of the benchmark, in column order.
            wanted: Ids of the models that must have costs.
        """
        found = recorded_matrix(root, schema.RECORDED_COST)
        if found is None:
            raise ConfigError(
                f"pricing={self.name}: the data came without costs", "use token prices: pricing=<price book>, or flat"
            )
        known = dict(zip(model_ids, (~np.isnan(found)).any(axis=0).tolist(), strict=True))
        missing = [model_id for model_id in wanted if not known[model_id]]
        if missing:
            raise ConfigError(
                f"pricing={self.name}: no recorded cost of {', '.join(missing)}",
                "use token prices (pricing=<price book>, or pricing=flat), or leave the models out: "
                f"model_pool.exclude=[{','.join(missing)}]",
            )
