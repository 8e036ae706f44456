"""Real logs (MathVision; skipped where they are not at hand): both commands of a user, against a plain reader."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import openpyxl
import pandas as pd
import pytest

from vlrb.benchmark.store import Benchmark
from vlrb.benchmark.tokens.tokenizers import TekkenTokenizer
from vlrb.utils.cli import run_script

COMMANDS = {"flat": "discover", "math_v_2024": "math_v_2024"}  # pricing: model_pool
REFERENCES = {"oracle", "strongest_global", "strongest_per_dataset", "cheapest_global", "random"}


class Trained(NamedTuple):
    """What the two commands made, and how long the first took."""

    data: Path
    runs: dict[str, Path]
    seconds: float


@pytest.fixture(scope="module")
def trained(mathvision_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("mathvision")
    dataset = ["dataset=vlmevalkit", f"dataset.root={mathvision_root}", "dataset.name=mathvision"]
    places = [f"paths.data_dir={folder / 'data'}", f"paths.runs_dir={folder / 'runs'}", "trainer=cpu"]
    runs: dict[str, Path] = {}
    seconds = []
    for pricing, pool in COMMANDS.items():
        start = time.monotonic()
        assert run_script("train", [*dataset, f"model_pool={pool}", f"pricing={pricing}", *places]) == 0
        seconds.append(time.monotonic() - start)
        (runs[pricing],) = {done.parent for done in folder.rglob("DONE")} - set(runs.values())
    return Trained(folder / "data" / "mathvision", runs, seconds[0])


@pytest.fixture(scope="module")
def benchmark(trained: Trained) -> Benchmark:
    return Benchmark.open(trained.data)


def decoded(text: str) -> str:
    """Return a cell with its escaped control characters, which openpyxl leaves as `_xHHHH_`."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)


@pytest.fixture(scope="module")
def plain(mathvision_root: Path) -> dict[str, pd.DataFrame]:
    """Columns `hit`, `prediction`, `answer` by model and sample, read by openpyxl alone."""
    frames = {}
    for model in sorted(path.name for path in (mathvision_root / "VLMEvalKit_inference").iterdir()):
        columns: dict[str, dict[str, Any]] = {}
        for section, wanted in (("VLMEvalKit_evaluation", ["hit"]), ("VLMEvalKit_inference", ["prediction", "answer"])):
            (path,) = (mathvision_root / section / model).glob("*/*.xlsx")
            rows = openpyxl.load_workbook(path, read_only=True).worksheets[0].iter_rows(values_only=True)
            header = list(next(rows))
            places = {name: header.index(name) for name in ("index", *wanted)}
            for name in wanted:
                columns[name] = {}
            for row in rows:
                for name in wanted:
                    columns[name][f"MathVision/{row[places['index']]}"] = row[places[name]]
        frames[model] = pd.DataFrame(columns)
    return frames


def test_every_mark_is_that_of_the_logs(benchmark: Benchmark, plain: dict[str, pd.DataFrame]) -> None:
    assert benchmark.Y.shape == (1513, 13)
    assert benchmark.model_ids == sorted(plain)
    ids = benchmark.samples["sample_id"].tolist()
    marks = np.column_stack([plain[model]["hit"].reindex(ids).to_numpy(float) for model in benchmark.model_ids])
    assert np.array_equal(benchmark.Y, marks)  # NaN anywhere would differ


def test_models_csv_holds_the_known_figures(trained: Trained, plain: dict[str, pd.DataFrame]) -> None:
    table = pd.read_csv(trained.data / "reports" / "models.csv").set_index("model_id")
    accuracy: dict[Any, float] = table["accuracy"].to_dict()
    marks = pd.DataFrame({model: frame["hit"] for model, frame in plain.items()}).astype(float)
    wanted = marks.mean().to_dict() | {"oracle": marks.max(axis=1).mean()}
    assert accuracy == pytest.approx(wanted, rel=1e-7)
    ranked = sorted(plain, key=lambda model: accuracy[model])
    assert (ranked[0], round(accuracy[ranked[0]], 4)) == ("LLaVA-v1.5-7B", 0.0826)  # 125 / 1513
    assert (ranked[-1], round(accuracy[ranked[-1]], 4)) == ("Gemini-Pro", 0.1804)  # 273 / 1513
    assert round(accuracy["oracle"], 4) == 0.5968  # 903 / 1513
    assert (table["n"] == 1513).all()
    assert (table["missing"] == 0).all()


def test_answer_tokens_are_those_of_the_predictions(benchmark: Benchmark, plain: dict[str, pd.DataFrame]) -> None:
    ids = benchmark.samples["sample_id"].tolist()
    count = TekkenTokenizer().count
    for column, model in enumerate(benchmark.model_ids):
        rows = plain[model].reindex(ids)
        said = count([decoded(str(text)) for text in rows["prediction"]])
        assert np.array_equal(benchmark.tokens_out[:, column], said), model
        assert not np.array_equal(said, count([str(text) for text in rows["answer"]])), model
    mean = dict(zip(benchmark.model_ids, benchmark.tokens_out.mean(axis=0), strict=True))
    for model in ("Gemini-Pro", "Qwen-VL-Max", "InternLM-XComposer2-VL"):
        assert mean[f"{model}-CoT"] > mean[model]  # reasoning is written out; the answers of the dataset are the same


def test_costs_follow_the_price_book(benchmark: Benchmark) -> None:
    flat, book = benchmark.costs("flat"), benchmark.costs("math_v_2024")
    tokens = np.asarray(benchmark.tokens_in, np.float64) + benchmark.tokens_out
    np.testing.assert_allclose(flat.C, tokens * 0.20 / 1e6, rtol=1e-6)
    column = {model: place for place, model in enumerate(benchmark.model_ids)}
    for model, factor in (("LLaVA-v1.5-7B", 1.0), ("LLaVA-v1.5-13B", 1.5), ("Qwen-VL-Max-CoT", 14.0)):  # 0.2 0.3 2.8
        np.testing.assert_allclose(book.C[:, column[model]], flat.C[:, column[model]] * factor, rtol=1e-6)
    place = column["Gemini-Pro-CoT"]
    wanted = (benchmark.tokens_in[:, place] * 0.50 + benchmark.tokens_out[:, place] * 1.50) / 1e6
    np.testing.assert_allclose(book.C[:, place], wanted, rtol=1e-6)


@pytest.mark.parametrize("pricing", list(COMMANDS))
def test_each_command_ends_in_a_leaderboard(trained: Trained, pricing: str) -> None:
    folder = trained.runs[pricing]
    board = pd.read_csv(folder / "leaderboard.csv")
    assert set(board["router"]) == REFERENCES | {"mlp"}
    assert board["rank_score"].notna().all()  # also at one price: costs still differ by length
    oracle = board.set_index("router").loc["oracle"]
    assert (board["accuracy"] <= oracle["accuracy"]).all()
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    decisions = pd.read_parquet(folder / "decisions.parquet").query("split == 'test'")
    assert metrics["test/accuracy"] == pytest.approx(decisions["quality"].mean())
    assert set(decisions["best_single_model_id"]) == {"Gemini-Pro"}
    for name in ("pareto.png", "choices.png", "leaderboard.html"):
        assert (folder / name).stat().st_size > 5000


def test_one_price_leaves_hardly_any_scale(benchmark: Benchmark) -> None:
    """The dearest model costs 1.6 × the cheapest at one price, 20 × at real ones."""
    spans = {}
    for pricing in COMMANDS:
        bounds = benchmark.costs(pricing).bounds
        assert bounds.reason is None
        assert bounds.cmin is not None
        assert bounds.cmax is not None
        spans[pricing] = bounds.cmax / bounds.cmin
    assert spans["flat"] == pytest.approx(1.588, abs=0.001)
    assert spans["math_v_2024"] == pytest.approx(20.29, abs=0.01)


def test_raw_logs_to_leaderboard_take_less_than_three_minutes(trained: Trained) -> None:
    assert trained.seconds < 180


def test_the_pool_describes_every_model(trained: Trained, call: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = call("evaluate", f"runs={trained.runs['math_v_2024']}", f"out={trained.data / 'board'}")
    assert code == 0, err
    assert "13 models · prices math_v_2024" in out
    names = json.loads((trained.runs["math_v_2024"] / "data.json").read_text(encoding="utf-8"))["display_names"]
    assert len(set(names.values())) == 13
    assert names["InternLM-XComposer2-VL-CoT"] == "XComposer2-VL (CoT)"


def test_headroom_says_that_the_oracle_is_mostly_luck(
    trained: Trained, mathvision_root: Path, tmp_path: Path, call: Callable[..., tuple[int, str, str]]
) -> None:
    """Figures of an independent study of the same marks (difficulty-plus-ability null, 16 categories)."""
    words = ["headroom=true", "dataset=vlmevalkit", f"dataset.root={mathvision_root}", "dataset.name=mathvision"]
    choice = ["model_pool=math_v_2024", "pricing=math_v_2024", f"paths.data_dir={trained.data.parent}"]
    code, out, err = call("evaluate", *words, *choice, f"out={tmp_path}")
    assert code == 0, err
    assert "Verdict: Nothing here shows that routing is worth it." in out
    assert "it is mostly luck" in " ".join(out.split())
    report = json.loads((tmp_path / "headroom.json").read_text(encoding="utf-8"))
    oracle = report["oracle"]
    assert oracle["observed"] == pytest.approx(0.5968, abs=5e-5)
    assert oracle["independence"] == pytest.approx(0.827, abs=5e-4)
    assert list(oracle["null"].values()) == pytest.approx([0.6205, 0.597, 0.644], abs=0.003)
    dataset, category = report["groupings"]
    assert "reason" in dataset
    assert category["groups"] == 16
    assert category["hindsight"] == pytest.approx(0.2049, abs=5e-5)
    assert category["hindsight_null"]["mean"] == pytest.approx(0.2000, abs=0.003)
    assert category["interaction"]["freedom"] == 180
    assert category["interaction"]["statistic"] == pytest.approx(247, rel=0.03)
    assert category["interaction"]["z"] == pytest.approx(3.6, abs=0.4)
    assert category["cross_fitted"]["high"] < 0.01
    assert report["guessing"]["n"] == 760
