"""Price books: dated lists of USD per million tokens (and per request or picture), keyed by model id."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date as calendar_date
from typing import Any, Final, Literal, NamedTuple

from vlrb.benchmark.names import check_name
from vlrb.utils.errors import ConfigError
from vlrb.utils.suggest import did_you_mean

PRICE_KEYS = ("input", "output", "request", "picture")
AUTO: Final = "auto"
PUBLISHED: Final = "published"
_DATE = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")


class Price(NamedTuple):
    """What one model costs: USD per million input and output tokens, USD per request, USD per picture."""

    input: float
    output: float
    request: float = 0.0
    picture: float = 0.0


class PriceBook:
    """A dated price list.

    Args:
        name: Name of the book; its costs lie in `costs/<name>/`.
        date: When the prices held: YYYY, YYYY-MM or YYYY-MM-DD.
        source: Where they come from.
        prices: By model id: `input` and `output` in USD per million tokens; optional `request` (USD per query) and
            `picture` (USD per picture).
        default: Price of every model that is not listed; None means such a model has no price.
        aliases: Other model ids → ids of `prices`.
        budgets_usd: Budget points in USD per query: `auto` (log-spaced between the cost bounds of the benchmark),
            `published` (those of the next argument) or a list, which may be empty.
        published_budgets_usd: Budget points that came with the price list.

    The attribute `budgets_usd` is "auto" or the chosen points, ascending; `vlrb.benchmark.budgets` resolves "auto".

    Raises:
        ConfigError: A price is missing, negative or not a number, an alias names no price, the date is none, or a
            budget point is not a number > 0.
    """

    budgets_usd: Literal["auto"] | list[float]

    def __init__(
        self,
        name: str,
        date: str | int,
        source: str,
        prices: Mapping[str, Mapping[str, float]],
        default: Mapping[str, float] | None = None,
        aliases: Mapping[str, str] | None = None,
        budgets_usd: str | Sequence[float] = AUTO,
        published_budgets_usd: Sequence[float] = (),
    ) -> None:
        self.name = check_name(name, "price book")
        self.date = _date(name, str(date))
        self.source = source
        self.prices = {str(model_id): _price(name, str(model_id), price) for model_id, price in prices.items()}
        self.default = None if default is None else _price(name, "default", default)
        self.aliases = dict(aliases or {})
        self.budgets_usd = budget_choice(name, budgets_usd, published_budgets_usd)
        for alias, model_id in self.aliases.items():
            if model_id not in self.prices:
                raise ConfigError(
                    f"price book {name}: alias {alias} stands for {model_id}, which has no price",
                    did_you_mean(model_id, self.prices),
                )

    def find(self, model_id: str) -> Price | None:
        """Return the price of a model, None if the book has none."""
        return self.prices.get(model_id) or self.prices.get(self.aliases.get(model_id, "")) or self.default

    def settings(self) -> dict[str, Any]:
        """Return everything that determines costs, as plain values."""
        return {
            "prices": {model_id: price._asdict() for model_id, price in self.prices.items()},
            "default": None if self.default is None else self.default._asdict(),
            "aliases": self.aliases,
        }

    def require(self, model_ids: Sequence[str]) -> None:
        """Raise ConfigError naming the models that have no price, with lines to paste into the book."""
        missing = [model_id for model_id in model_ids if self.find(model_id) is None]
        if missing:
            lines = "\n".join(f"      {model_id}: {{input: ?, output: ?}}" for model_id in missing)
            raise ConfigError(
                f"price book {self.name} has no price for {', '.join(missing)}",
                f"write a price book of your own, a copy of conf/pricing/{self.name}.yaml with:\n{lines}\n"
                "    or use pricing=flat (one price for all), or leave the models out with model_pool.exclude",
            )


def _price(book: str, model_id: str, values: Mapping[str, float]) -> Price:
    where = f"price book {book}, {model_id}"
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where}: must be like {{input: 0.2, output: 0.3}}, not {values!r}")
    for key in values:
        if key not in PRICE_KEYS:
            raise ConfigError(f"{where}: unknown key {key!r}", did_you_mean(str(key), PRICE_KEYS))
    for key in ("input", "output"):
        if key not in values:
            hint = "give it in USD per million tokens; 0 where only requests or pictures cost"
            raise ConfigError(f"{where}: no {key!r} price", hint)
    return Price(**{key: _number(book, f"{model_id}.{key}", value) for key, value in values.items()})


def _date(book: str, text: str) -> str:
    found = _DATE.fullmatch(text)
    try:
        if found is None:
            raise ValueError("no such form")
        calendar_date(*(int(part or 1) for part in found.groups()))
    except ValueError as error:  # also a 13th month and a 30th of February
        hint = "write when the prices held as YYYY, YYYY-MM or YYYY-MM-DD"
        raise ConfigError(f"price book {book}, date: {text!r} is not a date", hint) from error
    return text


def budget_choice(
    book: str, chosen: str | Sequence[float], published: Sequence[float] = ()
) -> Literal["auto"] | list[float]:
    """Return "auto" or budget points, ascending: the chosen ones, or for "published" those that came with the prices.

    Raises:
        ConfigError: There is no such choice, or a point is not a number > 0.
    """
    known = _points(book, "published_budgets_usd", published)
    if not isinstance(chosen, str):
        return _points(book, "budgets_usd", chosen)
    if chosen == PUBLISHED and not known:
        raise ConfigError(f"price book {book} has no published budget points", "budgets_usd: auto, or a list in USD")
    if chosen not in (AUTO, PUBLISHED):
        hint = did_you_mean(chosen, (AUTO, PUBLISHED)) + ", or a list in USD per query"
        raise ConfigError(f"price book {book}, budgets_usd: no such choice {chosen!r}", hint)
    return AUTO if chosen == AUTO else known


def _points(book: str, key: str, values: Sequence[float]) -> list[float]:
    points = sorted({_number(book, key, value) for value in values})
    if points and points[0] <= 0:
        raise ConfigError(f"price book {book}, {key}: a budget must be more than 0 USD per query")
    return points


def _number(book: str, key: str, value: float) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or value < 0:
        raise ConfigError(f"price book {book}, {key}: must be a number ≥ 0, not {value!r}")
    return float(value)
