"""Dates, budget points and what one price book adds to a benchmark folder."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from vlrb.benchmark.budgets import Budget, budget_points, budget_table
from vlrb.benchmark.costs import cost_bounds, cost_matrix
from vlrb.benchmark.price_parts import ensure_costs
from vlrb.benchmark.pricing import Price, PriceBook
from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.rank_score import rank_score
from vlrb.utils.errors import ConfigError
from vlrb.utils.files import read_json
from vlrb.utils.instantiate import build as build_node

NAN = float("nan")
CONF = Path(__file__).parents[2] / "conf" / "pricing"
ONE = {"a": {"input": 1.0, "output": 1.0}}


@pytest.mark.parametrize("date", ["2024", "2024-02", "2024-02-29", 2025])
def test_dates(date):
    assert PriceBook("b", date, "here", ONE).date == str(date)


@pytest.mark.parametrize("date", ["", "soon", "2025-13", "2023-02-29", "24-01-01", "2024-1", "2024-01-01x", "0000"])
def test_what_is_no_date_is_refused(date):
    with pytest.raises(ConfigError, match="is not a date") as error:
        PriceBook("b", date, "here", ONE)
    assert "YYYY-MM-DD" in error.value.hint


def test_budget_settings():
    assert PriceBook("b", "2025", "here", ONE).budgets_usd == "auto"
    assert PriceBook("b", "2025", "here", ONE, budgets_usd=[0.02, 0.01, 0.02]).budgets_usd == [0.01, 0.02]
    assert PriceBook("b", "2025", "here", ONE, budgets_usd=[]).budgets_usd == []
    published = PriceBook("b", "2025", "here", ONE, budgets_usd="published", published_budgets_usd=[0.5])
    assert published.budgets_usd == [0.5]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"budgets_usd": "published"}, "no published budget points"),
        ({"budgets_usd": "publishd"}, "did you mean 'published'"),
        ({"budgets_usd": [0.0]}, "more than 0"),
        ({"budgets_usd": [-1.0]}, "a number ≥ 0"),
        ({"budgets_usd": [NAN]}, "a number ≥ 0"),
        ({"published_budgets_usd": ["0.1"]}, "published_budgets_usd: must be a number"),
    ],
)
def test_malformed_budgets_are_refused(arguments, words):
    with pytest.raises(ConfigError) as error:
        PriceBook("b", "2025", "here", ONE, **arguments)
    assert words in str(error.value)


def test_a_price_as_text_or_a_misspelt_key_is_refused_with_a_hint():
    with pytest.raises(ConfigError, match=r"a\.input: must be a number ≥ 0, not '1\.0'"):
        PriceBook("b", "2025", "here", {"a": {"input": "1.0", "output": 1}})
    with pytest.raises(ConfigError) as error:
        PriceBook("b", "2025", "here", {"a": {"input": 1, "output": 1, "pictures": 1}})
    assert "did you mean 'picture'" in error.value.hint
    with pytest.raises(ConfigError) as error:
        PriceBook("b", "2025", "here", {"a": {"request": 0.01}})
    assert "0 where only requests or pictures cost" in error.value.hint


def test_prices_per_request_and_per_picture_by_hand():
    """Three samples with 0, 1 and 3 pictures; 100 input and 10 output tokens each."""
    prices = [Price(2.0, 5.0, request=0.001, picture=0.0004), Price(0.0, 0.0, request=0.002), Price(0.0, 0.0)]
    C = cost_matrix(np.full((3, 3), 100.0), np.full((3, 3), 10.0), np.array([0, 1, 3]), prices)
    tokens = 100 * 2.0 / 1e6 + 10 * 5.0 / 1e6  # .0002 + .00005
    assert C[:, 0] == pytest.approx([tokens + 0.001, tokens + 0.001 + 0.0004, tokens + 0.001 + 3 * 0.0004], rel=1e-12)
    assert C[:, 1].tolist() == [0.002] * 3
    assert C[:, 2].tolist() == [0.0] * 3
    bounds = cost_bounds(C, ["a", "b", "free"])
    assert bounds["reason"] == "free costs nothing"
    assert rank_score(0.5, 0.001, CostBounds.from_plain(bounds)).reason == "free costs nothing"
    assert budget_points("auto", bounds) == []  # no logarithmic scale begins at 0
    assert budget_points([0.0015], bounds) == [
        Budget(0.0015, binding=True)
    ]  # below a's mean, .00025 + .001 + 4/3 · .0004


def test_auto_budgets_are_log_spaced_and_exact_at_both_ends():
    bounds = {"cmin": 3e-5, "cmax": 3e-5 * 2**6, "reason": None}
    points = budget_points("auto", bounds)
    assert [b.usd for b in points] == pytest.approx([3e-5 * 2**k for k in range(7)], rel=1e-12)
    assert (points[0].usd, points[-1].usd) == (bounds["cmin"], bounds["cmax"])
    assert all(b.binding for b in points)


def test_binding_is_said_of_points_up_to_the_dearest_mean():
    bounds = {"cmin": 0.001, "cmax": 0.004, "reason": None}
    assert [b.binding for b in budget_points([0.0005, 0.004, 0.0041], bounds)] == [True, True, False]
    assert budget_points([0.1], {"cmin": None, "cmax": None, "reason": "no"}) == [Budget(0.1, None)]


def test_best_single_model_within_each_budget_by_hand():
    cards = [{"id": m, "display_name": m.upper()} for m in ("dear", "mid", "twin", "cheap", "unpriced", "ungraded")]
    Y = np.array(
        [
            [1.0, 1.0, 1.0, 0.0, 1.0, NAN],
            [1.0, 0.6, 0.6, 0.4, 1.0, NAN],
            [1.0, 0.0, 0.0, 1.0, 1.0, NAN],
            [NAN, 0.0, 0.0, 1.0, 1.0, NAN],  # dear has no grade here: the sample counts for nobody
        ]
    )  # accuracies over three samples: dear 1, mid 2/3, twin 2/3, cheap 1/3
    means = {"dear": 0.9, "mid": 0.5, "twin": 0.4, "cheap": 0.1, "unpriced": None, "ungraded": 0.05}
    budgets = [Budget(usd, binding=True) for usd in (0.09, 0.1, 0.45, 0.5, 0.9)]
    table = budget_table(budgets, Y, means, cards)
    assert table["best_single_hindsight"].fillna("-").tolist() == ["-", "cheap", "twin", "twin", "dear"]
    assert table["accuracy"].tolist() == pytest.approx([NAN, 1 / 3, 2 / 3, 2 / 3, 1], nan_ok=True)
    assert table["mean_cost_usd"].tolist() == pytest.approx([NAN, 0.1, 0.4, 0.4, 0.9], nan_ok=True)
    assert table["n"].tolist() == [3] * 5
    assert budget_table([], Y, means, cards).empty
    assert budget_table(budgets, np.full((2, 6), NAN), means, cards)["best_single_hindsight"].isna().all()


def test_the_published_points_are_an_option_of_the_published_book():
    node = yaml.safe_load((CONF / "vl_routerbench_2025.yaml").read_text())
    assert build_node(node, "pricing").budgets_usd == "auto"
    book = build_node({**node, "budgets_usd": "published"}, "pricing")
    assert book.budgets_usd == [0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.025]


def test_costs_folder_of_the_tiny_benchmark(build, root, make_book, capsys):
    """Means over the five complete samples (see test_build): small 6.7e-6, mid (63 + 5) · 1e-6 / 5, large 41.2e-6."""
    build()
    table = pd.read_csv(root / "costs/list/budgets.csv")
    ratio = (41.2 / 6.7) ** (1 / 6)
    assert table["budget_usd"].tolist() == pytest.approx([6.7e-6 * ratio**k for k in range(7)], rel=1e-6)
    # mid costs 13.6e-6: from the third point on (6.7 · ratio² = 12.27, ratio³ = 16.6 → the fourth)
    assert table["best_single_hindsight"].tolist() == ["small"] * 3 + ["mid"] * 3 + ["large"]
    assert table["accuracy"].tolist() == pytest.approx(
        [0.2] * 3 + [0.4] * 3 + [0.8]
    )  # over the 5 that all have a grade
    prices = yaml.safe_load((root / "costs/list/prices.yaml").read_text())
    assert (prices["date"], prices["budgets_usd"]) == ("2025-01-01", "auto")
    assert (root / "costs/list/models.csv").read_bytes() == (root / "reports/models.csv").read_bytes()
    before = read_json(root / "costs/list/cost_bounds.json")
    book = PriceBook("list", "2025-01-01", "made up", make_book().settings()["prices"], budgets_usd=[1e-5, 1e-3])
    capsys.readouterr()
    bench = build(price_book=book)
    assert "1 of 2 budget points are not binding" in capsys.readouterr().out
    assert bench.costs("list").budgets == (Budget(1e-5, binding=True), Budget(1e-3, binding=False))
    assert read_json(root / "costs/list/cost_bounds.json")["hash"] == before["hash"]  # budgets change no figure


def hashes(root):
    files = (p for p in root.rglob("*") if p.is_file() and p.name != ".lock")
    return {p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_repricing_writes_costs_of_the_book_and_reports_alone(build, root, make_book):
    build()
    before = hashes(root)
    build(price_book=make_book("mine", large=4.0))
    changed = {name for name, value in hashes(root).items() if before.get(name) != value}
    new = {f"costs/mine/{f}" for f in ("C.npy", "prices.yaml", "cost_bounds.json", "models.csv", "budgets.csv")}
    reports = {"reports/integrity.json", "reports/integrity.md", "reports/models.csv"}
    assert changed == new | reports | {"manifest.json"}
    assert set(before) <= set(hashes(root))


def test_ensure_costs_needs_no_source_and_leaves_the_reports(build, root, make_book):
    build()
    before = hashes(root)
    bench = ensure_costs(root, make_book("mine", large=4.0), ["large"])
    assert bench.costs("mine").C[0, 0] == pytest.approx(12 * 4e-6 + 2 * 1e-5)
    after = hashes(root)
    assert {name for name in after if before.get(name) != after[name] and not name.startswith("costs/mine/")} == {
        "manifest.json"
    }
    ensure_costs(root, make_book("mine", large=4.0), ["large"])
    assert hashes(root) == after
    with pytest.raises(ConfigError, match="no price for stranger"):
        ensure_costs(root, make_book("mine"), ["stranger"])
    assert hashes(root) == after
