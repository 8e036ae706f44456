"""What a user can choose about reading VLMEvalKit logs; one small dataclass per YAML block."""

from dataclasses import dataclass, field
from typing import Literal

from vlrb.utils.errors import ConfigError

JUDGES = ("gpt-4o-mini", "gpt-4o", "gpt-4-turbo", "openai", "gpt4", "chatgpt-0125", "gpt-4-0125")
EXACT = "exact_matching"  # what the kit calls its rule for runs without a judge
Unreadable = Literal["error", "report"]
Incomplete = Literal["error", "report"]


def _check_names(names: list[str] | None, key: str) -> None:
    if names is not None and not all(isinstance(name, str) and name for name in names):
        raise ConfigError(f"{key} must be a list of names, not {names!r}")


def _check_choice(value: str, allowed: tuple[str, ...], key: str) -> None:
    if value not in allowed:
        raise ConfigError(f"{key} must be one of {', '.join(allowed)}, not {value!r}")


@dataclass(frozen=True)
class Folders:
    """Where things lie below the root.

    Args:
        evaluation: Folders with graded tables; the root itself is taken if none of all these exists.
        inference: Folders with prediction tables.
        pictures: Folders with TSV files and plain pictures.
        work: Folders for both kinds of table, one folder per model in them; taken if none of the first two exists.
    """

    evaluation: list[str]
    inference: list[str]
    pictures: list[str]
    work: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for key in ("evaluation", "inference", "pictures", "work"):
            _check_names(getattr(self, key), f"dataset.source.folders.{key}")


@dataclass(frozen=True)
class Selection:
    """Which logs are read, and which of several grades of one answer counts.

    Args:
        datasets: Only these; None = all found.
        exclude_datasets: Never these.
        models: Only these model folders; None = all found.
        aliases: Name of a dataset in the logs → name of a known dataset whose scoring rule it follows.
        judges: Judges in order of preference; others come after these, exact matching last.
        unknown: Datasets without a rule of their own: "read" for a right/wrong column, or "skip" unopened.
    """

    datasets: list[str] | None = None
    exclude_datasets: list[str] = field(default_factory=list)
    models: list[str] | None = None
    aliases: dict[str, str] = field(default_factory=dict)
    judges: list[str] = field(default_factory=lambda: list(JUDGES))
    unknown: Literal["read", "skip"] = "read"

    def __post_init__(self) -> None:
        for key in ("datasets", "exclude_datasets", "models", "judges"):
            _check_names(getattr(self, key), f"dataset.source.select.{key}")
        _check_choice(self.unknown, ("read", "skip"), "dataset.source.select.unknown")

    def judge_rank(self, judge: str) -> tuple[int, str]:
        """Return a sort key: listed judges in their order, then others by name, exact matching last."""
        if judge in self.judges:
            return self.judges.index(judge), judge
        return len(self.judges) + (judge == EXACT), judge


@dataclass(frozen=True)
class Rules:
    """Choices among defensible ways of grading.

    Args:
        mmbench: "circular": right only if every rotation of the options is right (the published number);
            "vanilla": the question as first asked counts alone.
        mmmu: "all" (dev and validation, as VL-RouterBench counts them) or "validation" (the leaderboard's rows).
        unreadable: A picture that cannot be read is an error, or reported and kept as a reference.
        math_vista: Free answers of type text or list are wrong, as in the kit's own number ("official"), or compared
            as text ("fair").
        no_answer: A prediction that is empty or a failed call, in a file without grades: "unknown", or "wrong" as
            the kit counts it. Where an evaluator graded it, its grade stands.
        replicates: Other runs of a model on a dataset are read and kept beside the one that counts, and the grades
            of other judges compared with it ("keep"), or neither is opened ("skip").
    """

    mmbench: Literal["circular", "vanilla"] = "circular"
    mmmu: Literal["all", "validation"] = "all"
    unreadable: Unreadable = "error"
    math_vista: Literal["official", "fair"] = "official"
    no_answer: Literal["unknown", "wrong"] = "unknown"
    replicates: Literal["keep", "skip"] = "keep"

    def __post_init__(self) -> None:
        choices = {
            "mmbench": ("circular", "vanilla"),
            "mmmu": ("all", "validation"),
            "unreadable": ("error", "report"),
            "math_vista": ("official", "fair"),
            "no_answer": ("unknown", "wrong"),
            "replicates": ("keep", "skip"),
        }
        for key, allowed in choices.items():
            _check_choice(getattr(self, key), allowed, f"dataset.source.rules.{key}")


@dataclass(frozen=True)
class Expected:
    """What a complete archive holds.

    Args:
        samples: Dataset → number of samples, None where it is not known.
        models: Model folders, each with logs of every dataset in `samples`.
        incomplete: Whether missing logs, TSV files and samples are an error or reported; more samples are reported.
        tsv: Whether every dataset has a TSV file.
    """

    samples: dict[str, int | None]
    models: list[str]
    incomplete: Incomplete = "error"
    tsv: bool = False

    def __post_init__(self) -> None:
        _check_choice(self.incomplete, ("error", "report"), "dataset.source.expected.incomplete")
