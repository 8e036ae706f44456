"""Decide, for each model and dataset, which file gives the grades and which the predictions."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from vlrb.sources.base import Note
from vlrb.sources.vlmevalkit.datasets import KNOWN, OTHERS, DatasetSpec, dataset_spec
from vlrb.sources.vlmevalkit.layout import INFERENCE, FoundFile
from vlrb.sources.vlmevalkit.names import PREDICTION, TABLE_ENDINGS, Parsed, Totals, parse, parse_totals, run_date
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
class TotalsFile:
    """A summary that the kit wrote, and what its name says."""

    file: FoundFile
    totals: Totals


@dataclass(frozen=True)
class Cell:
    """All tables of one model on one dataset, the preferred ones first.

    Args:
        model: Model folder.
        spec: The dataset.
        rule: Scoring rule.
        no_answer: What a prediction without an answer counts as where we grade: "unknown" or "wrong".
        graded: Files with grades.
        predicted: Files with predictions.
        notes: What there is to choose between.
        others: The same for each other run, newest first.
        totals: The kit's own summaries.
        compare_judges: Whether other judges' grades of the same answers are read.
    """

    model: str
    spec: DatasetSpec
    rule: str
    no_answer: str
    graded: list[LogFile]
    predicted: list[LogFile]
    notes: list[Note] = field(default_factory=list)
    others: "list[Cell]" = field(default_factory=list)
    totals: list[TotalsFile] = field(default_factory=list)
    compare_judges: bool = False

    @property
    def run(self) -> str:
        """Run folder of the preferred file, "" if it lies in none."""
        return (*self.graded, *self.predicted)[0].file.run

    def second_opinions(self, first: LogFile) -> list[LogFile]:
        """Return the files with other judges' grades of the same answers, one per judge."""
        if not self.compare_judges or not first.parsed.judge:
            return []
        same = [log for log in self.graded if (log.parsed.form, log.file.run) == (first.parsed.form, first.file.run)]
        by_judge = {log.parsed.judge: log for log in reversed(same)}
        return [log for judge, log in sorted(by_judge.items()) if judge and judge != first.parsed.judge]


def choose(
    files: Iterable[FoundFile],
    selection: Selection,
    rules: Rules,
    summaries: Iterable[FoundFile] = (),
    models: Iterable[str] = (),
    expected: Collection[str] = (),
) -> tuple[list[Cell], list[Note]]:
    """Group tables by model and dataset and order them.

    Newest run first, then the kind of table that the dataset's rule prefers, then the preferred judge, then xlsx
    before tsv before json.

    Args:
        files: Tables.
        selection: Which of them are wanted.
        rules: How they are graded.
        summaries: Files with totals.
        models: Names of all model folders, to tell a misspelt name.
        expected: Names of datasets and models that may be asked for and missing (somebody else says so).

    Raises:
        DataError: A dataset or model that was asked for has no logs.
    """
    logs = _parse_all(list(files), selection)
    _check_found("model", selection.models, {log.file.model for log in logs}.union(expected), models)
    _check_found("dataset", selection.datasets, {log.parsed.dataset for log in logs}.union(expected))
    totals = _all_totals(logs, summaries, selection)
    groups: dict[tuple[str, str], list[LogFile]] = defaultdict(list)
    unread: dict[str, int] = {}
    for log in logs:
        if not _wanted(log, selection) or log.parsed.form == "summary":
            continue
        if selection.unknown == "skip" and not dataset_spec(log.parsed.dataset, selection.aliases).known:
            unread[log.parsed.dataset] = unread.get(log.parsed.dataset, 0) + 1
        else:
            groups[log.parsed.dataset, log.file.model].append(log)
    notes = [_unread_note(unread)] if unread else []
    cells = [
        _cell(dataset, model, found, selection, rules, totals.get((dataset, model), []))
        for (dataset, model), found in sorted(groups.items())
    ]
    return cells, notes


def _unread_note(unread: dict[str, int]) -> Note:
    names = sorted(unread)
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    message = "no rule for these datasets; their files are not opened"
    return Note("unknown_dataset", shown, message, sum(unread.values()))


def _parse_all(files: list[FoundFile], selection: Selection) -> list[LogFile]:
    """Parse names twice: prediction files, whose names end with the dataset, tell the unknown datasets' names."""
    judges = tuple(dict.fromkeys((*JUDGES, EXACT, *selection.judges)))
    rules = _rules(selection)
    first = [LogFile(file, parse(file.rest, rules, judges)) for file in files]
    separate = any(log.file.section == INFERENCE for log in first)
    named = {
        log.parsed.dataset
        for log in first
        if log.parsed.form == PREDICTION and (log.file.section == INFERENCE or not separate)
    }
    rules |= {name: "explicit" for name in named if name not in rules}
    return [LogFile(file, parse(file.rest, rules, judges)) for file in files]


def _rules(selection: Selection) -> dict[str, str]:
    """Return the names of datasets that may occur, and their scoring rules."""
    rules = {name: spec.rule for name, spec in KNOWN.items()} | dict.fromkeys(OTHERS, "explicit")
    return rules | {name: dataset_spec(name, selection.aliases).rule for name in selection.aliases}


def _all_totals(
    logs: list[LogFile], summaries: Iterable[FoundFile], selection: Selection
) -> dict[tuple[str, str], list[TotalsFile]]:
    """Return the summaries of each (dataset, model)."""
    found: dict[tuple[str, str], list[TotalsFile]] = defaultdict(list)
    for log in logs:
        if log.parsed.form == "summary":
            totals = Totals(log.parsed.dataset, "score", "")
            found[totals.dataset, log.file.model].append(TotalsFile(log.file, totals))
    datasets = _rules(selection)
    for file in summaries:
        parsed = parse_totals(file.rest, datasets)
        if parsed is not None:
            found[parsed.dataset, file.model].append(TotalsFile(file, parsed))
    return found


def _check_found(what: str, asked: list[str] | None, found: set[str], known: Iterable[str] = ()) -> None:
    missing = [name for name in asked or [] if name not in found]
    if missing:
        raise DataError(f"no logs of {what} {missing[0]!r}", did_you_mean(missing[0], found.union(known)))


def _wanted(log: LogFile, selection: Selection) -> bool:
    dataset, model = log.parsed.dataset, log.file.model
    if dataset in selection.exclude_datasets or (selection.datasets is not None and dataset not in selection.datasets):
        return False
    return selection.models is None or model in selection.models


def _cell(
    dataset: str, model: str, logs: list[LogFile], selection: Selection, rules: Rules, totals: list[TotalsFile]
) -> Cell:
    spec = dataset_spec(dataset, selection.aliases)
    rule = _rule(spec, rules)
    graded, predicted = _ordered(logs, rule, selection)
    first = [log.file.run for log in (*graded[:1], *predicted[:1])][:1]
    notes = _notes(f"{model} on {dataset}", graded, predicted)
    keep = rules.replicates == "keep"
    others: list[Cell] = []
    for run in [run for run in _newest_first(logs) if run not in first] if keep else []:
        own = _ordered([log for log in logs if log.file.run == run], rule, selection)
        if any(own):
            others.append(Cell(model, spec, rule, rules.no_answer, *own))
    return Cell(model, spec, rule, rules.no_answer, graded, predicted, notes, others, totals, keep)


def _rule(spec: DatasetSpec, rules: Rules) -> str:
    if spec.rule == "circular" and rules.mmbench == "vanilla":
        return "vanilla"
    return "math_vista_fair" if spec.rule == "math_vista" and rules.math_vista == "fair" else spec.rule


def _ordered(logs: list[LogFile], rule: str, selection: Selection) -> tuple[list[LogFile], list[LogFile]]:
    """Return the files with grades and the files with predictions, the preferred ones first."""
    forms = [method.form for method in methods_for(rule)]
    runs = _newest_first(logs)
    logs = sorted(logs, key=lambda log: (runs.index(log.file.run), *_preference(log, forms, selection)))
    graded = [log for log in logs if log.parsed.form in forms and log.parsed.form not in (PREDICTION, "extract")]
    extracts = [log for log in logs if log.parsed.form == "extract" and "extract" in forms]
    run = graded[0].file.run if graded else None
    predicted = [log for log in logs if log.parsed.form == PREDICTION]
    predicted.sort(key=lambda log: (log.file.section != INFERENCE, log.file.run != run))  # stable: else as above
    if rule == "vanilla":  # its marks are of all rotations, its answers to the questions as first asked
        predicted += [log for log in logs if log.parsed.form == "result"]
    return graded + extracts, predicted


def _newest_first(logs: list[LogFile]) -> list[str]:
    """Return the run folders by date and time in their names, then by their newest file; undated ones come last."""
    changed: dict[str, int] = {}
    for log in logs:
        changed[log.file.run] = max(changed.get(log.file.run, 0), log.file.mtime_ns)
    return sorted(changed, key=lambda run: (*run_date(run), changed[run], run), reverse=True)


def _preference(log: LogFile, forms: list[str], selection: Selection) -> tuple[object, ...]:
    form = forms.index(log.parsed.form) if log.parsed.form in forms else len(forms)
    judge = selection.judge_rank(log.parsed.judge)
    return (form, judge, TABLE_ENDINGS.index(log.path.suffix), log.name)


def _notes(where: str, graded: list[LogFile], predicted: list[LogFile]) -> list[Note]:
    notes = []
    graded = [log for log in graded if log.parsed.form != "extract"]  # every score has one
    if len(graded) > 1:
        first = graded[0]
        others = ", ".join(log.name for log in graded[1:4]) + (" …" if len(graded) > 4 else "")
        by = f" (judge {first.parsed.judge})" if first.parsed.judge else ""
        notes.append(Note("several_results", where, f"{first.name}{by} is used, not {others}", len(graded) - 1))
    runs = {log.file.run for log in predicted if log.file.section == predicted[0].file.section}
    if len(runs) > 1:
        notes.append(Note("several_runs", where, f"predictions of run {predicted[0].file.run} are used", len(runs) - 1))
    return notes
