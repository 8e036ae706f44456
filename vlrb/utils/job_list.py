"""The sweeper: which jobs a sweep is made of. Combinations of values, in parts where not all shall be combined."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins

from vlrb.utils import outcome
from vlrb.utils.config import VALUE_KEYS

Plugins.instance()  # it executes the modules of Hydra's own plugins again: a class taken before would be another one

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper  # noqa: E402

# Hydra accepts plugins by names of this namespace only; ours is registered under one without being a package there.
PLUGIN_NAME: Final = "hydra_plugins.vlrb.JobListSweeper"
Job = list[str]


class JobListSweeper(BasicSweeper):
    """Sweep over all combinations of `params`, joined with each of `parts` in turn.

    Args:
        max_batch_size: Most jobs given to the launcher at once; None = all.
        params: Values by key, written as on the command line.
        parts: More of them. Words of the command line replace values of both; of the key `divided_by`, each part keeps
            those values that it lists, and values that no part lists are the first part's.
        divided_by: That key.
    """

    def __init__(
        self,
        max_batch_size: int | None = None,
        params: Mapping[str, Any] | None = None,
        parts: Sequence[Mapping[str, Any]] = (),
        divided_by: str = "router",
    ) -> None:
        super().__init__(max_batch_size, dict(params or {}))
        self.parts = [dict(part) for part in parts]
        self.divided_by = divided_by
        self.arguments: list[str] = []

    def sweep(self, arguments: list[str]) -> Any:  # noqa: ANN401 - Hydra's signature
        """Run all jobs; `arguments` are the words of the command line."""
        self.arguments = list(arguments)
        return super().sweep(arguments)

    def split_arguments(  # type: ignore[override]  # Hydra's is static: it knows of no parts
        self, overrides: list[Override], max_batch_size: int | None
    ) -> list[list[Job]]:
        """Return the batches of jobs, each job a list of words."""
        jobs = self._jobs()
        self._announce(jobs)
        return list(self.split_overrides_to_chunks(jobs, max_batch_size))

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Compose one job of each kind, so that mistakes show before anything runs.

        Jobs that differ only in plain values (λ, seed, k) are of one kind: such values decide nothing in composing.
        """
        kinds = {tuple(_kind(word) for word in job): job for job in reversed(batch)}
        super().validate_batch_is_legal(list(kinds.values()))

    def _jobs(self) -> list[Job]:
        if not self.parts:
            return self._combinations(self.params, self.arguments)
        listed = [
            set(_values(self._parse([f"{self.divided_by}={part.get(self.divided_by)}"])[0])) for part in self.parts
        ]
        jobs: list[Job] = []
        for place, part in enumerate(self.parts):
            elsewhere = set().union(*listed) - listed[place] if place == 0 else None
            words = self._own_words(listed[place], elsewhere)
            if words is not None:
                jobs += [job for job in self._combinations({**self.params, **part}, words) if job not in jobs]
        return jobs

    def _own_words(self, listed: set[str], elsewhere: set[str] | None) -> list[str] | None:
        """Return the command line as one part sees it, None if it leaves the part nothing.

        Args:
            listed: Values of the dividing key that the part lists.
            elsewhere: For the first part, those that others list.
        """
        words: list[str] = []
        for word, override in zip(self.arguments, self._parse(self.arguments), strict=True):
            if override.key_or_group != self.divided_by or override.package is not None:
                words.append(word)
                continue
            given = _values(override)
            own = [v for v in given if v in listed or (elsewhere is not None and v not in elsewhere)]
            if not own:
                return None
            words.append(f"{self.divided_by}={','.join(own)}")
        return words

    def _combinations(self, params: Mapping[str, Any], words: Sequence[str]) -> list[Job]:
        overrides = self._parse([*(f"{key}={value}" for key, value in params.items()), *words])
        (jobs,) = BasicSweeper.split_arguments(overrides, None)
        return jobs

    def _parse(self, words: Sequence[str]) -> list[Override]:
        assert self.hydra_context is not None
        found: list[Override] = OverridesParser.create(self.hydra_context.config_loader).parse_overrides(list(words))
        return found

    def _announce(self, jobs: Sequence[Job]) -> None:
        progress = outcome.current().progress
        if progress is not None:
            assert self.hydra_context is not None
            assert self.config is not None
            first = self.hydra_context.config_loader.load_sweep_config(self.config, list(jobs[0]))
            progress.begin(outcome.Plan(len(jobs), varying(jobs)), first)


def varying(jobs: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Return the keys whose values differ between jobs, in order.

    >>> varying([["router=knn", "seed=0", "lambda.value=1"], ["router=knn", "seed=1", "lambda.value=1"]])
    ('seed',)
    """
    seen: dict[str, set[str]] = {}
    for job in jobs:
        for word in job:
            key, _, value = word.partition("=")
            seen.setdefault(key, set()).add(value)
    return tuple(key for key, values in seen.items() if len(values) > 1)


def register() -> None:
    """Make the sweeper known to Hydra."""
    Plugins.instance().class_name_to_class[PLUGIN_NAME] = JobListSweeper


def _values(override: Override) -> list[str]:
    if override.is_sweep_override():
        return [str(value) for value in override.sweep_string_iterator()]
    return [str(override.get_value_element_as_str())]


def _kind(word: str) -> str:
    key = word.partition("=")[0]
    plain = "." in key or key in VALUE_KEYS["train"]
    return key if plain else word
