"""Other ways in and out on the command line: a table of outcomes is built and trained on, exports are read back."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vlrb.benchmark.store import Benchmark

Call = Callable[..., tuple[int, str, str]]
WORDS = ("model_pool=discover", "pricing=recorded")
PRICES = {"small": 0.001, "large": 0.01}


def outcomes(count: int = 60) -> pd.DataFrame:
    """Return a long table: sums are easy for both models, differences only for the large one."""
    rows = []
    for i in range(count):
        word, right = ("sum", {"small": 1, "large": 1}) if i % 2 else ("difference", {"small": 0, "large": 1})
        side = ("train", "train", "train", "val", "test")[i % 5]
        rows += [(f"q{i}", f"What is the {word} of {i} and 3?", m, right[m], PRICES[m], side) for m in PRICES]
    return pd.DataFrame(rows, columns=["sample", "question", "model", "correct", "cost", "split"])


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    return [f"paths.data_dir={tmp_path / 'data'}", f"paths.runs_dir={tmp_path / 'runs'}"]


def test_a_table_is_built_and_trained_on(call: Call, tmp_path: Path, places: list[str]) -> None:
    outcomes().to_csv(tmp_path / "my outcomes, v1.csv", index=False)
    table = ["dataset=outcomes_table", f"dataset.root={tmp_path / 'my outcomes, v1.csv'}", "dataset.name=mine"]
    code, out, err = call("build_data", *table, *WORDS, "split=given", *places)
    assert code == 0, err
    assert "records: 60 samples, 2 models, 120 records" in out
    assert "costs/recorded: 2 priced models" in out
    assert "splits/given-0: 36 train, 12 dev, 12 test" in out
    # features made elsewhere: whether the question is about a sum is all they tell
    frame = pd.DataFrame({"sample_id": [f"mine/q{i}" for i in range(60)]})
    frame["embedding"] = [[1.0, 0.0] if i % 2 else [0.0, 1.0] for i in range(60)]
    frame.to_parquet(tmp_path / "sums.parquet")
    features = ["encoder.text=precomputed", f"encoder.text.path={tmp_path / 'sums.parquet'}", "encoder.vision=null"]
    words = ["split=given", *places, *features, "router=knn", "router.k=5", "lambda=0.1"]
    code, out, err = call("train", *table, *WORDS, *words, "resamples=20", "trainer=cpu")
    assert code == 0, err
    metrics = json.loads(next((tmp_path / "runs").glob("mine/knn/*/metrics.json")).read_text())
    # every fifth question is a test one: 4, 9, …, 59, six sums and six differences
    assert metrics["test/n"] == 12
    assert metrics["test/accuracy"] == 1.0
    # sums go to the small model, differences to the large one
    assert metrics["test/cost"] == pytest.approx((6 * 0.001 + 6 * 0.01) / 12)
    assert metrics["test/throughput_total"] is None  # there is no encoder to time
    assert "prices recorded" in out
    run = f"run={next((tmp_path / 'runs').glob('mine/knn/*'))}"
    code, out, err = call("evaluate", run, "pricing=recorded", "resamples=20", *places)
    assert code == 0, err
    assert "prices recorded (with the data) · re-priced" in out
    code, _, err = call("evaluate", run, "pricing=flat", *places)
    assert code == 1
    assert err.startswith("error: pricing=flat: no output tokens are known, so nothing has a cost")


def test_mistakes_are_one_line(call: Call, tmp_path: Path, places: list[str]) -> None:
    outcomes().drop(columns="cost").to_csv(tmp_path / "t.csv", index=False)
    table = ["dataset=outcomes_table", f"dataset.root={tmp_path / 't.csv'}", "dataset.name=mine", *WORDS, *places]
    code, _, err = call("build_data", *table)
    assert code == 1
    assert err.startswith("error: pricing=recorded: the data came without costs\n")
    code, _, err = call("build_data", *table, "export=refrence")
    assert code == 1
    assert "did you mean 'reference'? valid: outcomes, reference" in err
    code, _, err = call("build_data", *table, f"export_dir={tmp_path / 'x'}")
    assert code == 1
    assert "nothing is exported" in err
    code, _, err = call("build_data", *table, "export=outcomes", f"export_dir={tmp_path}")
    assert code == 1
    assert "there is something else already" in err
    code, _, err = call("build_data", *table, "encoder.text=precomputed")
    assert code == 1
    assert "encoder.text.path has no value yet" in err


@pytest.mark.slow
def test_the_demo_goes_out_and_comes_back(call: Call, tmp_path: Path, places: list[str]) -> None:
    demo = ["dataset=demo", "dataset.samples_per_dataset=5", *places]
    out_dir = tmp_path / "an export, with a comma"
    assert call("build_data", *demo, "export=reference", f"export_dir={out_dir}")[0] == 0
    assert call("build_data", *demo, "export=outcomes")[0] == 0
    first = Benchmark.open(tmp_path / "data" / "demo")
    logs = tmp_path / "data" / "raw" / "demo" / "vlm_router_data"
    embeddings = [
        "encoder.text=precomputed",
        f"encoder.text.path={out_dir}/EMBEDDINGS/text/hashed_ngrams.parquet",
        "encoder.vision=precomputed",
        f"encoder.vision.path={out_dir}/EMBEDDINGS/vision/picture_statistics.parquet",
    ]
    no_features = "stages=[records,tokens,costs,splits,validate]"
    ways = {
        "reference": [f"dataset.root={out_dir}", f"dataset.source.pictures={logs}", *embeddings],
        "outcomes_table": [f"dataset.root={first.root}/export/outcomes", no_features],
    }
    C = first.costs("vl_routerbench_2025").C
    for way, words in ways.items():
        code, _, err = call(
            "build_data", f"dataset={way}", f"dataset.name={way}", *WORDS, "split=given", *words, *places
        )
        assert code == 0, err
        second = Benchmark.open(tmp_path / "data" / way)
        assert second.model_ids == first.model_ids
        assert second.samples["sample_id"].tolist() == first.samples["sample_id"].tolist()
        assert second.samples["prompt"].tolist() == first.samples["prompt"].tolist()
        assert np.array_equal(second.Y, first.Y, equal_nan=True)
        assert np.allclose(second.costs("recorded").C, C, rtol=1e-6, atol=0, equal_nan=True)
        sides = first.split("grouped", 0)
        pd.testing.assert_frame_equal(second.split("given", 0), sides)
    images = Benchmark.open(tmp_path / "data" / "reference").samples["images"]
    hashes = [[ref["content_hash"] for ref in refs] for refs in images]
    assert hashes == [[ref["content_hash"] for ref in refs] for refs in first.samples["images"]]
    arrays = [
        sorted((tmp_path / "data" / name / "features").glob("hashed_ngrams-*/features.npy"))[0].read_bytes()
        for name in ("demo", "reference")
    ]
    assert arrays[0] == arrays[1]
