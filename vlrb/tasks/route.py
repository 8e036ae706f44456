"""Decide on a file of questions with one trained router: `evaluate.py run=<folder> route=questions.csv`."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from vlrb.routing.answers import answers_for
from vlrb.routing.load import load_router
from vlrb.routing.loaded import BATCH, LoadedRouter, Prepared, ahead, parts_of
from vlrb.routing.query import Choice, Query
from vlrb.routing.questions import JSON_LINES, Question, read_questions
from vlrb.tasks.jobs import JobResult
from vlrb.utils.config import Plain, number_text
from vlrb.utils.console import say, track, warn
from vlrb.utils.errors import ConfigError, DataError
from vlrb.utils.files import atomic_path
from vlrb.utils.logs import run_log

REPORT = "report"
Attempt = tuple[Question, "Prepared | DataError"]


@dataclass
class Summary:
    """What was decided on a file so far.

    Attributes:
        chosen: Questions by chosen model id.
        cost: Sum of the expected costs of the chosen models in USD.
        priced: Questions of which that cost is known.
        bare: Questions without a picture.
        problems: Questions without a decision.
        first_problem: The first of them, with the reason.
    """

    chosen: Counter[str] = field(default_factory=Counter)
    cost: float = 0.0
    priced: int = 0
    bare: int = 0
    problems: int = 0
    first_problem: str = ""

    def take(self, choice: Choice, pictures: int) -> None:
        """Count one decision."""
        self.chosen[choice.model_id] += 1
        self.bare += not pictures
        if choice.cost is not None:
            self.cost += choice.cost
            self.priced += 1

    def refuse(self, problem: str) -> None:
        """Count one question that cannot be decided on."""
        self.first_problem = self.first_problem or problem
        self.problems += 1


def route_file(config: Plain) -> JobResult:
    """Write the decision on every question of a file, and say how they are spread.

    Pictures are read a few at a time, and the output is there whole or not at all.

    Raises:
        ConfigError: Another way to use `evaluate.py` is asked for too.
        DataError: A row is no question or its picture cannot be read, unless `on_error=report`; names file and row.
        StateError: The run cannot be used.
    """
    _check(config)
    source = Path(config["route"]).expanduser()
    with run_log(None):
        router = load_router(config["run"], config["mu"], config["budget"])
    if config["budget"] is not None and router.mu is not None:
        say(f"budget ${number_text(1000 * config['budget'])}/1k: μ={number_text(router.mu)}, chosen on dev")
    folder = Path(config["out"]).expanduser() if config["out"] else source.parent
    suffix = ".jsonl" if source.suffix.lower() in JSON_LINES else ".csv"
    target = folder / f"{source.stem}.routed{suffix}"
    started = time.monotonic()
    summary = _write(router, source, target, report=config["on_error"] == REPORT)
    for line in lines(summary, router, time.monotonic() - started):
        say(line)
    if summary.problems:
        warn(f"{summary.problems:,} questions have no decision (first {summary.first_problem})")
    say(f"routed: {target}")
    return JobResult("done", target)


def _check(config: Plain) -> None:
    if not config["run"]:
        raise ConfigError("route is for one trained router", "run=<folder> route=questions.csv")
    if config["runs"] or "pricing" in config:
        other = "runs" if config["runs"] else "pricing"
        raise ConfigError(f"route and {other} exclude one another", "run=<folder> route=questions.csv")


def _write(router: LoadedRouter, source: Path, target: Path, *, report: bool) -> Summary:
    summary, ids = Summary(), router.spec.model_ids
    attempts = track(ahead(partial(_attempt, router), read_questions(source)), f"routing {source.name}")
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        answers = answers_for(target)(file, ids, estimates=router.router.can_reweigh, reported=report)
        for part in parts_of(attempts, BATCH):
            choices = iter(router.choose([read for _, read in part if isinstance(read, Prepared)]))
            for question, read in part:
                if isinstance(read, Prepared):
                    choice = next(choices)
                    summary.take(choice, len(read.pictures))
                    answers.add(question.id, choice, None)
                elif report:
                    summary.refuse(f"{question.where}: {read.message}")
                    answers.add(question.id, None, read.message)
                else:
                    hint = read.hint or "repair it, or list such rows and go on with on_error=report"
                    raise DataError(f"{question.where}: {read.message}", hint) from read
    return summary


def _attempt(router: LoadedRouter, question: Question) -> Attempt:
    """Read the pictures of a question."""
    if question.problem is not None:
        return question, question.problem
    reads_dataset = "dataset" in router.router.inputs
    try:
        dataset = question.dataset if reads_dataset else None
        return question, router.prepare(Query(question.prompt, question.pictures(), dataset, question.id))
    except DataError as error:
        return question, error


def lines(summary: Summary, router: LoadedRouter, seconds: float) -> list[str]:
    """Return how the decisions are spread, the most chosen model first, and what they are expected to cost."""
    total = summary.chosen.total()
    if not total:
        return ["no question could be decided on"]
    width = max(len(router.names[model]) for model in summary.chosen)
    found = [f"{total:,} questions routed in {seconds:.1f} s ({total / max(seconds, 1e-9):,.0f} a second)"]
    found += [
        f"  {router.names[model]:<{width}}  {count:>7,}  {100 * count / total:5.1f} %"
        for model, count in summary.chosen.most_common()
    ]
    if summary.bare and router.reads_pictures:
        found.append(f"{summary.bare:,} of them have no picture and were decided on by their prompts alone")
    if summary.priced:
        of = "" if summary.priced == total else f" (of the {summary.priced:,} whose cost is known)"
        found.append(f"expected mean cost ${1000 * summary.cost / summary.priced:.3g} per 1,000 questions{of}")
    else:
        found.append(_training_cost(summary.chosen, router.mean_train_cost, total))
    return found


def _training_cost(chosen: Mapping[str, int], mean: Mapping[str, float], total: int) -> str:
    cost = sum(count * mean[model] for model, count in chosen.items()) / total
    told = f"${1000 * cost:.3g} per 1,000 questions" if cost < float("inf") else "unknown"
    return f"this router estimates no costs; at the chosen models' mean training costs: {told}"
