"""Costs in USD per query, and their bounds over the whole benchmark."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from vlrb import schema
from vlrb.benchmark.pricing import Price, PriceBook
from vlrb.benchmark.recorded_costs import RecordedCosts
from vlrb.utils.files import write_array, write_json, write_text
from vlrb.utils.fingerprint import fingerprint


def cost_matrix(
    tokens_in: np.ndarray, tokens_out: np.ndarray, pictures: np.ndarray, prices: Sequence[Price | None]
) -> np.ndarray:
    """Return C (N, M) float64 in USD per query; NaN where tokens or the price are unknown.

    C = input tokens · input price / 10⁶ + output tokens · output price / 10⁶ + request price + pictures · picture price

    Args:
        tokens_in: (N, M) input tokens, text and pictures.
        tokens_out: (N, M) output tokens, NaN = unknown.
        pictures: (N,) number of pictures.
        prices: M prices, None = unknown.

    >>> price = Price(input=2.5, output=10.0)
    >>> float(cost_matrix(np.array([[1000.0]]), np.array([[100.0]]), np.array([1]), [price])[0, 0])  # .0025 + .001
    0.0035
    """
    unknown = Price(*[float("nan")] * 4)
    table = np.array([price or unknown for price in prices], dtype=np.float64).reshape(len(prices), 4)
    per_token = table[:, :2] / schema.TOKENS_PER_PRICE_UNIT
    C: np.ndarray = np.asarray(tokens_in, np.float64) * per_token[:, 0]
    C += np.asarray(tokens_out, np.float64) * per_token[:, 1]
    C += table[:, 2]
    C += np.asarray(pictures, np.float64)[:, None] * table[:, 3]
    return C


def cost_bounds(C: np.ndarray, model_ids: Sequence[str]) -> dict[str, Any]:
    """Return min and max over models of the mean cost over all complete samples.

    Complete = every model that has any cost has one for the sample; models without any cost are left out. The bounds
    belong to the benchmark and its prices, not to a split or a set of routers. `reason` says why they give no scale
    (no complete sample, a free model, or one cost for all models) and is None where they do.

    >>> bounds = cost_bounds(np.array([[1.0, 4.0], [3.0, 8.0], [9.0, np.nan]]), ["small", "large"])
    >>> bounds["cmin"], bounds["cmax"], bounds["cmax_model"], bounds["samples"]  # means over the first two samples
    (2.0, 6.0, 'large', 2)
    """
    priced = ~np.isnan(C).all(axis=0) if len(C) else np.zeros(C.shape[1], bool)
    complete = ~np.isnan(C[:, priced]).any(axis=1) & priced.any()
    means: dict[str, float | None] = dict.fromkeys(model_ids)
    bounds: dict[str, Any] = {"cmin": None, "cmax": None, "cmin_model": None, "cmax_model": None}
    if complete.any():
        values = C[complete][:, priced].mean(axis=0)
        names = [model_id for model_id, has_price in zip(model_ids, priced, strict=True) if has_price]
        means.update(zip(names, map(float, values), strict=True))
        low, high = int(values.argmin()), int(values.argmax())
        bounds = {
            "cmin": float(values[low]),
            "cmax": float(values[high]),
            "cmin_model": names[low],
            "cmax_model": names[high],
        }
    bounds |= {"per_model_mean_cost": means, "samples": int(complete.sum())}
    return {**bounds, "reason": _no_scale(bounds), "hash": fingerprint(bounds)}


def _no_scale(bounds: dict[str, Any]) -> str | None:
    if bounds["cmin"] is None:
        return "no sample has a cost for every model"
    if bounds["cmin"] <= 0:
        return f"{bounds['cmin_model']} costs nothing"
    if bounds["cmin"] == bounds["cmax"]:
        return "all models cost the same"
    return None


def write_costs(
    folder: Path, book: PriceBook | RecordedCosts, model_ids: Sequence[str], C: np.ndarray, bounds: dict[str, Any]
) -> None:
    """Write C.npy, prices.yaml (the prices that were used) and cost_bounds.json into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {model_id: book.find(model_id) for model_id in model_ids}
    prices = {
        "name": book.name,
        "date": book.date,
        "source": book.source,
        "unit": "USD per million tokens (input, output), per query (request), per picture (picture)",
        "prices": {model_id: price and price._asdict() for model_id, price in found.items()},
        "budgets_usd": book.budgets_usd,
        **({"recorded": True} if isinstance(book, RecordedCosts) else {}),
    }
    write_array(folder / schema.COST_FILE, C)
    write_text(folder / schema.PRICES_FILE, yaml.safe_dump(prices, sort_keys=False, allow_unicode=True))
    write_json(folder / schema.BOUNDS_FILE, bounds)
