import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vlrb.benchmark.build import BuildSettings, stale_parts
from vlrb.benchmark.pool import ModelPool
from vlrb.benchmark.splits import Splitter
from vlrb.benchmark.store import Benchmark
from vlrb.benchmark.tokens.counter import TokenCounter
from vlrb.benchmark.tokens.tokenizers import TekkenTokenizer
from vlrb.utils.errors import ConfigError, DataError, StateError
from vlrb.utils.files import read_json

NAN = float("nan")
FILES = {
    "manifest.json",
    "samples.parquet",
    "records.parquet",
    "predictions.parquet",
    "models.json",
    "pictures.parquet",
    "same_pictures.parquet",
    "Y.npy",
    "tokens_in.npy",
    "tokens_out.npy",
    "sample_tokens.parquet",
    "costs/list/C.npy",
    "costs/list/prices.yaml",
    "costs/list/cost_bounds.json",
    "costs/list/models.csv",
    "costs/list/budgets.csv",
    "splits/grouped-0.parquet",
    "reports/integrity.json",
    "reports/integrity.md",
    "reports/models.csv",
    "reports/coverage.csv",
    "reports/token_statistics.csv",
    "reports/token_statistics.md",
    "reports/token_statistics.png",
    "reports/source_notes.json",
}


def files(root):
    found = {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}
    found.pop(".lock", None)
    return found


def test_the_folder_and_its_matrices_by_hand(build, root, capsys):
    bench = build(synthetic=True)
    assert set(files(root)) == FILES
    assert bench.model_ids == ["large", "mid", "small"]
    # rows A/0 A/1 A/2 B/0 B/1 B/2, columns large mid small
    expected = [[1, 1, 1], [1, 0, 0], [1, 0.7, 0], [0, 0, 0], [1, 0, 0.4], [NAN, 1, 0]]
    assert np.array_equal(bench.Y, np.array(expected, np.float32), equal_nan=True)
    assert bench.Y.dtype == bench.tokens_in.dtype == bench.tokens_out.dtype == np.float32
    # text 2 5 1 2 3 1, pictures 1 1 1 2 0 1 at 10 tokens each, the same for every model
    assert bench.tokens_in.tolist() == [[total] * 3 for total in (12, 15, 11, 22, 3, 11)]
    assert bench.sample_tokens["text_tokens"].tolist() == [2, 5, 1, 2, 3, 1]
    assert bench.sample_tokens["pictures"].tolist() == [1, 1, 1, 2, 0, 1]
    # answers: "Hello world" 2, "123" 3, "" 0, the others 1 token; large never answered B/2
    assert np.array_equal(
        bench.tokens_out, [[2, 1, 0], [3, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1], [NAN, 1, 3]], equal_nan=True
    )
    C = bench.costs("list").C
    assert C[0] == pytest.approx([12 * 2e-6 + 2 * 1e-5, 13e-6, 6e-6])  # large: .000024 + .00002
    assert C[5] == pytest.approx([NAN, 12e-6, 7e-6], nan_ok=True)  # small: (11 + 3) · .5e-6
    assert bench.manifest["synthetic"] is True
    assert bench.manifest["name"] == "bench"
    assert "records: 6 samples, 3 models, 18 records" in capsys.readouterr().out


def test_the_first_report_says_that_data_are_synthetic(build, root):
    build(synthetic=True)
    assert read_json(root / "reports/integrity.json")["synthetic"] is True
    assert "(synthetic data)" in (root / "reports/integrity.md").read_text()


def test_bounds_are_over_the_five_complete_samples(build):
    bounds = build().costs("list").bounds
    # small: inputs 12 15 11 22 3 = 63, outputs 0 1 1 1 1 = 4 → 67 · .5e-6 / 5; large: 63 · 2e-6 + 8 · 1e-5 over 5
    assert bounds.cmin == pytest.approx(67 * 0.5e-6 / 5)
    assert bounds.cmax == pytest.approx((63 * 2e-6 + 8 * 1e-5) / 5)
    assert bounds.reason is None


def test_an_unchanged_rebuild_says_one_line_and_touches_nothing(build, root, source, capsys):
    build()
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    capsys.readouterr()
    start = time.perf_counter()
    build()
    assert time.perf_counter() - start < 2
    assert source.reads == 1
    assert capsys.readouterr().out.strip().splitlines()[0].endswith("up to date (6 samples × 3 models)")
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()} == before


def test_touched_logs_with_the_same_content_rebuild_no_later_part(build, root, source, capsys):
    build()
    source.version = 2
    capsys.readouterr()
    build()
    out = capsys.readouterr().out
    assert source.reads == 2
    assert "records: logs changed" in out
    assert "tokens" not in out
    assert "costs" not in out


def test_changed_grades_reach_the_reports_but_not_the_tokens(build, source, capsys):
    build()
    source.version = 2
    source.quality["small"][1] = 1
    capsys.readouterr()
    bench = build()
    out = capsys.readouterr().out
    assert bench.Y[1, 2] == 1
    assert "tokens" not in out
    assert "reports: records changed" in out


def test_changed_answers_reach_the_costs(build, source):
    before = np.array(build().costs("list").C)
    source.version = 2
    source.predictions["small"][0] = "123"
    after = build().costs("list").C
    assert after[0, 2] == pytest.approx(before[0, 2] + 3 * 0.5e-6)


def test_prices_and_splits_lie_beside_each_other(build, root, make_book):
    build()
    before = files(root)
    build(price_book=make_book("other", large=4.0), split=Splitter(seed=1))
    build(split=Splitter(name="exact", exact=True))
    after = files(root)
    new = {name.replace("/list/", "/other/") for name in FILES if name.startswith("costs/list/")}
    assert set(after) - set(before) == new | {"splits/grouped-1.parquet", "splits/exact-0.parquet"}
    for name in before:
        if not name.startswith(("reports/", "manifest")):
            assert after[name] == before[name], name
    bench = Benchmark.open(root)
    assert bench.costs("other").C[0, 0] == pytest.approx(12 * 4e-6 + 2 * 1e-5)
    assert bench.costs("list").bounds.hash != bench.costs("other").bounds.hash


def test_a_price_book_of_the_same_name_with_other_prices_is_computed_again(build, make_book, capsys):
    build()
    capsys.readouterr()
    bench = build(price_book=make_book("list", large=4.0))
    assert "costs/list: prices changed" in capsys.readouterr().out
    assert bench.costs("list").C[0, 0] == pytest.approx(12 * 4e-6 + 2 * 1e-5)


def test_picture_rules_of_cards_change_input_tokens_only(build, root):
    build()
    before = files(root)
    pool = ModelPool("cards", models={"small": {"picture_tokens": 3, "display_name": "S"}}, discover=True)
    bench = build(pool=pool)
    assert bench.tokens_in[3].tolist() == [22, 22, 2 + 2 * 3]
    assert bench.models[2] == {
        "id": "small",
        "display_name": "S",
        "parameters": None,
        "provider": None,
        "picture_rule": "fixed",
        "picture_tokens": 3,
        "picture_options": {},
    }
    for name in ("tokens_out.npy", "sample_tokens.parquet", "splits/grouped-0.parquet"):
        assert files(root)[name] == before[name]


def test_repricing_needs_no_logs(build, root, source, make_book):
    build()
    source.root = Path("/nowhere")
    build(price_book=make_book("other", large=8.0), stages=("costs", "splits", "validate"))
    assert source.reads == 1
    assert (root / "costs/other/C.npy").exists()


def test_a_stage_that_needs_one_that_is_not_done(build):
    with pytest.raises(StateError, match="no records yet"):
        build(stages=("costs",))
    build(stages=("records",))
    with pytest.raises(StateError) as error:
        build(stages=("costs",))
    assert "add tokens to stages" in error.value.hint
    with pytest.raises(ConfigError) as unknown:
        BuildSettings(stages=("record",))
    assert "did you mean 'records'" in unknown.value.hint


def test_force_builds_the_listed_stages(build, source, capsys):
    build()
    capsys.readouterr()
    build(stages=("records", "splits"), force=True)
    out = capsys.readouterr().out
    assert source.reads == 2
    assert "splits/grouped-0: " in out
    assert "tokens" not in out


def test_stale_parts_are_named_without_writing(build, root, source, choices, make_book):
    everything = [
        "records",
        "models",
        "tokens",
        "tokens_in",
        "costs/list",
        "costs/list/tables",
        "pictures",
        "splits/grouped-0",
        "reports/tokens",
        "reports",
    ]
    assert stale_parts(root, source, **choices) == everything
    assert not root.exists()
    build()
    assert stale_parts(root, source, **choices) == []
    assert stale_parts(root, source, **{**choices, "split": Splitter(seed=4)}) == ["splits/grouped-4", "reports"]
    source.version = 5
    assert stale_parts(root, source, **choices) == ["records"]
    assert stale_parts(root, source, **choices, settings=BuildSettings(stages=("costs",))) == []


def test_a_pool_model_without_a_price_stops_before_tokens_are_counted(build, root, make_book):
    book = make_book()
    del book.prices["mid"]
    with pytest.raises(ConfigError, match="no price for mid"):
        build(price_book=book)
    assert not (root / "tokens_out.npy").exists()
    bench = build(price_book=book, pool=ModelPool("two", exclude=["mid"]))
    assert np.isnan(bench.costs("list").C[:, 1]).all()
    assert bench.costs("list").bounds.reason is None
    assert bench.costs("list").prices["prices"]["mid"] is None


def test_a_pool_model_without_logs_is_named(build):
    with pytest.raises(DataError, match="no logs of gone"):
        build(pool=ModelPool("p", models={"large": {}, "gone": {}}))


@pytest.mark.slow
def test_interrupted_at_any_rename_the_rerun_gives_the_same_bytes(build, root, source, choices, monkeypatch, tmp_path):
    drawn = "vlrb.benchmark.tokens.report.draw_tokens"  # takes most of a tiny build, and this test builds dozens
    monkeypatch.setattr(drawn, lambda figure, path: path.write_bytes(figure.table.to_csv().encode()))
    build()
    wanted = files(root)
    rename = Path.replace
    stop, finished = 0, False
    while not finished:
        stop += 1
        for path in sorted(root.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        left = [stop]

        def crash(self, target, left=left):
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            return rename(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", crash)
            try:
                build()
                finished = True
            except KeyboardInterrupt:
                pass
        build()
        assert files(root) == wanted, stop
    assert stop > len(FILES)


def test_half_of_the_records_missing_is_not_hidden(build, source):
    source.predictions["mid"][0] = None
    bench = build()
    assert np.isnan(bench.tokens_out[0, 1])
    assert np.isnan(bench.costs("list").C[0, 1])
    assert bench.Y[0, 1] == 1


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda s, r: (s.assign(sample_id=["A/0"] * 6), r), "more than one sample"),
        (lambda s, r: (s, pd.concat([r, r.iloc[[4]]])), "large/log.xlsx: a second record of model large on sample B/1"),
        (
            lambda s, r: (s, r.assign(quality=r["quality"] + 0.5)),
            r"quality 1.5 of model large on sample A/0 is outside",
        ),
        (lambda s, r: (s.iloc[:5], r), "'B/2' is not one of the benchmark's"),
        (lambda s, r: (s.iloc[:0], r.iloc[:0]), "no graded samples"),
        (lambda s, r: (s.assign(prompt=None), r), "has no prompt"),
        (lambda s, r: (s.drop(columns="group"), r), "no column 'group'"),
    ],
)
def test_records_that_cannot_be_right_are_refused(build, root, source, spoil, message):
    read = source.read

    def spoilt():
        record_set = read()
        samples, records = spoil(record_set.samples, record_set.records)
        return replace(record_set, samples=samples, records=records)

    source.read = spoilt
    with pytest.raises(DataError, match=message):
        build()
    assert set(files(root)) <= {"manifest.json"}


def test_pictures_and_what_opens_them(build, source, root, tmp_path):
    bench = build()
    pictures = bench.pictures()
    assert len(pictures) == 6
    assert [len(pictures.load(i)) for i in range(6)] == [1, 1, 1, 2, 0, 1]
    assert pictures.load(3)[1].getpixel((0, 0)) == (2, 0, 0)  # B/0's second picture is r.png
    moved = source.root.rename(tmp_path / "moved")
    with pytest.raises(StateError, match="no longer at"):
        bench.pictures()
    assert bench.pictures(moved).load(0)[0].size == (4, 2)


def test_opening_what_is_not_there(build, root):
    with pytest.raises(StateError, match="no benchmark here"):
        Benchmark.open(root)
    bench = build()
    with pytest.raises(StateError, match="costs/none"):
        bench.costs("none")
    with pytest.raises(StateError) as error:
        bench.split("grouped", 7)
    assert "split.seed=7" in error.value.hint


def test_fingerprints_tell_which_part_changed(build, source):
    before = build().fingerprints
    source.version = 2
    source.predictions["small"][0] = "123"
    after = build().fingerprints
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"records", "tokens", "costs/list", "costs/list/tables", "reports/tokens", "reports"}
    assert "samples" in before


def test_another_tokenizer_counts_again(build, root):
    class Letters(TekkenTokenizer):
        def settings(self):
            return {"tokenizer": "letters"}

        def count(self, texts):
            return np.array([len(text) for text in texts], np.int32)

    build()
    bench = build(tokens=TokenCounter("letters", Letters(), picture_tokens=10))
    assert bench.sample_tokens["text_tokens"].tolist() == [11, 5, 5, 2, 17, 1]
    assert bench.tokens_in[4, 0] == 17
