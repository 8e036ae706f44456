"""What a leaderboard has to show, as plain tables: titles and rows of numbers, words and None."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from vlrb.report.columns import known
from vlrb.report.datasets import DATASET_LEVEL, dataset_table
from vlrb.report.frames import choice_shares
from vlrb.report.leaderboard import QUERIES, TRAINED, Leaderboard

POINTS = ("name", "kind", "router", "lambda", "seed", "chosen", "cost_per_1k", "accuracy", "rank_score")
DATASETS = ("name", "dataset", "n", "accuracy", "cost_per_1k", "rank_score")
CHOICES = ("name", "model", "share", "share_of_oracle", "cost_per_1k")
PLACES = ("run", "runs")  # columns that name folders of this machine


class Table(NamedTuple):
    """Columns and rows; a cell is a number, a word or None."""

    columns: tuple[str, ...]
    rows: list[Sequence[Any]]


def leaderboard(board: Leaderboard) -> Table:
    """Return every row and figure of a leaderboard."""
    return _plain(board.frame.drop(columns=[c for c in PLACES if c in board.frame]))


def points(board: Leaderboard) -> Table:
    """Return who lies where in the plane of cost (USD per 1,000 queries) and accuracy.

    Every operating point of every router (`chosen`: the one that dev chose), references, bounds and single models.
    """
    others = board.frame[board.frame["run"].isna()]
    frames = [table.reindex(columns=list(POINTS)).astype(object) for table in (board.points, others)]
    frame = pd.concat(frames, ignore_index=True)
    run = board.runs[0]
    singles = [
        {
            "name": run.display_name(model),
            "kind": "model",
            "cost_per_1k": None if figures.get("cost") is None else figures["cost"] * QUERIES,
            "accuracy": figures.get("accuracy"),
            "rank_score": figures.get("rank_score"),
        }
        for model, figures in run.landscape.get(board.split, {}).get("models", {}).items()
    ]
    table = _plain(frame)
    rows = [row for row in table.rows if row[POINTS.index("accuracy")] is not None]
    return Table(POINTS, [*rows, *([single.get(column) for column in POINTS] for single in singles)])


def datasets(board: Leaderboard, *, trained_only: bool = False) -> Table:
    """Return accuracy, cost and Rank Score of each row on each dataset (`trained_only`: of the routers alone)."""
    table = dataset_table(board)
    table = table[table["level"] == DATASET_LEVEL].rename(columns={"scope": "dataset"})
    if trained_only and len(names := board.section(TRAINED)["name"]):
        table = table[table["name"].isin(names)]
    return _plain(table[list(DATASETS)])


def choices(board: Leaderboard) -> Table:
    """Return the share of samples that each run sends to each model, beside the oracle's; cheapest model first."""
    first = board.runs[0]
    found = first.landscape.get(board.split, {}).get("models", {})
    costs = {model: found.get(model, {}).get("cost") for model in first.data["model_ids"]}
    models = sorted(costs, key=lambda model: (costs[model] is None, costs[model] or 0.0))
    oracle = choice_shares(board.evaluated.table, models, "oracle_")
    names = {row["run"]: row["name"] for row in board.frame.to_dict("records") if known(row["run"])}
    rows: list[Sequence[Any]] = []
    for run in board.runs:
        shares = choice_shares(run.decided(board.split), models)
        for model, share, best in zip(models, shares, oracle, strict=True):
            cost = None if costs[model] is None else costs[model] * QUERIES
            rows.append(
                [names.get(str(run.folder), run.name), run.display_name(model), float(share), float(best), cost]
            )
    return Table(CHOICES, rows)


def _plain(frame: pd.DataFrame) -> Table:
    """Return a frame with Python's own numbers, None where nothing is known."""
    columns = tuple(str(column) for column in frame.columns)
    values: Sequence[Sequence[Any]] = frame.astype(object).to_numpy().tolist()
    return Table(columns, [[cell if known(cell) else None for cell in row] for row in values])
