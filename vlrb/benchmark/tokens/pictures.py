"""Picture tokens: finds a rule by name, checks its options and applies it to all pictures of a benchmark at once."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

import numpy as np
import pyarrow as pa

from vlrb.benchmark.tokens import picture_rules
from vlrb.utils.errors import ConfigError
from vlrb.utils.suggest import did_you_mean

Option = int | str
NUMBER = "picture_tokens"  # the option of rules that count a given number; model cards have a key of their own for it


@dataclass(frozen=True)
class PictureRule:
    """A rule with all its options, as `find_rule` returns it; equal rules count the same.

    Attributes:
        name: Name of the rule, which is the name of its file.
        options: Names and values, in the order of the rule's signature, defaults filled in.
    """

    name: str
    options: tuple[tuple[str, Option], ...]

    def tokens(self, sizes: np.ndarray) -> np.ndarray:
        """Return the tokens of each picture (P,) float64, NaN = cannot be said; `sizes` (P, 2) width and height."""
        counts: np.ndarray = _function(self.name)(sizes, **dict(self.options))
        return counts

    def plain(self) -> dict[str, Any]:
        """Return what models.json says about the rule: picture_rule, picture_tokens and picture_options."""
        options = dict(self.options)
        number = options.pop(NUMBER, None)
        return {"picture_rule": self.name, "picture_tokens": number, "picture_options": options}

    def __str__(self) -> str:
        """Return the rule in words, e.g. `fixed (picture_tokens 256)`."""
        options = ", ".join(f"{key} {value}" for key, value in self.options)
        return f"{self.name} ({options})" if options else self.name


class Pictures(NamedTuple):
    """All pictures of a benchmark: the row of the sample of each, and sizes (P, 2) width, height (NaN = unknown)."""

    row: np.ndarray
    sizes: np.ndarray
    samples: int

    def counts(self) -> np.ndarray:
        """Return the number of pictures of each sample, int32."""
        return np.bincount(self.row, minlength=self.samples).astype(np.int32)

    def unknown_sizes(self) -> int:
        """Return how many pictures have no known size."""
        return int(np.isnan(self.sizes).any(axis=1).sum())

    def tokens(self, rule: PictureRule) -> np.ndarray:
        """Return the picture tokens of each sample (N,) float32; 0 without pictures, NaN if one cannot be counted."""
        distinct, position = self._distinct()
        values = rule.tokens(distinct)[position]
        return np.bincount(self.row, weights=values, minlength=self.samples).astype(np.float32)

    def _distinct(self) -> tuple[np.ndarray, np.ndarray]:
        width, height = np.nan_to_num(self.sizes).astype(np.int64).T
        _, first, position = np.unique((width << 32) | height, return_index=True, return_inverse=True)
        return self.sizes[first], position


def rule_names() -> list[str]:
    """Return the names of all rules."""
    return sorted(module.name for module in pkgutil.iter_modules(picture_rules.__path__))


def find_rule(name: str, options: Mapping[str, Any] | None = None) -> PictureRule:
    """Return the rule of that name with its options.

    Args:
        name: Name of a file in `picture_rules`.
        options: Values that replace the rule's defaults.

    Raises:
        ConfigError: There is no such rule or option (the hint names those there are), or a value does not fit.

    >>> str(find_rule("qwen_dynamic", {"min_pixels": 1003520}))
    'qwen_dynamic (min_pixels 1003520, max_pixels 12845056)'
    """
    if name not in rule_names():
        raise ConfigError(f"picture rule {name!r}: no such rule", did_you_mean(str(name), rule_names()))
    known = _options(name)
    for key, value in (options or {}).items():
        if key not in known:
            raise ConfigError(f"picture rule {name}: unknown option {key!r}", _known(key, known))
        _check(name, key, value, known[key].annotation)
    values = {key: (options or {}).get(key, parameter.default) for key, parameter in known.items()}
    return PictureRule(name, tuple(values.items()))


def takes_number(name: str) -> bool:
    """Return whether a rule counts a given number of tokens (the option `picture_tokens`)."""
    return NUMBER in _options(name)


def flatten(images: pa.ChunkedArray) -> Pictures:
    """Return all pictures of the `images` column (lists of picture references) as flat arrays."""
    lists = images.combine_chunks()
    row = lists.value_parent_indices().to_numpy(zero_copy_only=False)
    structs = lists.flatten()
    sides = [structs.field(side).to_numpy(zero_copy_only=False).astype(np.float64) for side in ("width", "height")]
    sizes = np.stack(sides, axis=1) if len(row) else np.zeros((0, 2))
    sizes[~(sizes > 0).all(axis=1)] = np.nan  # half a size is none
    return Pictures(row=row, sizes=sizes, samples=len(images))


def _function(name: str) -> Callable[..., np.ndarray]:
    function: Callable[..., np.ndarray] = getattr(importlib.import_module(f"{picture_rules.__name__}.{name}"), name)
    return function


def _options(name: str) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(_function(name)).parameters
    return {key: value for key, value in parameters.items() if value.kind is value.KEYWORD_ONLY}


def _known(key: str, known: Mapping[str, object]) -> str:
    return did_you_mean(key, list(known)) if known else "the rule has no options"


def _check(name: str, key: str, value: object, annotation: object) -> None:
    choices = get_args(annotation)
    if choices:
        if value not in choices:
            hint = did_you_mean(str(value), choices)
            raise ConfigError(f"picture rule {name}: {key} must be one of {', '.join(choices)}, not {value!r}", hint)
        return
    least = 0 if key == NUMBER else 1
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"picture rule {name}: {key} must be a whole number ≥ {least}, not {value!r}")
