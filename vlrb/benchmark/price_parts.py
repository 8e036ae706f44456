"""What one price book adds to a benchmark folder: costs, bounds and budget points, and tables of models and budgets.

Everything lies in `costs/<book>/`; nothing else in the folder depends on it but the reports, and no other book's costs
are touched.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vlrb import schema
from vlrb.benchmark import stages
from vlrb.benchmark.budgets import Budget, budget_points, budget_table
from vlrb.benchmark.costs import cost_bounds, cost_matrix, write_costs
from vlrb.benchmark.pricing import PriceBook
from vlrb.benchmark.recorded import recorded_content
from vlrb.benchmark.recorded_costs import RecordedCosts
from vlrb.benchmark.store import Benchmark
from vlrb.benchmark.summaries import model_table
from vlrb.utils.console import say
from vlrb.utils.errors import DataError
from vlrb.utils.files import write_text
from vlrb.utils.locks import folder_lock

FORMATS = {"costs": 2, "tables": 1}  # raise a number when what is written changes
TABLE_FORMAT = "%.8g"


class PriceParts:
    """The two parts of a price book: `costs/<book>` and, made from it and the grades, `costs/<book>/tables`.

    Args:
        root: The benchmark folder.
        book: The price book, or the costs that came with the data.
    """

    def __init__(self, root: Path, book: PriceBook | RecordedCosts) -> None:
        self.root = root
        self.book = book
        self.folder = f"{schema.COSTS_FOLDER}/{book.name}"
        self.costs_part = self.folder
        self.tables_part = f"{self.folder}/tables"

    def cost_inputs(self) -> dict[str, Any]:
        """Return what the costs are made from."""
        tokens = (schema.TOKENS_IN_FILE, schema.TOKENS_OUT_FILE, schema.SAMPLE_TOKENS_FILE)
        return {
            "tokens": stages.built(self.root, "tokens", *tokens),
            "prices": self.book.settings(),
            "notes on prices": [self.book.date, self.book.source],
            "budgets": self.book.budgets_usd,
            "models": Benchmark.open(self.root).model_ids,
            **(recorded_content(self.root, schema.RECORDED_COST) if isinstance(self.book, RecordedCosts) else {}),
            "format": FORMATS["costs"],
        }

    def write_costs(self, staging: Path) -> dict[str, Any]:
        """Write C.npy, prices.yaml and cost_bounds.json; return facts for the manifest."""
        bench = Benchmark.open(self.root)
        C = self._matrix(bench)
        bounds = cost_bounds(C, bench.model_ids)
        budgets = budget_points(self.book.budgets_usd, bounds)
        bounds["budgets"] = [budget._asdict() for budget in budgets]  # after the hash: they change no figure
        write_costs(staging / self.folder, self.book, bench.model_ids, C, bounds)
        self._say_not_binding(budgets, bounds["cmax"])
        return {
            "priced_models": self._priced(C, bench.model_ids),
            "budget_points": len(budgets),
            "bounds": bounds["hash"],
        }

    def _matrix(self, bench: Benchmark) -> np.ndarray:
        if isinstance(self.book, RecordedCosts):
            return self.book.matrix(self.root, bench.Y.shape)
        _check_tokens(bench, self.book.name)
        prices = [self.book.find(model_id) for model_id in bench.model_ids]
        pictures = bench.sample_tokens["pictures"].to_numpy()
        return cost_matrix(bench.tokens_in, bench.tokens_out, pictures, prices)

    def _priced(self, C: np.ndarray, model_ids: Sequence[str]) -> int:
        if isinstance(self.book, RecordedCosts):
            return int((~np.isnan(C)).any(axis=0).sum())
        return sum(self.book.find(model_id) is not None for model_id in model_ids)

    def table_inputs(self) -> dict[str, Any]:
        """Return what the tables are made from."""
        files = (schema.COST_FILE, schema.BOUNDS_FILE)
        return {
            "grades": stages.built(self.root, "records", schema.QUALITY_FILE),
            "models": stages.built(self.root, "records", schema.MODELS_FILE),
            "costs": stages.built(self.root, "costs", *(f"{self.folder}/{file}" for file in files)),
            "format": FORMATS["tables"],
        }

    def write_tables(self, staging: Path) -> dict[str, Any]:
        """Write models.csv and budgets.csv."""
        bench = Benchmark.open(self.root)
        costs = bench.costs(self.book.name)
        frames = {
            schema.MODEL_TABLE_FILE: model_table(bench.Y, costs.C, bench.models),
            schema.BUDGET_TABLE_FILE: budget_table(costs.budgets, bench.Y, costs.mean_costs, bench.models),
        }
        for name, frame in frames.items():
            write_text(staging / self.folder / name, frame.to_csv(index=False, float_format=TABLE_FORMAT))
        return {}

    def _say_not_binding(self, budgets: list[Budget], cmax: float | None) -> None:
        slack = [f"{budget.usd:g}" for budget in budgets if budget.binding is False]
        if slack:
            say(
                f"prices {self.book.name}: {len(slack)} of {len(budgets)} budget points are not binding, above "
                f"the dearest model's mean cost of {cmax:.3g} USD: {', '.join(slack)}"
            )


def _check_tokens(bench: Benchmark, pricing: str) -> None:
    """Refuse to price queries of which the data say nothing: neither tokens nor texts to count."""
    for what, tokens, needed in (
        ("input", bench.tokens_in, "prompts, pictures or counts of input tokens"),
        ("output", bench.tokens_out, "answers or counts of output tokens"),
    ):
        if np.isnan(tokens).all():
            hint = f"give {needed}; or use the costs that came with the data: pricing=recorded"
            raise DataError(f"pricing={pricing}: no {what} tokens are known, so nothing has a cost", hint)


def require_costs(root: Path, book: PriceBook | RecordedCosts, model_ids: Sequence[str]) -> None:
    """Raise ConfigError naming the models for which there is neither a price nor a recorded cost."""
    if isinstance(book, RecordedCosts):
        book.require_recorded(root, Benchmark.open(root).model_ids, model_ids)
    else:
        book.require(model_ids)


def ensure_costs(root: Path, book: PriceBook | RecordedCosts, model_ids: Sequence[str]) -> Benchmark:
    """Bring the costs of one price book up to date, and nothing else, and open the benchmark.

    Args:
        root: The benchmark folder; locked only if there is something to write.
        book: The price book.
        model_ids: Models that must have a price.

    Raises:
        ConfigError: One has none.
        StateError: The benchmark has no tokens or grades.
    """
    require_costs(Path(root), book, model_ids)
    parts = PriceParts(Path(root), book)
    steps = (
        (parts.costs_part, parts.cost_inputs, parts.write_costs),
        (parts.tables_part, parts.table_inputs, parts.write_tables),
    )
    priced = stages.content(stages.read_manifest(parts.root), f"{parts.folder}/{schema.COST_FILE}") is not None
    if not priced or not all(stages.is_current(parts.root, name, inputs()) for name, inputs, _ in steps):
        with folder_lock(parts.root):
            stages.clean_up(parts.root)
            for name, inputs, work in steps:
                stages.run_stage(parts.root, name, inputs(), work)
    return Benchmark.open(root)
