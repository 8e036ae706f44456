"""Reading run folders: finding them, refusing half-written or foreign ones."""

import json
from pathlib import Path

import pytest

from vlrb.evaluation.runs import Run, check_comparable, find_runs, load_run
from vlrb.utils.errors import StateError

DATA = {
    "dataset_name": "mine",
    "synthetic": False,
    "pricing": "flat",
    "data_fingerprint": "d0",
    "parts": {"cells": "c0", "split": "s0", "features": "f0"},
    "bounds": {"cmin": 0.001, "cmax": 0.008, "hash": "b0", "reason": None},
    "model_ids": ["small", "large"],
    "display_names": {"small": "Small"},
    "dataset_groups": {"alpha": "General"},
}


def make(folder: Path, router: str = "mlp", lam: str = "0.5", **data: object) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(f"router_name: {router}\nlambda:\n  value: {lam}\nseed: 3\nlr: 1e-3\n")
    (folder / "metrics.json").write_text(json.dumps({"test/n": 6}))
    (folder / "data.json").write_text(json.dumps({**DATA, **data}))
    (folder / "DONE").write_text(json.dumps({"config": "c", "data": {}, "objective": 0.5, "seconds": 1.0}))
    return folder


def test_a_finished_run(tmp_path: Path) -> None:
    run = load_run(make(tmp_path / "run"))
    assert isinstance(run, Run)
    assert (run.name, run.router, run.trade_off, run.seed) == ("mlp λ=0.5 s3", "mlp", 0.5, 3)
    assert run.bounds.cmax == 0.008
    assert (run.display_name("small"), run.display_name("large")) == ("Small", "large")
    assert load_run(make(tmp_path / "inf", lam=".inf")).name == "mlp λ=inf s3"


@pytest.mark.parametrize("name", ["metrics.json", "data.json", "config.yaml"])
def test_a_half_written_run_is_refused_by_name(tmp_path: Path, name: str) -> None:
    folder = make(tmp_path / "run")
    (folder / name).unlink()
    with pytest.raises(StateError, match=name.replace(".", r"\.")):
        load_run(folder)


def test_an_unfinished_and_a_failed_run(tmp_path: Path) -> None:
    folder = make(tmp_path / "run")
    (folder / "DONE").unlink()
    with pytest.raises(StateError, match="not finished"):
        load_run(folder)
    (folder / "FAILED").write_text(json.dumps({"reason": "no such file\nmore", "traceback": "…"}))
    with pytest.raises(StateError, match=r"failed \(no such file\)"):
        load_run(folder)


def test_a_later_failure_does_not_undo_a_finished_run(tmp_path: Path) -> None:
    folder = make(tmp_path / "run")
    (folder / "FAILED").write_text(json.dumps({"reason": "other data"}))
    assert load_run(folder).router == "mlp"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("metrics.json", "{", "not valid JSON"),
        ("data.json", "{}", "no dataset_name"),
        ("config.yaml", "a: [", "not a readable configuration"),
        ("config.yaml", "seed: 1", "router_name, lambda or seed is missing"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    folder = make(tmp_path / "run")
    (folder / name).write_text(text)
    with pytest.raises(StateError, match=message) as caught:
        load_run(folder)
    assert name in str(caught.value)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="not a run folder"):
        load_run(tmp_path)


def test_runs_are_found_in_a_folder_and_by_a_glob(tmp_path: Path) -> None:
    folders = [make(tmp_path / "runs" / "mine" / router / "0.5-s3-0", router) for router in ("knn", "mlp")]
    unfinished = make(tmp_path / "runs" / "mine" / "linear" / "0.5-s3-0", "linear")
    (unfinished / "DONE").unlink()
    found = find_runs(tmp_path / "runs")
    assert [run.folder for run in found.runs] == folders
    assert found.skipped == [(unfinished, "this run is not finished (no DONE in it)")]
    assert [run.router for run in find_runs(str(tmp_path / "runs" / "mine" / "[km]*")).runs] == ["knn", "mlp"]
    assert [run.router for run in find_runs(folders[1]).runs] == ["mlp"]


def test_a_sweep_names_its_runs_in_order(tmp_path: Path) -> None:
    base = tmp_path / "runs" / "mine"
    names = ["mlp/1-s3-0", "knn/1-s3-0", "linear/1-s3-0"]
    for name in names[:2]:
        make(base / name, name.split("/")[0])
    sweep = base / "sweeps" / "one"
    sweep.mkdir(parents=True)
    jobs = [{"job": k, "run": f"./elsewhere/mine/{name}", "status": "done"} for k, name in enumerate(names[:2])]
    jobs += [
        {"job": 2, "run": "./elsewhere/mine/linear/1-s3-0", "status": "failed"},
        {"job": 3, "run": None, "status": "failed"},
    ]
    (sweep / "sweep.json").write_text(json.dumps({"command": [], "jobs": jobs}))
    assert [run.router for run in find_runs(sweep).runs] == ["mlp", "knn"]  # recorded paths are stale: found beside


def test_nothing_found(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="no such folder"):
        find_runs(tmp_path / "nowhere")
    with pytest.raises(StateError, match="no such folder"):
        find_runs(str(tmp_path / "none*"))
    with pytest.raises(StateError, match="no finished run"):
        find_runs(tmp_path)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"dataset_name": "other", "data_fingerprint": "d1"}, "dataset_name"),
        ({"pricing": "real", "bounds": {**DATA["bounds"], "hash": "b1"}}, "pricing"),  # type: ignore[dict-item]
        ({"bounds": {**DATA["bounds"], "hash": "b1"}}, "cost bounds"),  # type: ignore[dict-item]
        ({"data_fingerprint": "d1", "parts": {"cells": "c0", "split": "s1"}}, "split"),
        ({"data_fingerprint": "d1", "model_ids": ["small"]}, "models"),
    ],
)
def test_runs_on_different_data_are_never_mixed(tmp_path: Path, change: dict[str, object], word: str) -> None:
    runs = [load_run(make(tmp_path / "a")), load_run(make(tmp_path / "b", **change))]
    with pytest.raises(StateError, match="not comparable") as caught:
        check_comparable(runs)
    assert word in caught.value.message


def test_other_features_on_the_same_data_are_comparable(tmp_path: Path) -> None:
    other = {**DATA["parts"], "features": "f1"}  # type: ignore[dict-item]
    check_comparable([load_run(make(tmp_path / "a")), load_run(make(tmp_path / "b", parts=other))])
