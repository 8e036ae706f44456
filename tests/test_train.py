"""The whole way, in-process, on a small demo: build, train, skip, sweep, fail, evaluate again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vlrb.utils.cli import run_script

Call = Callable[..., tuple[int, str, str]]
SIZE = 16
RESULTS = ("config.yaml", "DONE", "metrics.json", "decisions.parquet", "references.parquet", "data.json")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo benchmark, built once."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    assert run_script("build_data", [f"dataset.samples_per_dataset={SIZE}", f"paths.data_dir={folder}"]) == 0
    return folder


@pytest.fixture
def small(data_dir: Path, tmp_path: Path) -> list[str]:
    return [
        f"dataset.samples_per_dataset={SIZE}",
        f"paths.data_dir={data_dir}",
        f"paths.runs_dir={tmp_path / 'runs'}",
        "resamples=50",
        "trainer=cpu",
    ]


def last_folder(out: str, word: str = "run") -> Path:
    line = out.strip().splitlines()[-1]
    assert line.startswith(f"{word}: ")
    return Path(line.removeprefix(f"{word}: "))


def metrics_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


@pytest.fixture
def trained(call: Call, small: list[str]) -> Path:
    code, out, err = call("train", "router=knn", *small)
    assert code == 0, err
    return last_folder(out)


def test_a_run_folder_holds_everything(trained: Path) -> None:
    for name in RESULTS:
        assert (trained / name).is_file(), name
    for pattern in ("*.safetensors", "leaderboard.csv", "*pareto*.png", "*choice*.png", "run.log", "versions.json"):
        assert list(trained.rglob(pattern)), pattern
    assert not list(trained.rglob("*.tmp*"))
    decisions = pd.read_parquet(trained / "decisions.parquet")
    assert set(decisions["split"]) == {"dev", "test"}
    assert decisions["sample_id"].is_unique
    assert sum(c.startswith("score/") for c in decisions.columns) == 17


def test_metrics_agree_with_the_decisions_and_no_router_beats_the_oracle(trained: Path) -> None:
    metrics, decisions = metrics_of(trained), pd.read_parquet(trained / "decisions.parquet")
    for split in ("dev", "test"):
        rows = decisions[decisions["split"] == split]
        assert metrics[f"{split}/n"] == len(rows)
        assert metrics[f"{split}/accuracy"] == pytest.approx((rows["quality"] >= 0.5).mean())
        assert metrics[f"{split}/quality"] == pytest.approx(rows["quality"].mean())
        assert metrics[f"{split}/cost"] == pytest.approx(rows["cost"].mean())
        assert metrics[f"{split}/accuracy"] <= metrics[f"{split}/oracle_accuracy"]
        assert metrics[f"{split}/accuracy_low"] <= metrics[f"{split}/accuracy"] <= metrics[f"{split}/accuracy_high"]
        right = (rows["quality"] >= 0.5).to_numpy()
        assert ((rows["oracle_quality"] >= 0.5).to_numpy() >= right).all()  # where any model is right, the oracle is
        assert metrics[f"{split}/best_single_accuracy"] <= metrics[f"{split}/best_single_hindsight_accuracy"]
    references = pd.read_parquet(trained / "references.parquet")
    assert set(references["router"]) == {
        "oracle",
        "strongest_global",
        "cheapest_global",
        "strongest_per_dataset",
        "random",
    }
    strongest = references[(references["router"] == "strongest_global") & (references["split"] == "test")]
    assert set(strongest["model_id"]) == set(decisions["best_single_model_id"])  # two ways to the same baseline


def test_no_decision_beats_the_bayes_bound(trained: Path, data_dir: Path) -> None:
    """Expected accuracy − μ·expected cost ≤ V(μ) for every router and every μ: exact, no tolerance for noise."""
    landscape = json.loads((trained / "landscape.json").read_text(encoding="utf-8"))
    for split in ("dev", "test"):
        part = landscape[split]
        frontier = part["frontier"]
        a, c = np.array(frontier["accuracy"]), np.array(frontier["cost"])
        for mu in frontier["weights"]:
            bound = (a - mu * c).max()
            for name, point in part["expected"].items():
                assert point["accuracy"] - mu * point["cost"] <= bound + 1e-12, (name, mu)


def test_again_is_skipped_and_touches_nothing(call: Call, small: list[str], trained: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in trained.rglob("*") if p.is_file() and p.name != ".lock"}
    code, out, _ = call("train", "router=knn", *small)
    assert code == 0
    assert "finished already" in out
    assert "knn" in out
    assert last_folder(out) == trained
    assert before == {p: p.stat().st_mtime_ns for p in trained.rglob("*") if p.is_file() and p.name != ".lock"}


def test_same_seed_same_result(call: Call, small: list[str]) -> None:
    found = []
    for words in ([], ["overwrite=true"]):
        code, out, err = call("train", "router=mlp", "trainer.max_epochs=3", *small, *words)
        assert code == 0, err
        assert "training mlp" in out
        found.append(pd.read_parquet(last_folder(out) / "decisions.parquet"))
    pd.testing.assert_frame_equal(*found)


def test_other_data_under_the_same_name_is_refused_and_named(call: Call, tmp_path: Path) -> None:
    places = [f"paths.{kind}_dir={tmp_path / kind}" for kind in ("data", "runs")] + ["resamples=20", "trainer=cpu"]
    words = ["router=strongest_global", "dataset.samples_per_dataset=6"]
    code, out, err = call("train", *words, *places)
    assert code == 0, err
    folder = last_folder(out)
    kept = (folder / "decisions.parquet").read_bytes()
    truth = tmp_path / "data" / "raw" / "demo"
    for log in truth.rglob("*DocVQA_VAL_results.xlsx"):
        log.unlink()
        break
    code, _, err = call("train", *words, *places, "missing=mask")  # another identity: other run, no complaint
    assert code == 0, err
    code, _, err = call("train", *words, *places)
    assert code == 1
    assert "holds a finished run on other data" in err
    assert "overwrite=true" in err
    assert (folder / "decisions.parquet").read_bytes() == kept
    code, _, err = call("train", *words, *places, "overwrite=true")
    assert code == 0, err


def test_evaluate_again_gives_the_stored_decisions(call: Call, trained: Path, small: list[str], tmp_path: Path) -> None:
    places = [w for w in small if w.startswith("paths.")]
    code, out, err = call("evaluate", f"run={trained}", *places)
    assert code == 0, err
    assert "all as stored" in out
    assert last_folder(out, "report") == trained
    code, out, err = call("evaluate", f"run={trained}", f"out={tmp_path / 'again'}", *places)
    assert code == 0, err
    assert metrics_of(tmp_path / "again")["test/accuracy"] == metrics_of(trained)["test/accuracy"]


def test_evaluate_refuses_changed_weights_quietly_replaced(call: Call, trained: Path, small: list[str]) -> None:
    weights = next(trained.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:100])
    before = metrics_of(trained)
    code, _, err = call("evaluate", f"run={trained}", *[w for w in small if w.startswith("paths.")])
    assert code == 1
    assert "no readable weights" in err
    assert metrics_of(trained) == before


@pytest.fixture
def swept(call: Call, small: list[str]) -> tuple[Path, str]:
    code, out, err = call("train", "-m", "router=knn,strongest_global", "lambda=0,0.5", *small)
    assert code == 0, err
    return last_folder(out, "sweep"), out


def test_a_sweep_keeps_a_record(swept: tuple[Path, str], call: Call, small: list[str]) -> None:
    folder, out = swept
    record = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    assert [job["job"] for job in record["jobs"]] == [0, 1, 2, 3]
    assert [job["status"] for job in record["jobs"]] == ["done"] * 4
    assert all((Path(job["run"]) / "DONE").is_file() for job in record["jobs"])
    assert (folder / "leaderboard.csv").is_file()
    assert (folder / "leaderboard.html").is_file()
    assert "4 jobs: 4 done" in out
    code, out, err = call("train", "-m", "lambda=0,0.5", "router=knn,strongest_global", *small)
    assert code == 0, err
    assert "4 jobs: 4 skipped" in out
    assert last_folder(out, "sweep") == folder
    code, out, err = call("evaluate", f"runs={folder}", *[w for w in small if w.startswith("paths.")])
    assert code == 0, err
    assert last_folder(out, "report") == folder
    code, out, err = call("evaluate", f"runs={folder.parents[1]}/knn/*", f"out={folder / 'knn'}")
    assert code == 0, err
    rows = pd.read_csv(folder / "knn" / "leaderboard.csv").query("kind == 'router'")
    assert rows["points"].item() >= 2  # λ is chosen on dev: one row


def test_a_failing_job_does_not_stop_the_others(call: Call, small: list[str]) -> None:
    code, out, err = call("train", "-m", "router=knn", "router.k=5,0,7", *small)
    assert code == 1
    assert "router.k must be at least 1" in err
    assert "3 jobs: 2 done, 1 failed" in out
    record = json.loads((last_folder(out, "sweep") / "sweep.json").read_text(encoding="utf-8"))
    assert [job["status"] for job in record["jobs"]] == ["done", "failed", "done"]
    assert "router.k" in record["jobs"][1]["reason"]
    assert "Traceback" not in err


def test_build_false_builds_nothing(call: Call, tmp_path: Path) -> None:
    words = [f"paths.data_dir={tmp_path / 'data'}", f"paths.runs_dir={tmp_path / 'runs'}", "build=false"]
    code, _, err = call("train", *words)
    assert code == 1
    assert err.startswith("error: ")
    assert not list(tmp_path.rglob("*.npy"))


@pytest.mark.slow
def test_sweep_from_a_preset_needs_no_flag(call: Call, small: list[str]) -> None:
    code, out, err = call("train", "preset=smoke", *small)
    assert code == 0, err
    assert last_folder(out, "sweep").name.startswith("smoke-")  # the small demo is another sweep than the preset alone
    assert "2 jobs: 2 done" in out


def test_a_device_that_is_not_there_is_one_line(call: Call, small: list[str]) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    code, out, err = call("train", "router=knn", *[w for w in small if w != "trainer=cpu"], "trainer=gpu")
    assert code == 1
    assert err.startswith("error: trainer: ")
    assert "Traceback" not in err
    failed = last_folder_named(out, "failed")
    assert "gpu" in json.loads((failed / "FAILED").read_text(encoding="utf-8"))["reason"].lower()
    assert not (failed / "DONE").exists()


def last_folder_named(out: str, word: str) -> Path:
    return Path(next(line for line in out.splitlines() if line.startswith(f"{word}: ")).removeprefix(f"{word}: "))


@pytest.mark.parametrize(
    ("fusion", "unread"),
    [
        ("text_only", "vlrb.encoders.vision.statistics.PictureStatistics"),
        ("image_only", "vlrb.encoders.text.hashed.HashedNgrams"),
    ],
)
def test_a_fusion_reads_only_what_it_says(
    call: Call, small: list[str], monkeypatch: pytest.MonkeyPatch, fusion: str, unread: str
) -> None:
    """With text alone no picture is encoded, neither for training nor for timing; and the reverse."""

    def encode(*_: object) -> None:
        raise AssertionError("this part is not read")

    monkeypatch.setattr(f"{unread}.encode", encode)
    # sizes for which nothing is cached yet
    code, out, err = call(
        "train", "router=linear", f"encoder.fusion={fusion}", "encoder.text.dim=32", "encoder.vision.size=64",
        "encoder.vision.grid=1", *small
    )  # fmt: skip
    assert code == 0, err
    assert metrics_of(last_folder(out))["test/throughput_total"] > 0


def test_widths_that_do_not_fit_are_an_error_before_any_work(call: Call, tmp_path: Path) -> None:
    code, _, err = call(
        "train", "encoder.fusion=average", f"paths.data_dir={tmp_path / 'data'}", f"paths.runs_dir={tmp_path / 'runs'}"
    )
    assert code != 0
    assert "encoder.fusion=average needs equally wide features, but text has 256 numbers" in err
    assert "encoder.fusion.project=auto" in err
    assert not (tmp_path / "data").exists()  # nothing was generated or built
