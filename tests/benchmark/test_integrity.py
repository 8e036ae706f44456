import json

import numpy as np
import pandas as pd
import pytest

from vlrb.benchmark.integrity import Subject, find_all
from vlrb.benchmark.likeness.table import PictureTable
from vlrb.benchmark.splits import Splitter
from vlrb.benchmark.summaries import coverage_table, model_table
from vlrb.utils.errors import DataError

NAN = float("nan")


def levels(findings, check=None):
    return [(f.level, f.count) for f in findings if check in (None, f.check)]


def subject(bench, **arrays):
    for name, array in arrays.items():
        setattr(bench, name, array)
    pictures = PictureTable.read(bench.root / "pictures.parquet")
    return Subject(bench, bench.costs("list"), bench.split("grouped", 0), Splitter(), pictures)


def test_the_tiny_benchmark_has_holes_and_nothing_else(build):
    findings = find_all(subject(build()))
    assert [(f.level, f.check, f.count) for f in findings if f.check != "split"] == [
        ("warning", "missing", 1),  # large has no grade on B/2
        ("warning", "missing", 1),  # nor an answer
        ("note", "pictures", 1),  # B/1 is text only
    ]


def test_reports_are_written(build, root):
    build()
    report = json.loads((root / "reports/integrity.json").read_text())
    assert report["counts"]["graded_cells"] == 17
    assert report["counts"]["datasets"] == {"A": 3, "B": 3}
    assert report["missing_grades"] == {"by_model": {"large": 1}, "by_dataset": {"B": 1}}
    assert report["ranges"]["quality"] == {"min": 0, "mean": pytest.approx(8.1 / 17), "max": 1, "missing": 1}
    assert report["ranges"]["tokens_out"]["missing"] == 1
    assert report["prices_missing"] == []
    assert report["source_notes"][0]["where"] == "large/x_acc.csv"
    assert sum(report["split"]["shares"]["all"].values()) == pytest.approx(1, abs=1e-3)
    text = (root / "reports/integrity.md").read_text()
    assert "6 samples × 3 models, 18 records, 17 of 18 cells graded" in text
    assert "| ignored_file | large/x_acc.csv | a summary | 1 |" in text


def test_models_csv_by_hand(build, root):
    build()
    table = pd.read_csv(root / "reports/models.csv").set_index("model_id")
    assert list(table.index) == ["large", "mid", "small", "oracle"]
    assert table["accuracy"].tolist() == pytest.approx([4 / 5, 3 / 6, 1 / 6, 4 / 5])  # .7 is right, .4 is not
    assert table["quality"].tolist()[:3] == pytest.approx([4 / 5, 2.7 / 6, 1.4 / 6])
    assert table["n"].tolist() == [5, 6, 6, 5]
    assert table["missing"].tolist() == [1, 0, 0, 1]
    # oracle over the five complete samples: small, large, mid (.7), none right → small, large; qualities 1 1 .7 0 1
    assert table.loc["oracle", "quality"] == pytest.approx(3.7 / 5)
    # costs: small 6e-6; large 15 · 2e-6 + 3 · 1e-5; mid 12e-6; small 11.5e-6; large 3 · 2e-6 + 1e-5
    assert table.loc["oracle", "mean_cost_usd"] == pytest.approx((6 + 60 + 12 + 11.5 + 16) * 1e-6 / 5, rel=1e-6)
    assert table.loc["small", "mean_cost_usd"] == pytest.approx(81 * 0.5e-6 / 6, rel=1e-6)  # 74 in, 7 out


def test_coverage_by_hand(build, root):
    build()
    coverage = pd.read_csv(root / "reports/coverage.csv").set_index(["dataset", "model_id"])
    row = coverage.loc[("B", "large")]
    assert row[["samples", "graded", "answered", "missing_prediction", "ungraded", "failed"]].tolist() == [
        3,
        2,
        2,
        1,
        1,
        0,
    ]
    assert coverage.loc[("A", "large")][["samples", "graded", "answered"]].tolist() == [3, 3, 3]


def test_strict_makes_problems_errors_also_on_the_second_run(build, capsys):
    build()
    assert "integrity problems" in capsys.readouterr().out
    for _ in range(2):
        with pytest.raises(DataError, match="integrity problems, the first"):
            build(strict=True)


def test_strict_passes_a_clean_benchmark(build, source, monkeypatch):
    source.quality["large"][5] = 1
    source.predictions["large"][5] = "Hello"
    even = Splitter(name="even", train=0.4, dev=0.3, test=0.3, exact=True)
    build(strict=True, split=even)


def test_wrong_shape_stops_the_tables(build):
    bench = build()
    findings = find_all(subject(bench, Y=np.zeros((5, 3), np.float32)))
    assert levels(findings, "alignment") == [("error", 1)]
    assert len(findings) == 1


def test_a_quality_that_is_not_the_records(build):
    bench = build()
    Y = np.array(bench.Y)
    Y[0, 0], Y[1, 1] = 0, NAN
    assert levels(find_all(subject(bench, Y=Y)), "alignment") == [("error", 2)]


def test_values_out_of_range(build):
    bench = build()
    tokens_in = np.array(bench.tokens_in)
    tokens_in[0, 0] = -1
    tokens_in[0, 1] = np.inf
    assert ("error", 2) in levels(find_all(subject(bench, tokens_in=tokens_in)), "ranges")


def test_a_cost_without_tokens(build):
    bench = build()
    tokens_out = np.array(bench.tokens_out)
    tokens_out[0, 0] = NAN
    assert ("error", 1) in levels(find_all(subject(bench, tokens_out=tokens_out)), "prices")


def test_a_split_that_parts_related_samples_or_rows_in_another_order(build):
    bench = build()
    good = subject(bench)
    parted = good.split.copy()
    parted["split"] = ["train", "train", "test", "train", "dev", "train"]  # A/0 and A/2 show the same picture
    parted["split_group"] = range(6)  # the file itself claims all is well
    findings = find_all(Subject(bench, good.costs, parted, good.rule))
    assert levels(findings, "split") == [("error", 1)]
    shuffled = Subject(bench, good.costs, good.split.iloc[::-1], good.rule)
    assert ("error", 1) in levels(find_all(shuffled), "alignment")


def test_unpriced_models_are_named(build, make_book, root):
    from vlrb.benchmark.pool import ModelPool

    book = make_book()
    del book.prices["mid"]
    build(price_book=book, pool=ModelPool("two", exclude=["mid"]))
    report = json.loads((root / "reports/integrity.json").read_text())
    assert report["prices_missing"] == ["mid"]
    assert [f["count"] for f in report["findings"] if f["check"] == "prices"] == [1]
    table = pd.read_csv(root / "reports/models.csv").set_index("model_id")
    assert np.isnan(table.loc["mid", "mean_cost_usd"])
    assert np.isnan(table.loc["oracle", "mean_cost_usd"])  # what an unpriced choice would have cost is unknown
    assert table.loc["oracle", "accuracy"] == pytest.approx(4 / 5)


CARDS = [{"id": name, "display_name": name} for name in ("a", "b")]


def test_model_table_of_nothing_known():
    table = model_table(np.full((3, 2), NAN), np.full((3, 2), NAN), CARDS).set_index("model_id")
    assert table["n"].tolist() == [0, 0, 0]
    assert table["accuracy"].isna().all()


def test_oracle_leaves_out_models_without_any_grade_and_takes_ties_in_column_order():
    Y, C = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[2.0, 2.0], [1.0, 3.0]])
    row = model_table(Y, C, CARDS).set_index("model_id").loc["oracle"]
    assert (row["accuracy"], row["mean_cost_usd"]) == (1.0, 2.5)
    Y[:, 1] = NAN
    row = model_table(Y, C, CARDS).set_index("model_id").loc["oracle"]
    assert (row["accuracy"], row["mean_cost_usd"], row["n"]) == (0.5, 1.5, 2)


def test_tables_against_plain_loops():
    rng = np.random.default_rng(0)
    n, models = 60, ["a", "b", "c"]
    samples = pd.DataFrame({"sample_id": [f"s{i}" for i in range(n)], "dataset": rng.choice(["X", "Y", "Z"], n)})
    Y, tokens_out = (np.where(rng.random((n, 3)) < 0.2, NAN, rng.integers(0, 9, (n, 3)) / d) for d in (8, 1))
    flags = rng.choice(["", "failed", "truncated;failed"], n * 3)
    records = pd.DataFrame({"sample_id": np.repeat(samples["sample_id"], 3), "model_id": models * n, "flags": flags})
    coverage = coverage_table(Y, tokens_out, records, samples, models)
    assert len(coverage) == 9
    for row in coverage.itertuples():
        rows = [i for i in range(n) if samples["dataset"][i] == row.dataset]
        m = models.index(row.model_id)
        assert row.graded == sum(not np.isnan(Y[i, m]) for i in rows)
        assert row.failed == sum("failed" in flags[i * 3 + m] for i in rows)
        assert row.truncated == sum("truncated" in flags[i * 3 + m] for i in rows)
