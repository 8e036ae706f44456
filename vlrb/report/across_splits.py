"""Runs on several splits of one benchmark, folds of a cross-validation say: their figures side by side, and the mean.

Runs on different splits never share a leaderboard: they are judged on other samples. What can be said of them together
is how one setting fares from split to split.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich import box
from rich.table import Table

from vlrb.evaluation.runs import Run
from vlrb.report.names import flat
from vlrb.utils.console import say
from vlrb.utils.files import write_text
from vlrb.utils.fingerprint import fingerprint

FILE = "across_splits.csv"
FIGURES = ("accuracy", "cost", "rank_score")


def on_several_splits(runs: Sequence[Run]) -> bool:
    """Return whether runs were asked to use different splits."""
    return len({fingerprint(run.config.get("split")) for run in runs}) > 1


def across_splits(runs: Sequence[Run]) -> pd.DataFrame:
    """Return one row per run: setting (equal for runs that differ in their split alone), split and test figures."""
    settings = [_without_split(run) for run in runs]
    splits = [flat(run.config.get("split")) for run in runs]
    keys = sorted({key for split in splits for key in split} - {"_target_"})
    differing = [key for key in keys if len({split.get(key) for split in splits}) > 1]
    rows = []
    for run, setting, split in zip(runs, settings, splits, strict=True):
        words = " ".join(f"{key}={split.get(key, '–')}" for key in differing) or str(split.get("name"))
        figures = {name: run.metrics.get(f"test/{name}") for name in ("n", *FIGURES)}
        rows.append({"run": run.name, "setting": setting, "split": words, **figures, "folder": str(run.folder)})
    return pd.DataFrame(rows).astype(dict.fromkeys(FIGURES, float))


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Return mean and standard deviation (n − 1) over the splits of each setting, best mean Rank Score first."""
    grouped = table.groupby("setting", sort=False)
    frame = pd.DataFrame({"run": grouped["run"].first(), "splits": grouped.size()})
    for name in FIGURES:
        frame[name], frame[f"{name}_sd"] = grouped[name].mean(), grouped[name].std()
    return frame.sort_values("rank_score", ascending=False).reset_index(drop=True)


def show_across_splits(runs: Sequence[Run], out: Path) -> None:
    """Print the means over splits and write the figures of every run to `across_splits.csv`."""
    frame = across_splits(runs)
    write_text(out / FILE, frame.drop(columns="setting").to_csv(index=False, float_format="%.8g"))
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for k, title in enumerate(("router", "splits", "accuracy", "$/1k", "Rank Score")):
        table.add_column(title, justify="right" if k else "left", no_wrap=True)
    for row in means(frame).to_dict("records"):
        pairs = [(row["accuracy"], row["accuracy_sd"], 3), (row["cost"] * 1000, row["cost_sd"] * 1000, 4)]
        pairs.append((row["rank_score"], row["rank_score_sd"], 3))
        table.add_row(row["run"], str(row["splits"]), *(_spread(*pair) for pair in pairs))
    say(table)
    say("mean ± standard deviation over the test samples of each split; every run has its own leaderboard", style="dim")


def _spread(mean: float, deviation: float, digits: int) -> str:
    words = "–" if mean != mean else f"{mean:.{digits}f}"
    return words if deviation != deviation else f"{words} ± {deviation:.{digits}f}"


def _without_split(run: Run) -> str:
    ignored = ("split.", "paths.", "logger.")
    return fingerprint({k: v for k, v in flat(run.config).items() if not k.startswith(ignored)})
