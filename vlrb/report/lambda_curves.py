"""What a router reaches as its λ changes: one line per setting, means over seeds."""

import re

import pandas as pd

from vlrb.report.leaderboard import QUERIES, Leaderboard, untrained
from vlrb.report.names import run_names
from vlrb.schema import DEV

FIGURES = ("rank_score", "accuracy", "cost_per_1k")
TITLES = {"rank_score": "Rank Score", "accuracy": "accuracy", "cost_per_1k": "USD per 1,000 queries"}
COLUMNS = ("series", "router", "lambda", "seeds", *FIGURES, "dev_rank_score")
MOST = 12  # lines


def lambda_points(board: Leaderboard) -> pd.DataFrame:
    """Return COLUMNS, one row per setting and λ, for settings with at least two λ; figures are means over `seeds` runs.

    A mean over seeds is undefined where it is undefined for one of them. Operating points have no λ of training and are
    left out.
    """
    rows = []
    for run, name in zip(board.runs, run_names(board.runs), strict=True):
        if run.point is not None or untrained(run):
            continue
        own = {key: run.metrics.get(f"{board.split}/{key}") for key in ("rank_score", "accuracy", "cost")}
        cost = own.pop("cost")
        series = re.sub(r" (λ=\S+|s\d+)(?= |$)", "", name)
        row = {"series": series, "router": run.router, "lambda": run.trade_off, "seed": run.seed, **own}
        row |= {"cost_per_1k": None if cost is None else cost * QUERIES}
        rows.append(row | {"dev_rank_score": run.metrics.get(f"{DEV}/rank_score")})
    frame = pd.DataFrame(rows, columns=[*(c for c in COLUMNS if c != "seeds"), "seed"])
    figures = [*FIGURES, "dev_rank_score"]
    frame[figures] = frame[figures].astype("float64")
    several = frame.groupby("series")["lambda"].transform("nunique") > 1
    grouped = frame[several].groupby(["series", "router", "lambda"], sort=False)
    means = grouped[figures].mean().where(grouped[figures].count().eq(grouped["seed"].size(), axis=0))
    points = means.assign(seeds=grouped["seed"].size()).reset_index()[list(COLUMNS)]
    return points.sort_values(["series", "lambda"], kind="stable").reset_index(drop=True)
