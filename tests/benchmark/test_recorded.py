"""Figures that came with the data: recorded tokens and costs, and the given split."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vlrb.benchmark.build import BuildSettings, build_benchmark
from vlrb.benchmark.pool import ModelPool
from vlrb.benchmark.recorded_costs import RecordedCosts
from vlrb.benchmark.splits.given import GivenSplit
from vlrb.benchmark.store import Benchmark
from vlrb.sources.base import RecordSet
from vlrb.utils.errors import ConfigError, DataError

NAN = float("nan")
RECORDED = {"recorded_cost": "recorded_cost.npy", "recorded_tokens_in": "recorded_tokens_in.npy"}


class Recorded:
    """The tiny source with further columns: figures by (model, sample number), and sides of a split."""

    def __init__(self, tiny: Any) -> None:
        self.tiny, self.root = tiny, tiny.root
        self.figures: dict[str, dict[tuple[str, int], float]] = {}
        self.sides: list[str] | None = None
        self.version = 1

    def fingerprint(self) -> dict[str, Any]:
        return {"version": self.version}

    def read(self) -> RecordSet:
        found = self.tiny.read()
        for column, values in self.figures.items():
            rows = zip(found.records["model_id"], found.records["sample_id"], strict=True)
            found.records[column] = [values.get((model, self.tiny.ids().index(sample)), NAN) for model, sample in rows]
        if self.sides is not None:
            found.samples["given_split"] = self.sides
        return found


@pytest.fixture
def recorded(source: Any) -> Recorded:
    return Recorded(source)


@pytest.fixture
def build_recorded(root: Path, recorded: Recorded, choices: dict[str, Any]) -> Callable[..., Benchmark]:
    def run(**changes: Any) -> Benchmark:
        return build_benchmark(root, recorded, **{**choices, **changes}, settings=BuildSettings())

    return run


def costs(name: str = "recorded") -> RecordedCosts:
    return RecordedCosts(name, "", "made up")


def test_recorded_tokens_win_cell_by_cell(build_recorded: Callable[..., Benchmark], recorded: Recorded) -> None:
    recorded.figures = {
        "recorded_tokens_in": {("mid", 0): 100.0},
        "recorded_tokens_out": {("large", 5): 7.0, ("small", 0): 0.0},
    }
    bench = build_recorded()
    # counted: 12 for every model on A/0 (text 2 + 10 for its picture); recorded for mid alone
    assert bench.tokens_in[0].tolist() == [12, 100, 12]
    assert bench.tokens_in[1].tolist() == [15, 15, 15]
    # large never answered B/2, so only the record tells; small's empty answer on A/0 counts 0 either way
    assert bench.tokens_out[5].tolist() == [7, 1, 3]
    # the price list works on: large costs 2 in, 10 out per million; B/2 has 11 input tokens
    assert bench.costs("list").C[5, 0] == pytest.approx(11 * 2e-6 + 7 * 1e-5)
    assert not (bench.root / "recorded_cost.npy").exists()


def test_a_changed_record_rebuilds_what_depends_on_it(
    build_recorded: Callable[..., Benchmark], recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded.figures = {"recorded_tokens_out": {("large", 5): 7.0}}
    build_recorded()
    recorded.figures, recorded.version = {"recorded_tokens_out": {("large", 5): 9.0}}, 2
    capsys.readouterr()
    assert build_recorded().tokens_out[5, 0] == 9
    said = capsys.readouterr().out
    assert "tokens: recorded tokens out changed, building it again" in said
    assert "tokens_in" not in said


def test_recorded_costs_are_the_costs(build_recorded: Callable[..., Benchmark], recorded: Recorded) -> None:
    given = {(model, row): (k + 1) * 0.001 for k, model in enumerate(["large", "mid", "small"]) for row in range(6)}
    del given["mid", 2]
    recorded.figures = {"recorded_cost": given}
    bench = build_recorded(price_book=costs())
    table = bench.costs("recorded")
    assert table.C[0].tolist() == pytest.approx([0.001, 0.002, 0.003])
    assert np.isnan(table.C).sum() == 1
    assert np.isnan(table.C[2, 1])
    assert (table.bounds.cmin, table.bounds.cmax) == pytest.approx((0.001, 0.003))  # over the five complete samples
    assert table.prices["recorded"] is True
    report = (bench.root / "reports" / "integrity.md").read_text()
    assert "cells without a recorded cost, of mid | 1 |" in report
    assert "| note | missing | cells without an answer" in report  # no fault where costs are recorded
    assert "error" not in report


def test_a_model_without_recorded_costs_is_named(build_recorded: Callable[..., Benchmark], recorded: Recorded) -> None:
    with pytest.raises(ConfigError, match=r"pricing=recorded: the data came without costs\n.*pricing=<price book>"):
        build_recorded(price_book=costs())
    recorded.figures, recorded.version = {"recorded_cost": {("large", 0): 0.1, ("small", 0): 0.2}}, 2
    with pytest.raises(ConfigError, match=r"no recorded cost of mid\n.*model_pool\.exclude=\[mid\]"):
        build_recorded(price_book=costs())
    bench = build_recorded(price_book=costs(), pool=ModelPool("most", exclude=["mid"]))
    assert np.isnan(bench.costs("recorded").C[:, 1]).all()


@pytest.mark.parametrize("value", [-0.1, float("inf")])
def test_impossible_figures_are_refused(
    build_recorded: Callable[..., Benchmark], recorded: Recorded, value: float
) -> None:
    recorded.figures = {"recorded_cost": {("mid", 1): value}}
    with pytest.raises(
        DataError, match=r"mid/log\.xlsx: recorded cost -?\S+ of model mid on sample A/1 is not a number"
    ):
        build_recorded()


def test_nothing_recorded_changes_nothing(
    build: Callable[..., Benchmark], build_recorded: Callable[..., Benchmark], recorded: Recorded, root: Path
) -> None:
    build()
    before = {p.name: p.read_bytes() for p in root.rglob("*") if p.is_file()}
    recorded.figures, recorded.version = {"recorded_cost": {}}, 1  # a column without a single figure
    build_recorded()
    assert {p.name: p.read_bytes() for p in root.rglob("*") if p.is_file()} == before


def test_queries_of_which_nothing_is_known_have_no_input_tokens(
    build_recorded: Callable[..., Benchmark], recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = recorded.tiny.read

    def bare() -> RecordSet:
        found = read()
        found.samples["prompt"] = ""
        found.samples["suffix"] = ""
        found.samples["images"] = [[] for _ in range(6)]
        return found

    monkeypatch.setattr(recorded.tiny, "read", bare)
    with pytest.raises(DataError, match=r"pricing=list: no input tokens are known.*\n.*pricing=recorded"):
        build_recorded()
    recorded.figures, recorded.version = {"recorded_tokens_in": {("small", 0): 5.0}}, 2
    tokens_in = build_recorded().tokens_in
    assert tokens_in[0, 2] == 5
    assert np.isnan(tokens_in).sum() == 17


def test_the_given_split(build_recorded: Callable[..., Benchmark], recorded: Recorded) -> None:
    recorded.sides = ["Train", "valid", "train", "TEST", " dev ", "validation"]
    bench = build_recorded(split=GivenSplit())
    frame = bench.split("given", 0)
    assert frame["split"].tolist() == ["train", "dev", "train", "test", "dev", "dev"]
    # A/0 and A/2 share picture p; A/1 and B/0 share picture q and lie on two sides: the report says so
    assert frame["split_group"].tolist() == [0, 1, 0, 1, 2, 3]
    assert "related samples that lie in more than one split" in (bench.root / "reports/integrity.md").read_text()
    assert bench.samples["given_split"].tolist()[0] == "Train"


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        (None, "the data came without a split"),
        (["train", "", "train", "test", "", "dev"], r"sample A/1 has no split \(and 1 more like it\)"),
        (["train", "testmini", "train", "test", "dev", "dev"], r"sample A/1 has split 'testmini'\n.*split=grouped"),
    ],
)
def test_a_given_split_must_be_whole(
    build_recorded: Callable[..., Benchmark], recorded: Recorded, sides: list[str] | None, message: str
) -> None:
    recorded.sides = sides
    with pytest.raises(DataError, match=message):
        build_recorded(split=GivenSplit())


def test_given_split_settings() -> None:
    with pytest.raises(ConfigError):
        GivenSplit(seed=-1)
    assert GivenSplit().assign(
        pd.DataFrame(
            {"sample_id": ["a"], "dataset": ["A"], "images": [[]], "split_key": [""], "given_split": ["testing"]}
        )
    )["split"].tolist() == ["test"]
