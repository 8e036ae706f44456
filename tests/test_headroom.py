"""`evaluate.py headroom=true`: the command from a table of outcomes to report files, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from vlrb.utils.borrowed import borrow_choices
from vlrb.utils.cli import ROOT
from vlrb.utils.config import VALUE_KEYS

Call = Callable[..., tuple[int, str, str]]
FILES = {"headroom.json", "headroom.md", "headroom.html"}
PLOTS = {f"{name}.{suffix}" for name in ("solved_by", "pool", "observed_null", "cost") for suffix in ("png", "svg")}
MODELS = ("small", "middle", "large")


def write_table(path: Path, planted: float, *, datasets: int = 3, models: int = 3, n: int = 450) -> pd.DataFrame:
    """Write outcomes of Rasch models; `planted` makes model g better on dataset g and worse elsewhere."""
    rng = np.random.default_rng(5)
    dataset = np.arange(n) % datasets
    logit = np.array([-0.5, 0.0, 0.5])[:models] - rng.standard_normal((n, 1))
    logit += planted * (2 * (dataset[:, None] == np.arange(models)) - 1)
    frame = pd.DataFrame({"sample": [f"q{k}" for k in range(n)], "dataset": [f"set{g}" for g in dataset]})
    frame["prompt"] = [f"Question: number {k}?\nOptions:\nA. one\nB. two\nC. three\nD. four" for k in range(n)]
    for k, name in enumerate(MODELS[:models]):
        frame[f"{name}_correct"] = (rng.random(n) < expit(logit[:, k])).astype(int)
        frame[f"{name}_cost"] = 0.0001 * 3.0**k
    frame.to_csv(path, index=False)
    return frame


@pytest.fixture
def look(tmp_path: Path, call: Call) -> Callable[..., tuple[int, str, str]]:
    def run(table: Path, *words: str) -> tuple[int, str, str]:
        return call(
            "evaluate",
            "headroom=true",
            "dataset=outcomes_table",
            f"dataset.root={table}",
            "dataset.name=mine",
            "model_pool=discover",
            "pricing=recorded",
            "resamples=200",
            f"paths.data_dir={tmp_path / 'data'}",
            f"paths.runs_dir={tmp_path / 'runs'}",
            *words,
        )

    return run


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "headroom.json").read_text(encoding="utf-8"))
    return found


def test_specialists_are_worth_a_router(tmp_path: Path, look: Call) -> None:
    frame = write_table(tmp_path / "outcomes.csv", 1.2)
    code, out, err = look(tmp_path / "outcomes.csv")
    assert code == 0, err
    folder = tmp_path / "runs" / "mine" / "headroom"
    assert out.rstrip().endswith(f"report: {folder}")
    assert "Verdict: Routing is worth it here." in out
    assert {path.name for path in folder.iterdir()} == FILES | PLOTS
    report = read(folder)
    marks = frame[[f"{name}_correct" for name in MODELS]].to_numpy()
    assert report["oracle"]["observed"] == pytest.approx(marks.max(axis=1).mean())
    assert {row["name"]: row["accuracy"] for row in report["models"]} == pytest.approx(
        dict(zip(MODELS, marks.mean(axis=0), strict=True))
    )
    assert report["groupings"][0]["interaction"]["p"] < 0.01
    assert {row["group"]: row["stands_out"] for row in report["groupings"][0]["best"]} == {
        "set0": "small",
        "set1": "middle",
        "set2": "large",
    }
    assert report["guessing"]["n"] == 450
    assert report["guessing"]["guessers"] == pytest.approx(1 - 0.75**3)
    page = (folder / "headroom.html").read_text(encoding="utf-8")
    assert "http" not in page.replace("http://www.w3.org", "")  # works offline
    assert "Routing is worth it here." in page


def test_difficulty_and_ability_alone_are_not(tmp_path: Path, look: Call) -> None:
    write_table(tmp_path / "outcomes.csv", 0.0)
    code, out, err = look(tmp_path / "outcomes.csv", "scope=train", f"out={tmp_path / 'there'}")
    assert code == 0, err
    assert "Verdict: Nothing here shows that routing is worth it." in out
    report = read(tmp_path / "there")
    assert report["scope"] == "train"
    assert report["data"]["samples"] < 450
    assert report["verdict"]["rules"] == []


def test_one_dataset_holes_and_constant_models(tmp_path: Path, look: Call) -> None:
    frame = write_table(tmp_path / "outcomes.csv", 0.0, datasets=1, n=120)
    marks = frame["middle_correct"].astype(float)
    marks[:40] = np.nan
    frame["middle_correct"], frame["large_correct"] = marks, 0
    frame.loc[3, ["small_correct", "middle_correct", "large_correct"]] = np.nan
    for name in MODELS:
        frame[f"{name}_cost"] = 0.001
    frame.to_csv(tmp_path / "outcomes.csv", index=False)
    code, out, err = look(tmp_path / "outcomes.csv")
    assert code == 0, err
    flat = " ".join(out.split())
    assert "Cannot be seen: one dataset only." in flat
    assert "Not applicable: all models cost the same." in flat
    assert "large: always wrong" in flat
    assert "39 outcomes are unknown" in flat  # 40 holes, one of them in the sample that has no outcome at all
    assert "1 samples have none at all" in flat
    middle = next(row for row in read(tmp_path / "runs" / "mine" / "headroom")["models"] if row["name"] == "middle")
    assert middle["n"] == 80  # holes are no wrong answers
    assert middle["accuracy"] == pytest.approx(marks.mean())


def test_what_is_refused(tmp_path: Path, look: Call, call: Call) -> None:
    write_table(tmp_path / "one.csv", 0.0, models=1, n=60)
    code, _, err = look(tmp_path / "one.csv")
    assert code == 1
    assert "is the only model, so there is nothing to choose" in err
    code, _, err = look(tmp_path / "one.csv", "run=somewhere")
    assert code == 1
    assert "so run has no place" in err
    for words, wanted in (
        (["headroom=true", "datset=demo"], "did you mean 'dataset'"),
        (["headroom=true", "dataset=dmo"], "did you mean 'demo'"),
        (["headroom=true", "dataset.samples_per_dataste=5"], "samples_per_dataset"),
        (["headroom=maybe"], "headroom"),
        (["headroom=true", "dataset=vlmevalkit"], "has no value yet"),
        (["dataset=demo"], "dataset is for headroom=true"),
        (["scope=all", "runs=here"], "scope=all is for headroom=true"),
    ):
        code, _, err = call("evaluate", *words)
        assert code == 1, words
        assert wanted in err, words
        assert "Traceback" not in err


def test_choices_of_data_are_those_of_train() -> None:
    words = borrow_choices("evaluate", ["headroom=true", "pricing=flat"], ROOT / "conf")
    assert words == [
        "headroom=true",
        "pricing=flat",
        "dataset=demo",
        "model_pool=vl_routerbench",
        "tokens=tekken",
        "split=grouped",
        "scope=all",
    ]
    for script, given in (("evaluate", ["run=x", "pricing=flat"]), ("train", ["headroom=true"]), ("evaluate", [])):
        assert borrow_choices(script, given, ROOT / "conf") == given
    assert borrow_choices("evaluate", ["headroom=true", "scope=test"], ROOT / "conf").count("scope=all") == 0
    assert VALUE_KEYS["evaluate"]["headroom"] is bool
