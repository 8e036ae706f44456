"""Model pools: which columns of a benchmark may be chosen, and what is known about each model."""

from collections.abc import Mapping, Sequence
from typing import Any

from vlrb.benchmark.names import check_name
from vlrb.benchmark.tokens.pictures import find_rule, takes_number
from vlrb.utils.errors import ConfigError, DataError
from vlrb.utils.suggest import did_you_mean

CARD_KEYS = (
    "display_name",
    "parameters",
    "provider",
    "picture_rule",
    "picture_tokens",
    "picture_options",
    "aliases",
)


class ModelPool:
    """A choice of models, as a view: the benchmark keeps all models it found, whatever the pool.

    Args:
        name: Name of the pool.
        models: Cards by model id: `display_name`, `parameters`, `provider`, `picture_rule` (a rule for its picture
            tokens), `picture_tokens` (the number of the rule `fixed`), `picture_options` (options of other rules),
            `aliases` (other ids the logs may use); every field is optional. None means no model is known.
        include: Narrows the pool to these ids; None keeps all.
        exclude: Ids to leave out.
        discover: True takes every model found in the logs (cards only describe); False takes exactly `models`.
            Without `models` every model found is taken.
    """

    def __init__(
        self,
        name: str,
        models: Mapping[str, Mapping[str, Any] | None] | None = None,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] = (),
        discover: bool = False,
    ) -> None:
        self.name = check_name(name, "model pool")
        self.models = {model_id: _card(name, model_id, card) for model_id, card in (models or {}).items()}
        self.include = None if include is None else list(include)
        self.exclude = list(exclude)
        self.discover = discover or models is None
        self._canonical = _alias_table(name, self.models)
        if not self.discover:
            for model_id in (*(self.include or ()), *self.exclude):
                if self.canonical(model_id) not in self.models:
                    raise ConfigError(
                        f"model pool {name}: {model_id!r} is not one of its models", did_you_mean(model_id, self.models)
                    )

    def canonical(self, model_id: str) -> str:
        """Return the pool's id for an id found in the logs (itself unless it is an alias)."""
        return self._canonical.get(model_id, model_id)

    def select(self, model_ids: Sequence[str]) -> list[int]:
        """Return the columns of the pool's models, in column order.

        Raises:
            DataError: A declared model is not in the benchmark, two columns are the same model, or none is left.
        """
        names = [self.canonical(model_id) for model_id in model_ids]
        self._check_unique(names, model_ids)
        wanted = self._wanted(names)
        absent = [name for name in wanted if name not in names]
        if absent:
            raise DataError(
                f"model pool {self.name}: no logs of {', '.join(absent)}",
                f"model_pool.exclude=[{','.join(absent)}] leaves them out, model_pool=discover takes what is there; "
                f"found: {', '.join(model_ids)}",
            )
        columns = [column for column, name in enumerate(names) if name in wanted]
        if not columns:
            raise DataError(f"model pool {self.name}: no model is left", f"found: {', '.join(model_ids)}")
        return columns

    def display_name(self, model_id: str) -> str:
        """Return the name to show for a model id (the id itself where no card says otherwise)."""
        return str(self._card(model_id).get("display_name") or model_id)

    def picture_rule(self, model_id: str) -> str | None:
        """Return the name of the model's picture-token rule, None where no card names one."""
        rule = self._card(model_id).get("picture_rule")
        return None if rule is None else str(rule)

    def picture_tokens(self, model_id: str) -> int | None:
        """Return the model's own tokens per picture for rules that take a number, None where no card has one."""
        tokens = self._card(model_id).get("picture_tokens")
        return None if tokens is None else int(tokens)

    def picture_options(self, model_id: str) -> dict[str, Any]:
        """Return the options of the model's picture-token rule, empty where no card has some."""
        return dict(self._card(model_id).get("picture_options") or {})

    def card(self, model_id: str) -> dict[str, Any]:
        """Return what models.json says about a model id: display name, parameters, provider (None = unknown)."""
        card = self._card(model_id)
        return {
            "id": model_id,
            "display_name": self.display_name(model_id),
            "parameters": card.get("parameters"),
            "provider": card.get("provider"),
        }

    def _card(self, model_id: str) -> Mapping[str, Any]:
        return self.models.get(self.canonical(model_id), {})

    def _wanted(self, found: Sequence[str]) -> list[str]:
        declared = list(found) if self.discover else list(self.models)
        if self.include is not None:
            declared = [self.canonical(model_id) for model_id in self.include]
        left_out = {self.canonical(model_id) for model_id in self.exclude}
        if self.discover and not left_out <= set(found):
            unknown = sorted(left_out - set(found))
            raise ConfigError(f"model_pool.exclude: no such model {unknown[0]!r}", did_you_mean(unknown[0], found))
        return [model_id for model_id in declared if model_id not in left_out]

    def _check_unique(self, names: Sequence[str], model_ids: Sequence[str]) -> None:
        seen: dict[str, str] = {}
        for name, model_id in zip(names, model_ids, strict=True):
            if name in seen:
                raise DataError(
                    f"model pool {self.name}: {seen[name]!r} and {model_id!r} in the logs are both {name!r}",
                    "remove the alias from the pool, or one of the two from the logs",
                )
            seen[name] = model_id


def _card(pool: str, model_id: str, card: Mapping[str, Any] | None) -> dict[str, Any]:
    card = dict(card or {})
    for key in card:
        if key not in CARD_KEYS:
            raise ConfigError(f"model pool {pool}, {model_id}: unknown key {key!r}", did_you_mean(key, CARD_KEYS))
    tokens = card.get("picture_tokens")
    if tokens is not None and (isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 0):
        raise ConfigError(f"model pool {pool}, {model_id}: picture_tokens must be a whole number ≥ 0, not {tokens!r}")
    _check_picture_rule(f"model pool {pool}, {model_id}", card)
    return card


def _check_picture_rule(where: str, card: Mapping[str, Any]) -> None:
    rule, options = card.get("picture_rule"), card.get("picture_options")
    if options is not None and not isinstance(options, Mapping):
        raise ConfigError(f"{where}: picture_options must be a mapping, not {options!r}")
    if rule is None:
        if options:
            raise ConfigError(f"{where}: picture_options without a picture_rule")
        return
    try:
        find_rule(rule, options)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.message}", error.hint) from error
    if card.get("picture_tokens") is not None and not takes_number(rule):
        raise ConfigError(
            f"{where}: picture_tokens is the number of the rule 'fixed', the rule {rule!r} counts its own",
            "leave it out, or write picture_tokens: null to take back that of a pool you build on",
        )


def _alias_table(pool: str, models: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    table: dict[str, str] = {}
    for model_id, card in models.items():
        for alias in card.get("aliases") or ():
            if table.setdefault(alias, model_id) != model_id or (alias in models and alias != model_id):
                raise ConfigError(f"model pool {pool}: alias {alias!r} stands for more than one model")
    return table
