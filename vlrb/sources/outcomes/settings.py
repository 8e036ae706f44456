"""What a user can choose about reading an outcomes table; one small dataclass per YAML block."""

from dataclasses import dataclass
from typing import Literal

from vlrb.utils.errors import ConfigError

Form = Literal["auto", "long", "wide"]
Unreadable = Literal["error", "report"]


@dataclass(frozen=True)
class Columns:
    """The column of each role; None = found by its usual names (`columns.ALIASES`).

    Args:
        sample: Id of the sample.
        model: Id of the model (long form).
        quality: How right the answer is (long form).
        cost: USD per query (long form).
        tokens_in: Input tokens (long form).
        tokens_out: Output tokens (long form).
        answer: Text of the model's answer (long form).
        dataset: Name of the dataset.
        prompt: What the model was asked.
        question: The question alone, if it differs from the prompt.
        images: Path of the picture, a list of paths, or paths separated by ";".
        split: Side of the split that came with the data.
        split_key: Key of samples that must stay together.
        task: Kind of question.
        group: Reporting group of the dataset.
    """

    sample: str | None = None
    model: str | None = None
    quality: str | None = None
    cost: str | None = None
    tokens_in: str | None = None
    tokens_out: str | None = None
    answer: str | None = None
    dataset: str | None = None
    prompt: str | None = None
    question: str | None = None
    images: str | None = None
    split: str | None = None
    split_key: str | None = None
    task: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Options:
    """How cells are understood.

    Args:
        form: "long" (one row per sample and model), "wide" (one row per sample) or "auto" (told by the columns).
        models: Only these models; None = all. In the wide form also the way to name models whose quality column bears
            the model's name alone.
        delimiter: What separates the cells of a text table; None = told by the header.
        quality_max: The quality that means perfectly right; qualities are divided by it.
        cost_factor: Costs are multiplied by it to give USD per query.
        unreadable: A picture that cannot be read is an error, or reported and left as it is.
    """

    form: Form = "auto"
    models: list[str] | None = None
    delimiter: str | None = None
    quality_max: float = 1.0
    cost_factor: float = 1.0
    unreadable: Unreadable = "error"

    def __post_init__(self) -> None:
        where = "dataset.source.options"
        for key, allowed in (("form", ("auto", "long", "wide")), ("unreadable", ("error", "report"))):
            if getattr(self, key) not in allowed:
                raise ConfigError(f"{where}.{key} must be one of {', '.join(allowed)}, not {getattr(self, key)!r}")
        for key in ("quality_max", "cost_factor"):
            if not 0 < getattr(self, key) < float("inf"):
                raise ConfigError(f"{where}.{key} must be a number > 0, not {getattr(self, key)!r}")
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in "\"'\r\n"):
            raise ConfigError(f"{where}.delimiter must be one character, not {self.delimiter!r}")
