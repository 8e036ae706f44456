"""Operating points of trained routers: the right decisions, chosen on dev, and nothing of the run is rewritten."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from vlrb.data.spec import DataSpec
from vlrb.data.tradeoff import TradeOff
from vlrb.evaluation.runs import find_runs, load_run
from vlrb.metrics.bounds import CostBounds
from vlrb.report.names import run_names
from vlrb.routers.references import CheapestGlobalRouter
from vlrb.routers.utility_rule import Estimates
from vlrb.tasks.budget import DevPoint, dev_points, mu_grid, within_budget
from vlrb.utils.cli import run_script
from vlrb.utils.errors import ConfigError

Call = Callable[..., tuple[int, str, str]]


def contents(folder: Path) -> dict[str, bytes]:
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return {name: data for name, data in found.items() if not name.startswith(("points/", "repriced/"))}


def metrics_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return found


def choices_of(folder: Path, split: str = "test") -> pd.Series:
    table = pd.read_parquet(folder / "decisions.parquet")
    return table[table["split"] == split].set_index("sample_id")["model_id"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small demo: utility at λ = 0, and a router that knows no trade-off."""
    folder = tmp_path_factory.mktemp("points")
    assert train(folder, "router=utility", "lambda=0") == 0
    assert train(folder, "router=strongest_global", "lambda=0") == 0
    place = folder / "runs" / "demo"
    names = {"zero": "utility/0-", "constant": "strongest_global/0-"}
    return {name: next(place.glob(f"{start}*")) for name, start in names.items()} | {"place": place, "root": folder}


def train(folder: Path, *words: str) -> int:
    shared = ["dataset.samples_per_dataset=16", "resamples=20", "trainer=cpu"]
    shared += [f"paths.data_dir={folder / 'data'}", f"paths.runs_dir={folder / 'runs'}"]
    small = ["router.hidden=[16]", "router.members=2", "router.max_epochs=4", "router.lr=0.005"]
    return run_script("train", [*words, *shared, *(small if "router=utility" in words else [])])


@pytest.fixture(scope="module")
def point(runs: dict[str, Path]) -> Path:
    """The operating point μ=0.3 of the run at λ=0."""
    before = contents(runs["zero"])
    assert run_script("evaluate", [f"run={runs['zero']}", "mu=0.3"]) == 0
    assert contents(runs["zero"]) == before
    return runs["zero"] / "points" / "mu=0.3"


def test_points_are_runs_that_tables_can_show(call: Call, runs: dict[str, Path], point: Path) -> None:
    run, found = load_run(runs["zero"]), load_run(point)
    assert found.point == {"run": str(runs["zero"].resolve()), "mu": "0.3", "budget": None}
    assert run_names([run, found]) == ["utility λ=0", "utility μ=0.3"]
    assert found.name == "utility μ=0.3 s0"
    assert not (point / "router.safetensors").exists()
    code, said, err = call("evaluate", f"runs={runs['zero']}/**", f"out={runs['root'] / 'report'}")
    assert code == 0, err
    assert all(name in said for name in ("utility λ=0", "utility μ=0.3"))
    assert len(find_runs(runs["place"]).runs) == 2  # a folder of runs means the trained ones
    assert found.metrics["test/brier"] == run.metrics["test/brier"]  # p̂ is the same
    assert found.metrics["test/cost"] < run.metrics["test/cost"]


def test_a_budget_is_kept_on_dev(call: Call, runs: dict[str, Path]) -> None:
    check_budget(call, runs["zero"])


def check_budget(call: Call, run: Path) -> float:
    """Ask for six tenths of what the run costs; return the μ that was chosen."""
    budget = 0.6 * metrics_of(run)["dev/cost"]
    code, said, err = call("evaluate", f"run={run}", f"budget={budget!r}")
    assert code == 0, err
    folder = next((run / "points").glob("budget=*"))
    found = metrics_of(folder)
    assert found["dev/cost"] <= budget
    assert load_run(folder).name == f"{load_run(run).router} budget ${1000 * budget:g}/1k s0"
    assert said.strip().splitlines()[-1] == f"report: {folder}"
    line = next(line for line in said.splitlines() if line.startswith("budget $"))
    assert f"dev accuracy {found['dev/accuracy']:.3f} at ${1000 * found['dev/cost']:.3g}/1k" in line
    assert f"test ${1000 * found['test/cost']:.3g}/1k" in line
    return float(line.split("μ=")[1].split()[0])


@pytest.mark.slow
def test_points_against_runs_trained_there(call: Call, runs: dict[str, Path], tmp_path: Path) -> None:
    """λ plays no part in what utility learns, so the point μ=1 of the run at λ=0 is the run at λ=1, and back."""
    folder = runs["root"]
    assert train(folder, "router=utility", "lambda=1") == 0
    one = next((folder / "runs" / "demo" / "utility").glob("1-*"))
    for origin, mu, other in ((runs["zero"], "1", one), (one, "0", runs["zero"]), (one, "1", one)):
        out = tmp_path / f"{origin.name}-{mu}"
        code, _, err = call("evaluate", f"run={origin}", f"mu={mu}", f"out={out}")
        assert code == 0, err
        assert choices_of(out).equals(choices_of(other))
        same = [k for k in metrics_of(out) if "throughput" not in k and "queries_per" not in k]
        assert all(metrics_of(out)[k] == metrics_of(other)[k] for k in same)
    assert not choices_of(runs["zero"]).equals(choices_of(one))


@pytest.mark.slow
def test_neighbours_keep_a_budget_and_no_other_point_within_it_is_better(call: Call, runs: dict[str, Path]) -> None:
    assert train(runs["root"], "router=knn", "lambda=0") == 0
    run = next((runs["root"] / "runs" / "demo" / "knn").glob("0-*"))
    mu = check_budget(call, run)
    found = metrics_of(next((run / "points").glob("budget=*")))
    for other in (0.0, mu / 3, mu * 3):
        out = run / "points" / "other"
        assert call("evaluate", f"run={run}", f"mu={other!r}", f"out={out}")[0] == 0
        there = metrics_of(out)
        assert there["dev/cost"] > 0.6 * metrics_of(run)["dev/cost"] or there["dev/accuracy"] <= found["dev/accuracy"]


@pytest.mark.slow
def test_a_point_can_be_repriced(call: Call, runs: dict[str, Path], point: Path) -> None:
    code, said, err = call("evaluate", f"run={point}", "pricing=flat")
    assert code == 0, err
    assert "utility μ=0.3" in said
    assert metrics_of(point / "repriced" / "flat")["test/brier"] == metrics_of(runs["zero"])["test/brier"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["mu=1", "budget=1"], "mu and budget exclude one another"),
        (["mu=-0.1"], "mu must be a number of at least 0 or inf, not -0.1"),
        (["mu=nan"], "mu must be a number of at least 0 or inf, not nan"),
        (["mu=much"], "mu must be a number or null, not 'much'"),
        (["budget=0"], "budget must be a number of USD per query above 0, not 0"),
        (["budget=-1e-4"], "above 0, not -0.0001"),
        (["budget=nan"], "above 0, not nan"),
        (["budget=inf"], "above 0, not inf"),
        (["budget=1e-6"], r"budget=1e-06 USD per query is below what this router reaches on dev"),
        (["mu=1", "pricing=flat"], "an operating point is made under the run's own prices"),
        (["budgets=1"], "budget"),
    ],
)
def test_what_cannot_be_asked_for(call: Call, runs: dict[str, Path], words: list[str], reason: str) -> None:
    before = contents(runs["zero"])
    code, _, err = call("evaluate", f"run={runs['zero']}", *words)
    assert code == 1
    assert reason in err
    assert "Traceback" not in err
    assert contents(runs["zero"]) == before


@pytest.mark.slow
def test_the_lowest_budget_that_is_named_can_be_asked_for(call: Call, runs: dict[str, Path], tmp_path: Path) -> None:
    _, _, err = call("evaluate", f"run={runs['zero']}", "budget=1e-6")
    lowest = err.split("the lowest is ")[1].split()[0]
    code, _, err = call("evaluate", f"run={runs['zero']}", f"budget={lowest}", f"out={tmp_path / 'lowest'}")
    assert code == 0, err
    assert metrics_of(tmp_path / "lowest")["dev/cost"] <= float(lowest)


def test_which_runs_have_other_points(call: Call, runs: dict[str, Path], point: Path) -> None:
    code, _, err = call("evaluate", f"run={runs['constant']}", "mu=1")
    assert code == 1
    assert "λ is in what router 'strongest_global' has learnt" in err
    assert {"knn", "utility"} <= set(re.split(r"[\s,]+", err))
    for words in (["mu=2"], []):  # a point holds no router, neither for another point nor to decide again
        code, _, err = call("evaluate", f"run={point}", *words)
        assert code == 1
        assert f"run={runs['zero'].resolve()}" in err
    code, _, err = call("evaluate", f"run={runs['zero']}", "mu=1", f"out={runs['constant']}")
    assert code == 1
    assert "holds another run, which stays as it is" in err
    code, _, err = call("evaluate", f"runs={runs['place']}", "mu=1")
    assert code == 1
    assert "for one trained router" in err


def test_probabilities_are_judged_and_drawn(runs: dict[str, Path]) -> None:
    found = metrics_of(runs["zero"])
    assert 0.1 < found["test/brier"] < 0.3
    assert 0 <= found["test/ece"] < 0.5
    table = pd.read_csv(runs["zero"] / "reliability.csv")
    assert set(table["split"]) == {"dev", "test"}
    assert table[table["split"] == "test"]["n"].sum() == found["test/n"] * 17
    assert (runs["zero"] / "reliability.png").stat().st_size > 5000
    assert "test/brier" not in metrics_of(runs["constant"])
    assert not (runs["constant"] / "reliability.csv").exists()


def spec_of(costs: tuple[float, ...], trade_off: TradeOff) -> DataSpec:
    return DataSpec(tuple("ABC"[: len(costs)]), ("set",), 0, costs, trade_off, CostBounds(1, 9, "x"), 0, "x")


def test_points_on_dev_by_hand() -> None:
    """Two samples, p̂ (.9, .5) and (.6, .5), ĉ·scale (4, 1): A leads by .4 and .1, and costs 3 more.

    μ=0: A, A; μ=.1 (.3 dearer): A, B; μ=.2: B, B. Realised: A right on both, B on the second; A costs 4, B 2.
    """
    router = CheapestGlobalRouter().bind(spec_of((4.0, 1.0), TradeOff(0.0, cost_scale=1.0)))
    expected = Estimates(torch.tensor([[0.9, 0.5], [0.6, 0.5]]), torch.tensor([[4.0, 1.0], [4.0, 1.0]]))
    y, C = np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([[4.0, 2.0], [4.0, 2.0]])
    points = dev_points(router, expected, y, C, [0.0, 0.1, 0.2, math.inf])
    assert points == [(0.0, 1.0, 4.0), (0.1, 1.0, 3.0), (0.2, 0.5, 2.0), (math.inf, 0.5, 2.0)]
    assert within_budget(points, 100.0).mu == 0.1  # as accurate as μ=0, and cheaper
    assert within_budget(points, 2.9).mu == 0.2
    with pytest.raises(
        ConfigError, match=r"below what this router reaches on dev\n.*the lowest is 2\.00e\+00 \(μ=0\.2\)"
    ):
        within_budget(points, 1.9)


def test_the_grid_is_in_units_of_the_mean_cost_whatever_the_scale() -> None:
    """Mean training cost 3e-4 (one model unpriced): one mean cost is worth μ·scale·3e-4 of accuracy."""
    auto = mu_grid(spec_of((2e-4, 4e-4, math.inf), TradeOff(0.0, cost_scale=1 / 3e-4)))
    published = mu_grid(spec_of((2e-4, 4e-4, math.inf), TradeOff(0.0, cost_scale=100.0)))
    assert (auto[0], auto[1], auto[-2], auto[-1]) == (0.0, 0.001, 1000.0, math.inf)
    assert published[61] == pytest.approx(1 / (100 * 3e-4), rel=5e-3)
    assert len(auto) == len(published) == 123
    assert mu_grid(spec_of((2e-4,), TradeOff(0.0, scheme="power", cost_scale=100.0)))[61] == 1.0


def test_a_tie_goes_to_the_cheaper_point() -> None:
    points = [DevPoint(0.1, 0.8, 3.0), DevPoint(0.2, 0.8, 2.0), DevPoint(0.3, 0.8, 2.0)]
    assert within_budget(points, 3.0) == points[1]
