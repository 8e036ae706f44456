"""Build a benchmark folder from raw logs: only what is missing or out of date, resumable at any moment."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlrb import schema
from vlrb.benchmark import stages
from vlrb.benchmark.plan import Choices, Plan, Step
from vlrb.benchmark.pool import ModelPool
from vlrb.benchmark.pricing import PriceBook
from vlrb.benchmark.recorded_costs import RecordedCosts
from vlrb.benchmark.reports import problems
from vlrb.benchmark.splits.rule import SplitRule
from vlrb.benchmark.store import Benchmark
from vlrb.benchmark.tokens.counter import TokenCounter
from vlrb.utils.console import say, warn
from vlrb.utils.errors import ConfigError, DataError, StateError
from vlrb.utils.locks import folder_lock
from vlrb.utils.suggest import did_you_mean

if TYPE_CHECKING:
    from vlrb.sources.base import Source


@dataclass(frozen=True)
class BuildSettings:
    """Which parts to bring up to date, and how strictly.

    Attributes:
        stages: Stages to look at; `features` is not done here.
        force: Build the listed stages even if nothing changed.
        strict: Problems that the integrity report finds are errors.
        synthetic: Whether the data are generated; recorded in the manifest.
        announce: Say so when there was nothing to do.
    """

    stages: Sequence[str] = schema.BUILD_STAGES
    force: bool = False
    strict: bool = False
    synthetic: bool = False
    announce: bool = True

    def __post_init__(self) -> None:
        for stage in self.stages:
            if stage not in schema.BUILD_STAGES:
                raise ConfigError(f"stages: no such stage {stage!r}", did_you_mean(stage, schema.BUILD_STAGES))


def build_benchmark(
    root: str | Path,
    source: "Source",
    *,
    pool: ModelPool,
    tokens: TokenCounter,
    price_book: PriceBook | RecordedCosts,
    split: SplitRule,
    settings: BuildSettings | None = None,
) -> Benchmark:
    """Bring the parts of a benchmark folder up to date and open it.

    Args:
        root: The benchmark folder; made if missing, locked while it is written.
        source: Reads the raw logs (not touched unless the stage `records` is listed).
        pool: Models that may be chosen; they must be in the logs and have prices.
        tokens: How tokens are counted.
        price_book: Prices; costs of other books stay beside these.
        split: The split to make; others stay beside it.
        settings: Stages, force and strictness.

    Raises:
        DataError: The logs or the pool do not fit, or `strict` and the report finds problems.
        ConfigError: A model of the pool has no price.
        StateError: A listed stage needs one that is neither listed nor done, or the disk is full.
    """
    settings = settings or BuildSettings()
    plan = Plan(Path(root), source, Choices(pool, tokens, price_book, split))
    if "records" in settings.stages:
        source.fingerprint()  # logs that are not there must fail before the folder is made
    with folder_lock(plan.root):
        stages.clean_up(plan.root)
        changed = _run_all(plan, settings)
        bench = Benchmark.open(plan.root)
        if settings.announce and not changed:
            say(f"{plan.root}: up to date ({len(bench.Y):,} samples × {len(bench.model_ids)} models)")
    if "validate" in settings.stages and (settings.strict or "reports" in changed):
        _tell_problems(plan.root, settings.strict)
    return bench


def stale_parts(
    root: str | Path,
    source: "Source",
    *,
    pool: ModelPool,
    tokens: TokenCounter,
    price_book: PriceBook | RecordedCosts,
    split: SplitRule,
    settings: BuildSettings | None = None,
) -> list[str]:
    """Return the parts that `build_benchmark` would certainly build; nothing is written. Arguments as there."""
    settings = settings or BuildSettings()
    plan = Plan(Path(root), source, Choices(pool, tokens, price_book, split))
    steps = [step for step in plan.steps() if step.stage in settings.stages]
    return [step.part for step in steps if not _is_current(plan, step)]


def _is_current(plan: Plan, step: Step) -> bool:
    try:
        inputs = step.inputs()
    except StateError:  # made from a part that is not there
        return False
    return stages.is_current(plan.root, step.part, inputs)


def _run_all(plan: Plan, settings: BuildSettings) -> list[str]:
    """Bring the listed stages up to date and return the parts that changed."""
    steps = [step for step in plan.steps() if step.stage in settings.stages]
    of_logs = [step for step in steps if step.stage == "records"]
    others = [step for step in steps if step.stage != "records"]
    changed = [step.part for step in of_logs if _run(plan, step, settings)]
    if others:
        _check_choices(plan, settings)
    if of_logs:  # not before the choices are known to be good, and before reports tell of the data
        _describe(plan, settings)
    return changed + [step.part for step in others if _run(plan, step, settings)]


def _run(plan: Plan, step: Step, settings: BuildSettings) -> bool:
    start = time.perf_counter()
    if not stages.run_stage(plan.root, step.part, step.inputs(), step.work, force=settings.force):
        return False
    facts = stages.read_manifest(plan.root)["parts"][step.part]["facts"]
    if facts:
        say(f"{step.part}: {_summary(facts)} ({time.perf_counter() - start:.1f} s)")
    return True


def _check_choices(plan: Plan, settings: BuildSettings) -> None:
    plan.choices.pool.select(plan.model_ids())
    if "costs" in settings.stages:
        plan.require_costs()


def _summary(facts: dict[str, Any]) -> str:
    words = [f"{value:,} {key.replace('_', ' ')}" for key, value in facts.items() if isinstance(value, int)]
    return ", ".join(words)


def _describe(plan: Plan, settings: BuildSettings) -> None:
    facts = {
        "name": plan.root.resolve().name,
        "dataset_root": Path(plan.source.root).resolve().as_posix(),
        "synthetic": settings.synthetic,
    }
    stages.describe(plan.root, facts)


def _tell_problems(root: Path, strict: bool) -> None:
    found = problems(root)
    if not found:
        return
    count = f"{len(found)} integrity problem{'s' if len(found) > 1 else ''}"
    report = root / schema.REPORTS_FOLDER / "integrity.md"
    if strict:
        raise DataError(f"{root}: {count}, the first: {found[0]}", f"all are in {report}")
    warn(f"{count}, see {report}")
