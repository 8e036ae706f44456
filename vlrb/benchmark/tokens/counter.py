"""The token counter: how texts and pictures are counted; distinct texts once, whatever the records that repeat them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from vlrb.benchmark.names import check_name
from vlrb.benchmark.tokens.parallel import count_batches
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
        return self.count_batches([whole], whole.nbytes, description)

    def count_batches(
        self, batches: Iterable[pa.Array], size: int, description: str, total: int | None = None
    ) -> np.ndarray:
        """Return the tokens of each text of all batches, float32; NaN where the text is missing (null).

        Texts that repeat within a batch are counted once; only a few batches are in memory at a time.

        Args:
            batches: Arrays of strings.
            size: About how many bytes they have in all.
            description: Shown beside the progress bar.
            total: How many batches there are, if that is known.
        """
        places: list[np.ndarray] = []

        def distinct() -> Iterator[pa.Array]:
            for batch in batches:
                encoded = batch.dictionary_encode()
                places.append(encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False))
                yield encoded.dictionary

        counts = count_batches(self.tokenizer, distinct(), size, description, total)
        found = [np.append(c.astype(np.float32), np.float32(np.nan))[p] for c, p in zip(counts, places, strict=True)]
        return np.concatenate([np.zeros(0, np.float32), *found])

    def _rule(self, name: str, number: int | None, options: Mapping[str, Any]) -> PictureRule:
        given = dict(options)
        rule = find_rule(name, given)
        if takes_number(name) and NUMBER not in given:
            rule = find_rule(name, {**given, NUMBER: self.picture_tokens if number is None else number})
        return rule
