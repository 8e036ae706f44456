"""What the demo promises, on the demo as it is shipped: bands, shares of the attainable gain, the Bayes bound.

Figures are expectations under the generator's truth, which carry no luck of single answers. What is compared with a
band of the population still moves with the questions drawn; each test says by how much it may.
Run with: pytest -m slow -s tests/test_demo_claims.py (prints the figures).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from vlrb.benchmark.store import Benchmark
from vlrb.metrics.baselines import oracle_decision
from vlrb.metrics.bayes import bayes_value
from vlrb.report.truth import ObservedCosts, Truth, read_truth
from vlrb.utils.cli import run_script
from vlrb.utils.console import say

pytestmark = pytest.mark.slow

PRICING = "vl_routerbench_2025"
SEEDS = (0, 1, 2)
FUSIONS = ("normalize_concat", "text_only", "image_only")
BANDS = {  # accuracy over the population, by size of the model
    "weak": (0.33, 0.47, ("Janus-Pro-1B", "deepseek_vl2_tiny", "SmolVLM2", "Phi-3.5-Vision", "Janus-Pro-7B", "llava")),
    "middle": (0.54, 0.60, ("Kimi", "deepseek_vl2", "MiMo", "Qianfan", "Pixtral", "Gemma")),
    "strong": (0.65, 0.75, ("32B", "Qwen2.5-VL-72B", "InternVL2_5-78B", "Gemini", "GPT4o")),
}
PRICES_OF_A_DOLLAR = np.concatenate([[0.0], np.logspace(-3, 9, 1201)])  # μ: 0, then 100 steps per decade


class Demo(NamedTuple):
    """The default demo with its truth over all samples."""

    data_dir: Path
    benchmark: Benchmark
    truth: Truth
    split: np.ndarray
    sample_ids: np.ndarray


class Runs(NamedTuple):
    """Run folders: mlp at λ = 0 by (fusion, seed), and the routers at λ = 0.5 by name."""

    accuracy: Mapping[tuple[str, int], Path]
    balanced: Mapping[str, Path]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    data_dir = tmp_path_factory.mktemp("claims") / "data"
    assert run_script("build_data", [f"paths.data_dir={data_dir}"]) == 0
    benchmark = Benchmark.open(data_dir / "demo")
    costs, ids = benchmark.costs(PRICING), benchmark.samples["sample_id"].to_numpy()
    prices = np.array([costs.prices["prices"][model]["output"] for model in benchmark.model_ids])
    observed = ObservedCosts(np.asarray(costs.C), np.asarray(benchmark.tokens_out), prices)
    truth = read_truth(data_dir / "raw" / "demo" / "truth.parquet", ids.tolist(), benchmark.model_ids, observed)
    return Demo(data_dir, benchmark, truth, benchmark.split("grouped", 0)["split"].to_numpy(), ids)


@pytest.fixture(scope="module")
def runs(demo: Demo) -> Runs:
    places = [f"paths.data_dir={demo.data_dir}", f"paths.runs_dir={demo.data_dir.parent / 'runs'}", "resamples=100"]
    seeds = ",".join(map(str, SEEDS))
    sweeps = {
        "accuracy": ["router=mlp", "lambda=0", f"encoder/fusion={','.join(FUSIONS)}", f"seed={seeds}"],
        "balanced": ["router=mlp,linear,knn", "lambda=0.5"],
    }
    for words in sweeps.values():
        assert run_script("train", ["-m", *words, *places]) == 0
    found: dict[str, dict[Any, Path]] = {name: {} for name in sweeps}
    for record in (demo.data_dir.parent / "runs").rglob("sweep.json"):
        for job in json.loads(record.read_text(encoding="utf-8"))["jobs"]:
            given = dict(word.split("=", 1) for word in job["overrides"])
            if "encoder/fusion" in given:
                found["accuracy"][given["encoder/fusion"], int(given["seed"])] = Path(job["run"])
            else:
                found["balanced"][given["router"]] = Path(job["run"])
    return Runs(found["accuracy"], found["balanced"])


def metrics_of(folder: Path) -> dict[str, Any]:
    metrics: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return metrics


def landscape_of(folder: Path) -> dict[str, Any]:
    landscape: dict[str, Any] = json.loads((folder / "landscape.json").read_text(encoding="utf-8"))["test"]
    return landscape


def mean_over_seeds(runs: Runs, fusion: str, key: str) -> float:
    return float(np.mean([metrics_of(runs.accuracy[fusion, seed])[f"test/{key}"] for seed in SEEDS]))


def band_of(model_id: str) -> str:
    """Return the band of a model; the longest name that fits decides (deepseek_vl2_tiny is no deepseek_vl2)."""
    fits = [(len(name), band) for band, (_, _, names) in BANDS.items() for name in names if name in model_id]
    return max(fits)[1]


def test_single_models_lie_in_their_bands(demo: Demo) -> None:
    """Logged accuracy over all samples, in the band of the population give or take two standard errors.

    The standard error of a mean of n answers of accuracy a is √(a(1 − a)/n), .009 at a = .5 and n = 2,800. Questions
    that share a picture also share luck; pairs of correlation ≤ ½ widen it by at most √1.5.
    """
    table = pd.read_csv(demo.benchmark.root / "reports" / "models.csv").set_index("model_id").drop("oracle")
    say()
    for model_id, row in table.sort_values("accuracy").iterrows():
        low, high, _ = BANDS[band_of(str(model_id))]
        slack = 2 * np.sqrt(1.5 * row["accuracy"] * (1 - row["accuracy"]) / row["n"])
        say(f"{model_id:40} {row['accuracy']:.4f}  {band_of(str(model_id)):6} [{low:.2f}, {high:.2f}] ± {slack:.3f}")
        assert low - slack <= row["accuracy"] <= high + slack, model_id


def test_logged_answers_follow_the_truth(demo: Demo) -> None:
    """Each model's logged accuracy is its expectation, within 4 standard errors (17 models, widened as above)."""
    p, y = demo.truth.p, np.asarray(demo.benchmark.Y) >= 0.5
    error = np.sqrt(1.5 * (p * (1 - p)).sum(axis=0)) / len(p)
    z = (y.mean(axis=0) - p.mean(axis=0)) / error
    say(f"\nlogged − expected accuracy in standard errors: {z.min():.2f} to {z.max():.2f}")
    assert np.abs(z).max() < 4


def test_best_single_bayes_and_oracle_over_all_samples(demo: Demo) -> None:
    """Expectations over all 2,800 samples: of these, only the oracle holds luck of answers (sd ≈ .004)."""
    p = demo.truth.p
    Y, C = np.asarray(demo.benchmark.Y), np.asarray(demo.benchmark.costs(PRICING).C)
    rows = np.arange(len(p))
    single, bayes = p.mean(axis=0).max(), p.max(axis=1).mean()
    oracle = (Y[rows, oracle_decision(Y, C)] >= 0.5).mean()
    say(f"\nall {len(p)}: best single {single:.4f} (expected), Bayes {bayes:.4f} (expected), oracle {oracle:.4f}")
    assert 0.72 <= single <= 0.78
    assert 0.82 <= bayes <= 0.87
    assert 0.93 <= oracle <= 0.96


def test_the_test_split_shows_the_same(demo: Demo, runs: Runs) -> None:
    """On some 560 samples, give or take two standard errors of what the draw of the questions moves.

    The standard error of an expectation is the spread of p over the questions by √n; of the oracle, √(a(1 − a)/n).
    """
    figures, n = metrics_of(runs.accuracy["normalize_concat", 0]), int((demo.split == "test").sum())
    rows = demo.split == "test"
    column = int(demo.truth.p.mean(axis=0).argmax())
    values = {
        "best single": (figures["test/expected_best_single_accuracy"], demo.truth.p[rows, column].std(), 0.72, 0.78),
        "Bayes": (figures["test/bayes_accuracy"], demo.truth.p[rows].max(axis=1).std(), 0.82, 0.87),
        "oracle": (figures["test/oracle_accuracy"], np.sqrt(0.95 * 0.05), 0.93, 0.96),
    }
    say()
    for name, (value, spread, low, high) in values.items():
        slack = 2 * spread * np.sqrt(1.5 / n)
        say(f"test {n}: {name:12} {value:.4f}  [{low}, {high}] ± {slack:.3f}")
        assert low - slack <= value <= high + slack, name


def test_dataset_identity_alone_gains_at_most_half(demo: Demo, runs: Runs) -> None:
    folder = runs.accuracy["normalize_concat", 0]
    figures, expected = metrics_of(folder), landscape_of(folder)["expected"]
    single, bayes = figures["test/expected_best_single_accuracy"], figures["test/bayes_accuracy"]
    share = (expected["strongest_per_dataset"]["accuracy"] - single) / (bayes - single)
    p, dataset = demo.truth.p, demo.benchmark.samples["dataset"].to_numpy()
    known = sum(p[dataset == name].sum(axis=0).max() for name in np.unique(dataset)) / len(p)
    whole = (known - p.mean(axis=0).max()) / (p.max(axis=1).mean() - p.mean(axis=0).max())
    say(f"\nstrongest_per_dataset: share {share:.3f} on test; best choice per dataset, truth known: {whole:.3f}")
    assert share <= 0.5
    assert whole <= 0.5


def test_either_modality_alone_falls_short_and_both_together_learn(runs: Runs) -> None:
    """Means over three seeds of mlp at λ = 0: shares of the attainable gain, in expected accuracy."""
    shares = {fusion: mean_over_seeds(runs, fusion, "share_of_attainable_gain") for fusion in FUSIONS}
    accuracy = {fusion: mean_over_seeds(runs, fusion, "expected_accuracy") for fusion in FUSIONS}
    say()
    for fusion in FUSIONS:
        each = [metrics_of(runs.accuracy[fusion, seed])["test/share_of_attainable_gain"] for seed in SEEDS]
        say(f"{fusion:18} exp. acc {accuracy[fusion]:.4f}  share {shares[fusion]:.3f}  {np.round(each, 3).tolist()}")
    assert shares["normalize_concat"] >= 0.6
    for alone in ("text_only", "image_only"):
        assert shares[alone] <= 0.75
        assert accuracy[alone] < accuracy["normalize_concat"]


def test_mlp_beats_the_strongest_model_in_rank_score(runs: Runs) -> None:
    """At λ = 0.5, expected and as logged."""
    figures = metrics_of(runs.balanced["mlp"])
    expected, single = (figures[f"test/expected_{name}rank_score"] for name in ("", "best_single_"))
    best = figures["test/bayes_rank_score"]
    say(f"\nmlp λ=0.5: Rank Score {expected:.4f}, strongest_global {single:.4f}, Bayes {best:.4f} (all expected)")
    logged = figures["test/rank_score"], figures["test/best_single_rank_score"]
    say(f"logged: mlp {logged[0]:.4f}, strongest_global {logged[1]:.4f}")
    assert expected > single
    assert logged[0] > logged[1]


def test_nothing_exceeds_the_bayes_bound_at_any_price(demo: Demo, runs: Runs) -> None:
    """Expected accuracy − μ · expected cost ≤ V(μ): the only tolerance is that of floating-point sums."""
    rows = np.flatnonzero(demo.split == "test")
    p, cost = demo.truth.p[rows], demo.truth.cost[rows]
    bound = np.array([bayes_value(p, cost, mu) for mu in PRICES_OF_A_DOLLAR])
    rounding = 1e-12 * (1 + PRICES_OF_A_DOLLAR * cost.max())
    points = {f"{folder.name}/{name}": point for folder, name, point in expected_points(runs)}
    choices = np.random.default_rng(0).integers(p.shape[1], size=(1000, len(rows)))
    for k, choice in enumerate(choices):
        points[f"random {k}"] = (p[np.arange(len(p)), choice].mean(), cost[np.arange(len(p)), choice].mean())
    accuracy, paid = np.array(list(points.values())).T
    slack = bound - (accuracy[:, None] - PRICES_OF_A_DOLLAR * paid[:, None])
    say(f"\n{len(points)} points × {len(bound)} prices: smallest distance to V(μ) {slack.min():.3g}")
    assert (slack >= -rounding).all()
    touching = (p - 0.0).max(axis=1).mean()  # the bound is sharp: the Bayes router itself attains V(0)
    assert bound[0] == pytest.approx(touching, abs=1e-12)


def test_expectations_in_the_run_folder_are_those_of_its_decisions(demo: Demo, runs: Runs) -> None:
    """Recomputed from decisions.parquet and the truth of all samples, so the bound above is about what was decided."""
    place = pd.Series(np.arange(len(demo.sample_ids)), index=demo.sample_ids)
    column = {model: k for k, model in enumerate(demo.benchmark.model_ids)}
    for folder in all_folders(runs):
        decided = pd.read_parquet(folder / "decisions.parquet").assign(router="router")
        tables = pd.concat([decided, pd.read_parquet(folder / "references.parquet")]).query("split == 'test'")
        stored = landscape_of(folder)["expected"]
        assert set(stored) == set(tables["router"])
        for name, table in tables.groupby("router", observed=True):
            at, chosen = place[table["sample_id"]].to_numpy(), table["model_id"].map(column).to_numpy()
            assert stored[name]["accuracy"] == pytest.approx(demo.truth.p[at, chosen].mean(), abs=1e-12)
            assert stored[name]["cost"] == pytest.approx(demo.truth.cost[at, chosen].mean(), rel=1e-9)
        assert metrics_of(folder)["test/expected_accuracy"] == stored["router"]["accuracy"]


def all_folders(runs: Runs) -> list[Path]:
    return [*runs.accuracy.values(), *runs.balanced.values()]


def expected_points(runs: Runs) -> list[tuple[Path, str, tuple[float, float]]]:
    """Return (run, router, (expected accuracy, expected cost)) of every router, reference and single model on test."""
    points = []
    for folder in all_folders(runs):
        part = landscape_of(folder)
        points += [(folder, name, (e["accuracy"], e["cost"])) for name, e in part["expected"].items()]
        models = zip(part["expected_models"]["accuracy"], part["expected_models"]["cost"], strict=True)
        points += [(folder, f"model {k}", point) for k, point in enumerate(models)]
    return points
