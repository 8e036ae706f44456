"""What changed between two leaderboards on the same data: rows, figures (paired), decisions."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from vlrb.evaluation.judge import difference, judge
from vlrb.evaluation.runs import Run, check_comparable
from vlrb.metrics.outcomes import is_correct
from vlrb.report.frames import Evaluated, evaluated
from vlrb.report.leaderboard import QUERIES, Leaderboard
from vlrb.report.names import differences, flat
from vlrb.schema import MODEL_ID, SAMPLE_ID
from vlrb.utils.errors import StateError

ADDED, REMOVED, CHANGED, SAME = "added", "removed", "changed", "same"
FIGURES = ("accuracy", "cost_per_1k", "rank_score")
CHANGES = (
    *(f"{figure}_change{end}" for figure in FIGURES for end in ("", "_low", "_high")),
    *("decisions_changed", "won", "lost"),
)
COLUMNS = (
    *("status", "name", "before_name", "settings"),
    *(f"{figure}{end}" for figure in FIGURES for end in ("", "_before", "_change", "_change_low", "_change_high")),
    *("beyond", "decisions_changed", "won", "lost", "run", "before_run"),
)
Row = dict[str, Any]


class Comparison(NamedTuple):
    """Two leaderboards and what changed from the second to the first.

    Attributes:
        board: The leaderboard that was asked for.
        before: The one that it is compared with.
        frame: COLUMNS, one row per router row of either: changes are `board` minus `before`, with paired intervals;
            `beyond` names the figures whose interval leaves out zero; `won` and `lost` count samples that became right
            and wrong.
    """

    board: Leaderboard
    before: Leaderboard
    frame: pd.DataFrame


def compare(board: Leaderboard, before: Leaderboard, resamples: int | None = None) -> Comparison:
    """Compare two leaderboards row by row.

    Rows of the same run folder name (router, λ, seed and configuration) belong together; what is left is matched by
    router, λ and seed, then by router and seed, then by router, each only where that says which.

    Raises:
        StateError: They are about different data, prices, bounds or splits.
    """
    if board.split != before.split:
        raise StateError(f"not comparable: the leaderboards are of {board.split} and {before.split}")
    check_comparable([board.runs[0], before.runs[0]])
    new, old = _by_row(board), _by_row(before)
    pairs = match(list(new.values()), list(old.values()))
    by_run = {id(run): name for rows in (new, old) for name, run in rows.items()}
    count = int(board.runs[0].config.get("resamples", 2000)) if resamples is None else resamples
    rows = [_row(by_run, run, pairs.get(id(run)), board, before, count) for run in new.values()]
    taken = {id(run) for run in pairs.values()}
    rows += [_lone(REMOVED, by_run[id(run)], run, before) for run in old.values() if id(run) not in taken]
    return Comparison(board, before, pd.DataFrame(rows, columns=list(COLUMNS)))


def match(new: Sequence[Run], old: Sequence[Run]) -> dict[int, Run]:
    """Return the run before by the `id` of each run that has one."""
    keys: list[Callable[[Run], Hashable]] = [
        lambda run: (run.router, run.folder.name),
        lambda run: (run.router, run.setting, run.seed),
        lambda run: (run.router, run.seed),
        lambda run: run.router,
    ]
    pairs: dict[int, Run] = {}
    left, right = list(new), list(old)
    for key in keys:
        once = [{k for k, n in Counter(map(key, runs)).items() if n == 1} for runs in (left, right)]
        known = {key(run): run for run in right if key(run) in once[0] & once[1]}
        pairs |= {id(run): known[key(run)] for run in left if key(run) in known}
        taken = {id(run) for run in pairs.values()}
        left = [run for run in left if id(run) not in pairs]
        right = [run for run in right if id(run) not in taken]
    return pairs


def _by_row(board: Leaderboard) -> dict[str, Run]:
    """Return the runs of a leaderboard's rows by name."""
    folders = {str(run.folder): run for run in board.runs}
    rows = board.frame[board.frame["run"].isin(list(folders))]
    return {name: folders[folder] for name, folder in zip(rows["name"], rows["run"], strict=True)}


def _row(
    names: dict[int, str], run: Run, other: Run | None, board: Leaderboard, before: Leaderboard, resamples: int
) -> Row:
    if other is None:
        return _lone(ADDED, names[id(run)], run, board)
    left, right = evaluated(run, board.split), evaluated(other, before.split)
    row = _changes(left, _aligned(left, right, run, other), run, resamples)
    settings = _settings(run, other)
    status = CHANGED if row["decisions_changed"] or settings or any(row[f"{f}_change"] for f in FIGURES) else SAME
    return {
        **row,
        **{"status": status, "name": names[id(run)], "before_name": names[id(other)], "settings": settings},
        **{"run": str(run.folder), "before_run": str(other.folder)},
    }


def _settings(run: Run, other: Run) -> str:
    words = differences([flat(other.config), flat(run.config)])
    told = "" if run.setting == other.setting else f"{other.setting} → {run.setting}"
    more = "" if words[0] == words[1] else f"{words[0]} → {words[1]}"
    return ", ".join(filter(None, (told, more)))


def _aligned(left: Evaluated, right: Evaluated, run: Run, other: Run) -> Evaluated:
    """Return the decisions before in the sample order of the others."""
    found = right.in_order(pd.Index(left.table[SAMPLE_ID]))
    if found is None:
        raise StateError(f"not comparable: {run.folder} and {other.folder} decided on different samples")
    return found


def _changes(left: Evaluated, right: Evaluated, run: Run, resamples: int) -> Row:
    """Return both figures and their difference with a paired interval, and how many decisions changed."""
    choosers = {"new": left.chooser(), "old": right.chooser()}
    judged = judge(choosers, left.units, run.bounds, run.seed, resamples)
    row: Row = {}
    for figure in FIGURES:
        key, unit = ("cost", QUERIES) if figure == "cost_per_1k" else (figure, 1)
        flat_change = difference("change", key, judged["new"], judged["old"])
        found = {"": judged["new"].values[key].value, "_before": judged["old"].values[key].value}
        found |= {f"_{name}": value for name, value in flat_change.items() if not name.endswith("reason")}  # type: ignore[misc]
        row |= {f"{figure}{end}": None if value is None else float(value) * unit for end, value in found.items()}
    beyond = [f for f in FIGURES if _leaves_out_zero(row[f"{f}_change_low"], row[f"{f}_change_high"])]
    gained = is_correct(choosers["new"].quality) - is_correct(choosers["old"].quality)
    other = left.table[MODEL_ID].to_numpy() != right.table[MODEL_ID].to_numpy()
    counts = {"won": int((gained > 0).sum()), "lost": int((gained < 0).sum())}
    return {**row, "beyond": ", ".join(beyond), "decisions_changed": float(np.mean(other)), **counts}


def _leaves_out_zero(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and (low > 0 or high < 0)


def _lone(status: str, name: str, run: Run, board: Leaderboard) -> Row:
    stored = board.frame[board.frame["run"] == str(run.folder)].iloc[0]
    end = "_before" if status == REMOVED else ""
    figures = {f"{figure}{end}": stored[figure] for figure in FIGURES}
    names = {"before_name": name, "before_run": str(run.folder)} if end else {"name": name, "run": str(run.folder)}
    return {"status": status, **names, **figures}
