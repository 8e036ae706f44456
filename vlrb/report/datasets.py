"""Figures per dataset and per reporting group, for every row of a leaderboard that has decisions."""

import numpy as np
import pandas as pd

from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.grouped import Figures, by_dataset, macro, mean_figures, micro
from vlrb.metrics.outcomes import Chosen
from vlrb.report.frames import Evaluated, reference_choosers
from vlrb.report.leaderboard import QUERIES, TRAINED, Leaderboard
from vlrb.report.seeds import aligned

DATASET_LEVEL, GROUP_LEVEL, OVERALL = "dataset", "group", "overall"
MICRO, MACRO = "micro", "macro"
Scope = tuple[str, str, str]
COLUMNS = ("name", "level", "scope", "average", "n", "accuracy", "quality", "cost_per_1k", "rank_score", "reason")


def dataset_table(board: Leaderboard) -> pd.DataFrame:
    """Return COLUMNS in long format: one row per leaderboard row and dataset, group (micro, macro) and overall.

    `average` is micro (every sample counts the same) or macro (every dataset does); `reason` says why a figure is
    undefined, naming the datasets. Rows with several seeds hold the means over them.
    """
    rows = []
    groups, bounds = board.runs[0].data["dataset_groups"], board.runs[0].bounds
    for name, table, seeds in _choosers(board):
        found = [_figures(chosen, table, groups, bounds) for chosen in seeds]
        rows += [_row(name, *scope, mean_figures([one[scope] for one in found])) for scope in found[0]]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _choosers(board: Leaderboard) -> list[tuple[str, Evaluated, list[Chosen]]]:
    """Return (leaderboard name, samples, outcomes of each seed) in leaderboard order."""
    named = [r for r in board.frame.to_dict("records") if pd.isna(r["run"]) and not r["router"].startswith("Bayes")]
    references = reference_choosers(board.runs[0], board.split, [row["router"] for row in named])
    out = []
    for row in board.frame.to_dict("records"):
        runs = board.runs_of(row["name"])
        if runs:
            tables = aligned(runs, board.split)
            out.append((row["name"], tables[0], [table.chooser() for table in tables]))
        elif row["router"] in references:
            out.append((row["name"], board.evaluated, [references[row["router"]]]))
    return out


def _figures(chosen: Chosen, table: Evaluated, groups: dict[str, str], bounds: CostBounds) -> dict[Scope, Figures]:
    """Return the figures of each dataset, then of each group and overall (micro, macro), by (level, scope, average)."""
    dataset = table.units.dataset
    parts = by_dataset(chosen, dataset, table.dataset_names, bounds)
    found = {(DATASET_LEVEL, scope, ""): figures for scope, figures in parts.items()}
    scopes = {group: [d for d in table.dataset_names if groups[d] == group] for group in dict.fromkeys(groups.values())}
    for level, scope, members in (
        *((GROUP_LEVEL, group, names) for group, names in scopes.items()),
        (OVERALL, OVERALL, list(table.dataset_names)),
    ):
        codes = [table.dataset_names.index(member) for member in members]
        found[level, scope, MICRO] = micro(chosen, np.isin(dataset, codes), bounds)
        found[level, scope, MACRO] = macro({m: parts[m] for m in members}, bounds)
    return found


def _row(name: str, level: str, scope: str, average: str, found: Figures) -> dict[str, object]:
    reasons = [v.reason for v in (found.accuracy, found.cost, found.rank_score) if v.reason]
    cost = found.cost.value
    return {
        "name": name,
        "level": level,
        "scope": scope,
        "average": average,
        "n": found.n,
        "accuracy": found.accuracy.value,
        "quality": found.quality.value,
        "cost_per_1k": None if cost is None else cost * QUERIES,
        "rank_score": found.rank_score.value,
        "reason": reasons[0] if reasons else "",
    }


def accuracy_grid(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return accuracies as a grid: scopes down (datasets, groups, overall), the named rows across."""
    labels = table["scope"].where(table["average"] == "", table["scope"] + ", " + table["average"])
    wide = table.assign(label=labels).pivot_table(
        index="label", columns="name", values="accuracy", sort=False, dropna=False, aggfunc="first"
    )
    return wide.reindex(columns=names).reindex(labels[table["name"] == table["name"].iloc[0]])


def grid_names(board: Leaderboard, most: int = 5) -> list[str]:
    """Return the rows worth comparing dataset by dataset: each router's best run and what it should beat."""
    trained = board.section(TRAINED).drop_duplicates("router")["name"].head(most).tolist()
    others = [n for n in ("strongest_global", "strongest_per_dataset", "oracle") if n in set(board.frame["name"])]
    return [*trained, *others]
