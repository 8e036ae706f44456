"""The leaderboard: one row per method, then references and bounds; a pure function of run folders."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vlrb.evaluation.judge import gap_figure, judge
from vlrb.evaluation.runs import Run, check_comparable, load_run
from vlrb.metrics.bayes import share_of_attainable
from vlrb.metrics.bootstrap import RESAMPLES
from vlrb.metrics.rank_score import rank_score
from vlrb.report.frames import Evaluated, evaluated, reference_choosers, reference_names
from vlrb.report.methods import Candidate, Method, Select, find_methods, selection_notes
from vlrb.report.seeds import seed_metrics
from vlrb.report.significance import STANDING_COLUMNS, compare_rows, standing_notes, with_standings
from vlrb.schema import DEV, TEST, SplitName
from vlrb.utils.errors import StateError

TRAINED, REFERENCE, BOUND = "router", "reference", "bound"
KINDS = (TRAINED, REFERENCE, BOUND)
BEST_SINGLE = "strongest_global"
ORACLE = "oracle"  # the one reference that sees the answers: a bound
BAYES_ACCURACY, BAYES_RANK_SCORE = "Bayes, best accuracy", "Bayes, best score"
QUERIES = 1000  # costs are shown in USD per 1,000 queries

COLUMNS = (
    *("kind", "name", "router", "lambda", "seed", "seeds", "points", "split", "n"),
    *("accuracy", "accuracy_low", "accuracy_high", "accuracy_sd", "quality"),
    *("cost_per_1k", "cost_per_1k_low", "cost_per_1k_high", "cost_per_1k_sd"),
    *("rank_score", "rank_score_low", "rank_score_high", "rank_score_sd"),
    *("gap_closed", "gap_closed_low", "gap_closed_high"),
    *("accuracy_gain", "accuracy_gain_low", "accuracy_gain_high"),
    *(
        "expected_accuracy",
        "expected_cost_per_1k",
        "expected_rank_score",
        "share_of_attainable_gain",
        "share_of_attainable_rank_score",
    ),
    *("dev_accuracy", "dev_cost_per_1k", "dev_rank_score", "dev_to_test"),
    *("throughput_router", "throughput_total", "run", "runs"),
    *STANDING_COLUMNS,
)
POINT_COLUMNS = ("method", "chosen", *(name for name in COLUMNS if name not in STANDING_COLUMNS))
TEXTS = ("kind", "name", "router", "split", "run", "runs")
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """A leaderboard and what it is made from.

    Args:
        frame: COLUMNS, one row per method, reference and bound; sections in the order of KINDS, each sorted by Rank
            Score (undefined last), then accuracy. `run` is the folder of a row's first seed, `runs` those of all its
            seeds, joined by "; "; `points` says from how many operating points dev chose it, `dev_to_test` is the Rank
            Score on test less that on dev.
        points: POINT_COLUMNS, one row per operating point (seeds averaged), those of one method together.
        methods: The methods behind the rows of `frame` that have a run, by name.
        runs: The runs, all on the same data.
        split: The split shown.
        evaluated: The first run's decisions on it.
        notes: How rows were chosen, why figures are undefined, and the like.
    """

    frame: pd.DataFrame
    points: pd.DataFrame
    methods: dict[str, Method]
    runs: list[Run]
    split: SplitName
    evaluated: Evaluated
    notes: list[str]

    @property
    def synthetic(self) -> bool:
        """Whether the data are synthetic."""
        return self.runs[0].synthetic

    @property
    def title(self) -> str:
        """Which data and split the figures are about."""
        synthetic = " · synthetic data" if self.synthetic else ""
        return f"{self.runs[0].data['dataset_name']} · {self.split}{synthetic}"

    @property
    def subtitle(self) -> str:
        """How much data, how many models, which prices (and which the routers were trained for, if others)."""
        run, table = self.runs[0], self.evaluated
        groups = len(set(table.units.split_group.tolist()))
        size = f"{len(table.table):,} samples in {groups:,} groups · {len(run.data['model_ids'])} models"
        if "pricing" not in run.data:
            return size
        date = f" ({run.data['pricing_date']})" if run.data.get("pricing_date") else ""
        trained_for = sorted({str(r.repriced_from) for r in self.runs if r.repriced_from})
        decided = f" · re-priced, decided under {', '.join(trained_for)}" if trained_for else ""
        return f"{size} · prices {run.data['pricing']}{date}{decided}"

    def section(self, kind: str) -> pd.DataFrame:
        """Return the rows of one kind."""
        return self.frame[self.frame["kind"] == kind]

    def runs_of(self, name: str) -> tuple[Run, ...]:
        """Return the runs behind a row, one per seed; none for references that were not trained as a run."""
        return self.methods[name].chosen.runs if name in self.methods else ()


def make_leaderboard(
    runs: Sequence[Run | Path], split: SplitName = "test", resamples: int | None = None, select: Select = "dev"
) -> Leaderboard:
    """Return the leaderboard of runs on the same data.

    The references and the Bayes rows are those of the first run.

    Args:
        runs: Runs or run folders.
        split: The split to show.
        resamples: Bootstrap resamples behind ranks and the references' intervals; default: as many as the first run
            used; 0: no ranks, p values and intervals.
        select: What dev chooses, see `find_methods`; "none" makes every run a row.

    Raises:
        StateError: No runs, runs on different data, or one without figures for the split.
    """
    loaded = [run if isinstance(run, Run) else load_run(run) for run in runs]
    if not loaded:
        raise StateError("a leaderboard needs at least one run")
    check_comparable(loaded)
    first = loaded[0]
    if resamples is None:
        resamples = int(first.config.get("resamples", RESAMPLES))
    table = evaluated(first, split)
    methods = find_methods(loaded, select)
    references = [name for name in reference_names(first) if name not in {run.router for run in loaded}]
    rows = [_router_row(method.chosen, split, resamples) | {"points": len(method.candidates)} for method in methods]
    rows += _reference_rows(first, split, table, references, resamples)
    rows += _bayes_rows(first, split)
    labels = _labels([method.chosen for method in methods])
    frame = _numbers(pd.DataFrame(rows, columns=list(COLUMNS)))
    frame = _sorted(frame.assign(name=[*labels, *frame["router"][len(labels) :]]))
    named = dict(zip(labels, methods, strict=True))
    behind = {name: list(method.chosen.runs) for name, method in named.items()}
    found = compare_rows(frame, behind, first, split, resamples)
    notes = [*standing_notes(found, behind), *_notes(named, split, frame)]
    points = points_frame(named, split)
    return Leaderboard(with_standings(frame, found), points, named, loaded, split, table, notes)


def points_frame(methods: dict[str, Method], split: str) -> pd.DataFrame:
    """Return POINT_COLUMNS: every operating point of every method, without intervals where seeds are averaged."""
    rows = []
    for name, method in methods.items():
        for place, candidate in enumerate(method.candidates):
            row = _router_row(candidate, split, None) | {"method": name, "chosen": place == method.place}
            rows.append(row | {"name": candidate.name, "points": len(method.candidates)})
    return _numbers(pd.DataFrame(rows, columns=list(POINT_COLUMNS)))


def _labels(candidates: Sequence[Candidate]) -> list[str]:
    """Return the names of rows: references have no λ, so theirs is the router's unless that is said twice."""
    known = Counter(c.runs[0].router for c in candidates if untrained(c.runs[0]))
    return [run.router if known[(run := c.runs[0]).router] == 1 else c.name for c in candidates]


def _router_row(candidate: Candidate, split: str, resamples: int | None) -> Row:
    run = candidate.runs[0]
    metrics = seed_metrics(candidate.runs, split, resamples)
    known = untrained(run)
    row: Row = {name: metrics.get(name) for name in COLUMNS if name in metrics}
    row |= {name: candidate.mean(f"{TEST}/{name}") for name in ("throughput_router", "throughput_total")}
    row |= {f"cost_per_1k{end}": _per_1k(metrics.get(f"cost{end}")) for end in ("", "_low", "_high", "_sd")}
    dev, test = (candidate.mean(f"{part}/rank_score") for part in (DEV, TEST))
    row |= {"dev_accuracy": candidate.mean(f"{DEV}/accuracy"), "dev_rank_score": dev, "dev_to_test": test - dev}
    row |= {"dev_cost_per_1k": _per_1k(candidate.mean(f"{DEV}/cost"))}
    row["expected_cost_per_1k"] = _per_1k(metrics.get("expected_cost"))
    row |= {"kind": _kind(run.router) if known else TRAINED, "router": run.router, "split": split}
    row |= {"seed": run.seed if len(candidate.runs) == 1 else None, "seeds": len(candidate.runs)}
    row |= {"run": str(run.folder), "runs": "; ".join(str(same.folder) for same in candidate.runs)}
    return row | {"lambda": None if known else run.trade_off}


def _reference_rows(run: Run, split: str, table: Evaluated, names: list[str], resamples: int) -> list[Row]:
    choosers = reference_choosers(run, split, names)
    measures = {"best single": table.chooser("best_single_"), "the oracle": table.chooser("oracle_")}
    judged = judge({**measures, **choosers}, table.units, run.bounds, run.seed, resamples)
    best, oracle = (judged[name] for name in measures)
    rows = []
    for name in names:
        flat = judged[name].flat() | gap_figure(judged[name], best, oracle)
        row: Row = {key: flat[key] for key in COLUMNS if key in flat}
        row |= {f"cost_per_1k{end}": _per_1k(flat[f"cost{end}"]) for end in ("", "_low", "_high")}
        row |= {"kind": _kind(name), "router": name, "split": split, "n": len(table.table)}
        rows.append(row | (_expected(run, split, name) if name != ORACLE else {}))
    return rows


def _expected(run: Run, split: str, name: str) -> Row:
    """Return the expectations of a reference on synthetic data, nothing elsewhere."""
    found = run.landscape.get(split, {}).get("expected", {}).get(name)
    if not found:
        return {}
    best, attainable = (
        run.metrics.get(f"{split}/{key}") for key in ("expected_best_single_accuracy", "bayes_accuracy")
    )
    share = share_of_attainable(found["accuracy"], best, attainable)
    score = rank_score(found["accuracy"], found["cost"], run.bounds)
    return {
        "expected_accuracy": found["accuracy"],
        "expected_cost_per_1k": _per_1k(found["cost"]),
        "expected_rank_score": score.value,
        "share_of_attainable_gain": share.value,
    }


def _bayes_rows(run: Run, split: str) -> list[Row]:
    metrics = run.metrics
    if metrics.get(f"{split}/bayes_accuracy") is None:
        return []
    shared = {"kind": BOUND, "split": split, "n": metrics[f"{split}/n"]}
    top: Row = {
        **shared,
        "router": BAYES_ACCURACY,
        "expected_accuracy": metrics[f"{split}/bayes_accuracy"],
        "share_of_attainable_gain": 1.0,
        "cost_per_1k": _per_1k(metrics.get(f"{split}/bayes_accuracy_cost")),
        "rank_score": metrics.get(f"{split}/bayes_accuracy_rank_score"),
        "expected_rank_score": metrics.get(f"{split}/bayes_accuracy_rank_score"),
    }
    if metrics.get(f"{split}/bayes_rank_score") is None:
        return [top]
    accuracy = metrics.get(f"{split}/bayes_rank_score_accuracy")
    best = metrics.get(f"{split}/expected_best_single_accuracy")
    return [
        top,
        {
            **shared,
            "router": BAYES_RANK_SCORE,
            "expected_accuracy": accuracy,
            "share_of_attainable_gain": share_of_attainable(accuracy, best, metrics[f"{split}/bayes_accuracy"]).value,
            "share_of_attainable_rank_score": 1.0,
            "cost_per_1k": _per_1k(metrics.get(f"{split}/bayes_rank_score_cost")),
            "rank_score": metrics[f"{split}/bayes_rank_score"],
            "expected_rank_score": metrics[f"{split}/bayes_rank_score"],
        },
    ]


def _kind(name: str) -> str:
    return BOUND if name == ORACLE else REFERENCE


def _per_1k(cost: Any) -> float | None:  # noqa: ANN401 - a JSON number or null
    return None if cost is None else float(cost) * QUERIES


def untrained(run: Run) -> bool:
    """Return whether a run's router is one of the references."""
    return run.router in reference_names(run)


def _numbers(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype({name: "float64" for name in COLUMNS if name in frame and name not in TEXTS})


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    place = frame["kind"].map({kind: k for k, kind in enumerate(KINDS)})
    score = frame["rank_score"].fillna(-1.0)
    accuracy = frame["accuracy"].fillna(frame["expected_accuracy"]).fillna(-1.0)
    order = pd.DataFrame({"place": place, "score": -score, "accuracy": -accuracy}).sort_values(
        ["place", "score", "accuracy"], kind="stable"
    )
    return frame.loc[order.index].reset_index(drop=True)


def _notes(methods: dict[str, Method], split: str, frame: pd.DataFrame) -> list[str]:
    """Return how rows were chosen, and one line for each distinct reason of an undefined figure."""
    reasons: dict[str, None] = {}
    for run in (run for method in methods.values() for run in method.chosen.runs):
        for figure in ("accuracy", "rank_score", "gap_closed"):
            reason = run.metrics.get(f"{split}/{figure}_reason")
            if reason:
                reasons[f"{figure.replace('_', ' ')} is undefined: {reason}"] = None
    notes = [*selection_notes(methods), *reasons]
    if len(methods) > 1 and split != DEV:
        notes.append("rows are sorted by test figures; a choice between them is made by the dev Rank Score (dev score)")
    if (frame["router"] == BAYES_ACCURACY).any():
        notes.append("Bayes rows: the best any router could expect; compare them with exp. figures")
    return notes
