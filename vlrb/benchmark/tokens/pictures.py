"""Picture tokens: finds a rule by name and applies it to all pictures of a benchmark at once."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from vlrb.benchmark.tokens import picture_rules
from vlrb.utils.errors import ConfigError
from vlrb.utils.suggest import did_you_mean

PictureRule = Callable[[np.ndarray, int], np.ndarray]
"""(P, 2) width and height in pixels (NaN = unknown), tokens per picture → (P,) tokens, NaN = cannot be said."""


class Pictures(NamedTuple):
    """All pictures of a benchmark: the row of the sample of each, and sizes (P, 2) width, height (NaN = unknown)."""

    row: np.ndarray
    sizes: np.ndarray
    samples: int

    def counts(self) -> np.ndarray:
        """Return the number of pictures of each sample, int32."""
        return np.bincount(self.row, minlength=self.samples).astype(np.int32)

    def tokens(self, rule: PictureRule, picture_tokens: int) -> np.ndarray:
        """Return the picture tokens of each sample (N,) float32; 0 for a sample without pictures."""
        values = rule(self.sizes, picture_tokens)
        return np.bincount(self.row, weights=values, minlength=self.samples).astype(np.float32)


def find_rule(name: str) -> PictureRule:
    """Return the rule of that name.

    Raises:
        ConfigError: There is none; the hint names those there are.
    """
    known = [module.name for module in pkgutil.iter_modules(picture_rules.__path__)]
    if name not in known:
        raise ConfigError(f"picture rule {name!r}: no such rule", did_you_mean(name, known))
    module = importlib.import_module(f"{picture_rules.__name__}.{name}")
    rule: PictureRule = getattr(module, name)
    return rule


def flatten(images: pa.ChunkedArray) -> Pictures:
    """Return all pictures of the `images` column (lists of picture references) as flat arrays."""
    lists = images.combine_chunks()
    row = lists.value_parent_indices().to_numpy(zero_copy_only=False)
    structs = lists.flatten()
    sides = [structs.field(side).to_numpy(zero_copy_only=False).astype(np.float64) for side in ("width", "height")]
    sizes = np.stack(sides, axis=1) if len(row) else np.zeros((0, 2))
    sizes[sizes <= 0] = np.nan
    return Pictures(row=row, sizes=sizes, samples=len(images))
