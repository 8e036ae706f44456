"""Decide, for each model and dataset, which file gives the grades and which the predictions."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from vlrb.sources.base import Note
from vlrb.sources.vlmevalkit.datasets import KNOWN, OTHERS, DatasetSpec, dataset_spec
from vlrb.sources.vlmevalkit.layout import INFERENCE, FoundFile
from vlrb.sources.vlmevalkit.names import PREDICTION, TABLE_ENDINGS, Parsed, parse, run_date
from vlrb.sources.vlmevalkit.scoring import methods_for
from vlrb.sources.vlmevalkit.settings import EXACT, JUDGES, Rules, Selection
from vlrb.utils.errors import DataError
from vlrb.utils.suggest import did_you_mean


@dataclass(frozen=True)
class LogFile:
    """A table and what its name says."""

    file: FoundFile
    parsed: Parsed

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.file.path

    @property
    def name(self) -> str:
        """How it is called in messages and records."""
        return self.file.name


@dataclass(frozen=True)
class Cell:
    """All tables of one model on one dataset, the preferred ones first."""

    model: str
    spec: DatasetSpec
    rule: str
    graded: list[LogFile]
    predicted: list[LogFile]
    notes: list[Note] = field(default_factory=list)


def choose(files: Iterable[FoundFile], selection: Selection, rules: Rules) -> tuple[list[Cell], list[Note]]:
    """Group tables by model and dataset and order them.

    Newest run first, then the kind of table that the dataset's rule prefers, then the preferred judge, then xlsx
    before tsv before json.

    Raises:
        DataError: A dataset or model that was asked for has no logs.
    """
    logs = _parse_all(list(files), selection)
    _check_found("dataset", selection.datasets, {log.parsed.dataset for log in logs})
    _check_found("model", selection.models, {log.file.model for log in logs})
    groups: dict[tuple[str, str], list[LogFile]] = defaultdict(list)
    summaries = 0
    for log in logs:
        if _wanted(log, selection):
            summaries += log.parsed.form == "summary"
            if log.parsed.form != "summary":
                groups[log.parsed.dataset, log.file.model].append(log)
    notes = [Note("ignored_files", "logs", "summaries of scores", summaries)] if summaries else []
    cells = [_cell(dataset, model, found, selection, rules) for (dataset, model), found in sorted(groups.items())]
    return cells, notes


def _parse_all(files: list[FoundFile], selection: Selection) -> list[LogFile]:
    """Parse names twice: prediction files, whose names end with the dataset, tell the unknown datasets' names."""
    judges = tuple(dict.fromkeys((*JUDGES, EXACT, *selection.judges)))
    rules = {name: spec.rule for name, spec in KNOWN.items()} | dict.fromkeys(OTHERS, "explicit")
    rules |= {name: dataset_spec(name, selection.aliases).rule for name in selection.aliases}
    first = [LogFile(file, parse(file.rest, rules, judges)) for file in files]
    separate = any(log.file.section == INFERENCE for log in first)
    named = {
        log.parsed.dataset
        for log in first
        if log.parsed.form == PREDICTION and (log.file.section == INFERENCE or not separate)
    }
    rules |= {name: "explicit" for name in named if name not in rules}
    return [LogFile(file, parse(file.rest, rules, judges)) for file in files]


def _check_found(what: str, asked: list[str] | None, found: set[str]) -> None:
    missing = [name for name in asked or [] if name not in found]
    if missing:
        raise DataError(f"no logs of {what} {missing[0]!r}", did_you_mean(missing[0], found))


def _wanted(log: LogFile, selection: Selection) -> bool:
    dataset, model = log.parsed.dataset, log.file.model
    if dataset in selection.exclude_datasets or (selection.datasets is not None and dataset not in selection.datasets):
        return False
    return selection.models is None or model in selection.models


def _cell(dataset: str, model: str, logs: list[LogFile], selection: Selection, rules: Rules) -> Cell:
    spec = dataset_spec(dataset, selection.aliases)
    rule = "vanilla" if spec.rule == "circular" and rules.mmbench == "vanilla" else spec.rule
    forms = [method.form for method in methods_for(rule)]
    graded = [log for log in logs if log.parsed.form in forms and log.parsed.form not in (PREDICTION, "extract")]
    graded.sort(key=lambda log: _preference(log, forms, selection), reverse=False)
    extracts = [log for log in logs if log.parsed.form == "extract" and "extract" in forms]
    extracts.sort(key=lambda log: _preference(log, forms, selection))
    predicted = [log for log in logs if log.parsed.form == PREDICTION]
    run = graded[0].file.run if graded else None
    predicted.sort(
        key=lambda log: (log.file.section != INFERENCE, log.file.run != run, *_preference(log, forms, selection))
    )
    return Cell(model, spec, rule, graded + extracts, predicted, _notes(f"{model} on {dataset}", graded, predicted))


def _preference(log: LogFile, forms: list[str], selection: Selection) -> tuple[object, ...]:
    date, time = run_date(log.file.run)
    newest_first = -int(date or 0), -int(time or 0), -log.file.mtime_ns if not date else 0
    form = forms.index(log.parsed.form) if log.parsed.form in forms else len(forms)
    judge = selection.judge_rank(log.parsed.judge)
    return (*newest_first, log.file.run, form, judge, TABLE_ENDINGS.index(log.path.suffix), log.name)


def _notes(where: str, graded: list[LogFile], predicted: list[LogFile]) -> list[Note]:
    notes = []
    if len(graded) > 1:
        first = graded[0]
        others = ", ".join(log.name for log in graded[1:4]) + (" …" if len(graded) > 4 else "")
        by = f" (judge {first.parsed.judge})" if first.parsed.judge else ""
        notes.append(Note("several_results", where, f"{first.name}{by} is used, not {others}", len(graded) - 1))
    runs = {log.file.run for log in predicted if log.file.section == predicted[0].file.section}
    if len(runs) > 1:
        notes.append(Note("several_runs", where, f"predictions of run {predicted[0].file.run} are used", len(runs) - 1))
    return notes
