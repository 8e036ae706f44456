"""The token counter: how texts and pictures are counted; distinct texts once, whatever the records that repeat them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from vlrb.benchmark.names import check_name
from vlrb.benchmark.tokens.parallel import count_texts
from vlrb.benchmark.tokens.pictures import NUMBER, PictureRule, find_rule, takes_number
from vlrb.benchmark.tokens.tokenizers import Tokenizer
from vlrb.utils.errors import ConfigError
from vlrb.utils.suggest import did_you_mean

if TYPE_CHECKING:
    from vlrb.benchmark.pool import ModelPool

Counting = Literal["by_model", "published"]
BY_MODEL: Counting = "by_model"
PUBLISHED: Counting = "published"
PUBLISHED_RULE = find_rule("fixed", {NUMBER: 256})  # VL-RouterBench, arXiv 2512.23562


class TokenCounter:
    """How tokens are counted: one tokenizer for all texts, and a picture rule for models whose card names none.

    Args:
        name: Name of the way of counting, shown in reports.
        tokenizer: Counts the tokens of texts.
        picture_rule: Rule for the pictures of models whose card names no rule.
        picture_tokens: Tokens per picture for rules that take a number.
        picture_options: Options of `picture_rule`, if it has some.
        count: `by_model` counts pictures by each model's rule and the input of every record; `published` counts 256
            tokens a picture for every model whatever its card says, and in totals the input of every sample once, as
            the token figures of VL-RouterBench do.
    """

    def __init__(
        self,
        name: str,
        tokenizer: Tokenizer,
        picture_rule: str = "fixed",
        picture_tokens: int = 256,
        picture_options: Mapping[str, Any] | None = None,
        count: Counting = BY_MODEL,
    ) -> None:
        if picture_tokens < 0:
            raise ConfigError(f"tokens.picture_tokens must be ≥ 0, not {picture_tokens}")
        if count not in (BY_MODEL, PUBLISHED):
            raise ConfigError(f"tokens.count={count}: no such choice", did_you_mean(str(count), (BY_MODEL, PUBLISHED)))
        self.name = check_name(name, "tokens")
        self.tokenizer = tokenizer
        self.picture_tokens = picture_tokens
        self.picture_rule = self._rule(picture_rule, None, picture_options or {})
        self.counting = count

    def settings(self) -> dict[str, Any]:
        """Return everything that determines the counts of texts."""
        return self.tokenizer.settings()

    def rule_of(self, pool: "ModelPool", model_id: str) -> PictureRule:
        """Return the rule that counts the pictures of a model: its card's, else the default one.

        A card that gives only a number means that many tokens a picture.
        """
        if self.counting == PUBLISHED:
            return PUBLISHED_RULE
        name, number = pool.picture_rule(model_id), pool.picture_tokens(model_id)
        if name is None and number is None:
            return self.picture_rule
        return self._rule(name or PUBLISHED_RULE.name, number, pool.picture_options(model_id))

    def count(self, texts: pa.ChunkedArray | pa.Array, description: str) -> np.ndarray:
        """Return the tokens of each text, float32; NaN where the text is missing (null)."""
        whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        encoded = whole.dictionary_encode()
        counts = count_texts(self.tokenizer, encoded.dictionary, description).astype(np.float32)
        position = encoded.indices.fill_null(len(counts)).to_numpy(zero_copy_only=False)
        found: np.ndarray = np.append(counts, np.float32(np.nan))[position]
        return found

    def _rule(self, name: str, number: int | None, options: Mapping[str, Any]) -> PictureRule:
        given = dict(options)
        rule = find_rule(name, given)
        if takes_number(name) and NUMBER not in given:
            rule = find_rule(name, {**given, NUMBER: self.picture_tokens if number is None else number})
        return rule
