"""Exports: what the files hold, cell by cell, and that reading them back gives the same benchmark."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vlrb.benchmark.build import BuildSettings, build_benchmark
from vlrb.benchmark.export.content import collect
from vlrb.benchmark.export.write import find_format, write_export
from vlrb.benchmark.pool import ModelPool
from vlrb.benchmark.recorded_costs import RecordedCosts
from vlrb.benchmark.splits.given import GivenSplit
from vlrb.benchmark.store import Benchmark
from vlrb.sources.base import Source
from vlrb.sources.outcomes.settings import Columns, Options
from vlrb.sources.outcomes.source import OutcomesSource
from vlrb.sources.reference.source import ReferenceSource
from vlrb.utils.errors import ConfigError, DataError, StateError

Export = Callable[..., Path]
NAN = float("nan")
IDS = ["A/0", "A/1", "A/2", "B/0", "B/1", "B/2"]


@pytest.fixture
def export(build: Callable[..., Benchmark], tmp_path: Path) -> Export:
    """Build the tiny benchmark and export it."""

    def run(name: str, pool: ModelPool | None = None, features: dict[str, Any] | None = None) -> Path:
        bench = build(synthetic=True)
        content = collect(bench, pool or ModelPool("all"), "list", ("grouped", 0), features)
        write_export(tmp_path / "out" / name, name, content)
        return tmp_path / "out" / name

    return run


def again(source: Source, root: Path, choices: dict[str, Any]) -> Benchmark:
    """Build a benchmark from an export, with its own costs and split."""
    given = {**choices, "price_book": RecordedCosts("recorded", "", ""), "split": GivenSplit()}
    return build_benchmark(root, source, **given, settings=BuildSettings())


def check_same(first: Benchmark, second: Benchmark, tolerance: float) -> None:
    assert second.model_ids == first.model_ids
    assert second.samples["sample_id"].tolist() == first.samples["sample_id"].tolist()
    assert np.array_equal(second.Y, first.Y, equal_nan=True)
    C = first.costs("list").C
    assert np.isnan(second.costs("recorded").C).tolist() == np.isnan(C).tolist()
    assert np.allclose(second.costs("recorded").C, C, rtol=tolerance, atol=0, equal_nan=True)
    for column in ("split", "split_group"):
        assert second.split("given", 0)[column].tolist() == first.split("grouped", 0)[column].tolist()


def test_the_outcomes_table(export: Export) -> None:
    folder = export("outcomes")
    assert sorted(p.name for p in folder.iterdir()) == ["EXPORT.json", "README.md", "outcomes.parquet"]
    frame = pd.read_parquet(folder / "outcomes.parquet")
    assert len(frame) == 17  # large knows nothing of B/2: neither grade, answer nor cost
    first = frame.iloc[0]
    assert (first["sample_id"], first["model_id"], first["quality"]) == ("A/0", "large", 1)
    assert first["cost_usd"] == pytest.approx(12 * 2e-6 + 2 * 1e-5)
    assert (first["tokens_in"], first["tokens_out"], first["dataset"]) == (12, 2, "A")
    told = json.loads((folder / "EXPORT.json").read_text())
    assert told["synthetic"] is True
    assert told["cells_without_quality"] == 1
    assert any("1 cells of which nothing is known" in note for note in told["notes"])


def test_outcomes_come_back(export: Export, root: Path, tmp_path: Path, choices: dict[str, Any]) -> None:
    source = OutcomesSource(str(export("outcomes")), None, None, "x", Columns(), Options())
    second = again(source, tmp_path / "second", choices)
    first = Benchmark.open(root)
    check_same(first, second, 0)
    assert np.array_equal(second.tokens_out, first.tokens_out, equal_nan=True)
    assert second.samples["prompt"].tolist() == first.samples["prompt"].tolist()


def test_the_reference_layout(export: Export) -> None:
    features = {"text": {"bge/m3": np.arange(12, dtype=np.float32).reshape(6, 2)}}
    folder = export("reference", features=features)
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} == {
        "README.md",
        "EXPORT.json",
        "BENCHMARKS/vqa_mc/a_samples.jsonl",
        "BENCHMARKS/vqa_mc/b_samples.jsonl",
        "ORACLE/score/a.parquet",
        "ORACLE/score/b.parquet",
        "SPLITS/train.jsonl",
        "SPLITS/dev.jsonl",
        "SPLITS/test.jsonl",
        "data/matrices/Y.npz",
        "data/matrices/C.npy",
        "data/matrices/cost_bounds.json",
        "data/registry/meta.parquet",
        "data/registry/models.json",
        "data/registry/models.txt",
        "data/registry/sample_ids.json",
        "EMBEDDINGS/text/bge_m3.parquet",
    }
    with np.load(folder / "data/matrices/Y.npz", allow_pickle=False) as archive:
        assert archive.files == ["Y"]
        assert archive["Y"][5] == pytest.approx([NAN, 1, 0], nan_ok=True)  # a hole is no zero
        assert archive["Y"][2] == pytest.approx([1, 0.7, 0])  # a grade is not cut
    C = np.load(folder / "data/matrices/C.npy", allow_pickle=False)
    assert C[0] == pytest.approx([12 * 2e-6 + 2 * 1e-5, 13e-6, 6e-6])
    assert np.isnan(C[5, 0])
    bounds = json.loads((folder / "data/matrices/cost_bounds.json").read_text())
    assert bounds["cmin"] == pytest.approx(67 * 0.5e-6 / 5)  # small over the five complete samples
    assert (bounds["cmin_model"], bounds["cmax_model"]) == ("small", "large")
    assert set(bounds["per_model_avg_costs"]) == {"large", "mid", "small"}
    scores = pd.read_parquet(folder / "ORACLE/score/a.parquet")
    assert scores.columns.tolist() == ["sample_id", "model_id", "quality_raw", "quality"]
    row = scores[(scores.sample_id == "A/2") & (scores.model_id == "mid")].iloc[0]
    assert (row["quality_raw"], row["quality"]) == (1, pytest.approx(0.7))  # right from a half on
    assert len(pd.read_parquet(folder / "ORACLE/score/b.parquet")) == 8
    assert (folder / "data/registry/models.txt").read_text() == "large\nmid\nsmall\n"
    models = json.loads((folder / "data/registry/models.json").read_text())
    assert [model["name"] for model in models["models"]] == ["large", "mid", "small"]
    meta = pd.read_parquet(folder / "data/registry/meta.parquet")
    assert meta["sample_id"].tolist() == IDS
    assert meta.columns.tolist() == ["sample_id", "dataset", "split", "task"]
    vectors = pd.read_parquet(folder / "EMBEDDINGS/text/bge_m3.parquet")
    assert vectors["embedding"].iloc[5].tolist() == [10, 11]
    line = json.loads((folder / "BENCHMARKS/vqa_mc/b_samples.jsonl").read_text().splitlines()[0])
    assert (line["sample_id"], line["task_type"], line["prompt"]) == ("B/0", "vqa_mc", "12")
    assert [Path(asset["uri"]).name for asset in line["assets"]] == ["q.png", "r.png"]


def test_the_reference_layout_comes_back(
    export: Export, root: Path, source: Any, tmp_path: Path, choices: dict[str, Any]
) -> None:
    folder = export("reference")
    read = ReferenceSource(str(folder), str(source.root), None, {}, "error")
    second = again(read, tmp_path / "second", choices)
    first = Benchmark.open(root)
    check_same(first, second, 1e-6)  # C.npy is float32
    for column in ("dataset", "group", "task", "question", "prompt", "suffix", "split_key"):
        assert second.samples[column].tolist() == first.samples[column].tolist(), column
    for one, other in zip(first.samples["images"], second.samples["images"], strict=True):
        assert [ref["path"] for ref in one] == [ref["path"] for ref in other]


def test_a_pool_is_exported_under_its_ids(export: Export) -> None:
    pool = ModelPool("two", {"a-small": {"aliases": ["small"]}, "mid": {}})
    frame = pd.read_parquet(export("outcomes", pool) / "outcomes.parquet")
    assert sorted(set(frame["model_id"])) == ["a-small", "mid"]
    row = frame[(frame.sample_id == "A/2") & (frame.model_id == "mid")].iloc[0]
    assert row["quality"] == pytest.approx(0.7)


def test_an_export_replaces_an_export_and_nothing_else(export: Export, tmp_path: Path) -> None:
    folder = export("outcomes")
    (folder / "stale.txt").write_text("of the export before")
    assert not (export("outcomes") / "stale.txt").exists()
    assert [p.name for p in folder.parent.iterdir()] == ["outcomes"]  # no temporary folder is left
    (folder / "EXPORT.json").unlink()
    with pytest.raises(StateError, match="there is something else already"):
        export("outcomes")
    assert (folder / "outcomes.parquet").exists()


def test_a_failing_export_leaves_what_was_there(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = export("reference")
    before = sorted(p.relative_to(folder) for p in folder.rglob("*"))

    def fail(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("vlrb.benchmark.export.formats.reference._write_registry", fail)
    with pytest.raises(OSError, match="no space"):
        export("reference")
    assert sorted(p.relative_to(folder) for p in folder.rglob("*")) == before
    assert [p.name for p in folder.parent.iterdir()] == ["reference"]


def test_names_that_collide_are_refused(build: Callable[..., Benchmark], source: Any, tmp_path: Path) -> None:
    read = source._samples
    source._samples = lambda: read().assign(dataset=["a", "a", "a", "A", "A", "A"])
    content = collect(build(), ModelPool("all"), "list", ("grouped", 0))
    with pytest.raises(DataError, match="datasets 'A' and 'a' would both be written as a"):
        write_export(tmp_path / "out", "reference", content)


def test_unknown_formats_are_named() -> None:
    with pytest.raises(ConfigError, match=r"export=refrence: no such format\n.*did you mean 'reference'"):
        find_format("refrence")
