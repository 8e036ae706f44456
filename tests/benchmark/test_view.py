import numpy as np
import pytest

from vlrb.benchmark.pool import ModelPool
from vlrb.benchmark.splits import LeaveDatasetOut, Splitter
from vlrb.benchmark.view import BenchmarkView
from vlrb.utils.errors import ConfigError, DataError, StateError

NAN = float("nan")
ALL = ModelPool("all")


def test_dropping_samples_with_unknown_cells(build):
    view = BenchmarkView.create(build(), ALL, "list")
    assert view.sample_ids.tolist() == ["A/0", "A/1", "A/2", "B/0", "B/1"]  # B/2: large has no grade
    assert view.rows.tolist() == [0, 1, 2, 3, 4]
    assert view.dropped == {"samples": 1, "masked_cells": 0, "samples/B": 1}
    assert view.model_ids == view.display_names == ("large", "mid", "small")
    assert view.dataset_names == ("A", "B")
    assert view.dataset_groups == ("General", "STEM")
    assert view.dataset.tolist() == [0, 0, 0, 1, 1]
    assert view.Y.shape == view.C.shape == view.tokens_in.shape == view.tokens_out.shape == (5, 3)
    assert not np.isnan(view.Y).any()
    assert view.bounds.hash


def test_a_narrower_pool_keeps_more_samples(build):
    view = BenchmarkView.create(build(), ModelPool("two", include=["small", "mid"]), "list")
    assert len(view.rows) == 6
    assert view.model_ids == ("mid", "small")
    assert view.columns.tolist() == [1, 2]
    assert view.Y[:, 1].tolist() == pytest.approx([1, 0, 0, 0, 0.4, 0])
    assert view.bounds == BenchmarkView.create(build(), ALL, "list").bounds  # a constant of the benchmark


def test_bounds_of_the_pool_where_no_sample_is_complete_for_all_models(build, source):
    source.predictions["mid"] = [None] * 3 + ["Hello"] * 3
    source.predictions["small"] = ["Hello"] * 3 + [None] * 3
    bench = build()
    assert bench.costs("list").bounds.cmin is None
    bounds = BenchmarkView.create(bench, ModelPool("two", exclude=["mid"]), "list").bounds
    # large and small are complete on A: inputs 12 15 11 = 38, outputs of small 1 1 1 and of large 2 3 1
    assert bounds.cmin == pytest.approx(41 * 0.5e-6 / 3)
    assert bounds.cmax == pytest.approx((38 * 2e-6 + 6 * 1e-5) / 3)
    assert bounds.reason is None


def test_masking_keeps_them_and_hides_half_known_cells(build, source):
    source.predictions["mid"][0] = None  # graded, but without an answer its cost is unknown
    view = BenchmarkView.create(build(), ALL, "list", missing="mask")
    assert len(view.rows) == 6
    assert np.isnan(view.Y).tolist() == np.isnan(view.C).tolist()
    assert np.argwhere(np.isnan(view.Y)).tolist() == [[0, 1], [5, 0]]
    assert view.dropped == {"samples": 0, "masked_cells": 2}


def test_refusing_unknown_cells(build):
    with pytest.raises(DataError, match="missing cells: large 1"):
        BenchmarkView.create(build(), ALL, "list", missing="error")
    assert len(BenchmarkView.create(build(), ModelPool("two", exclude=["large"]), "list", missing="error").rows) == 6
    with pytest.raises(ConfigError, match="no such choice"):
        BenchmarkView.create(build(), ALL, "list", missing="drop")


def test_dropping_more_than_half_names_the_models_to_leave_out(build, source):
    source.quality["mid"] = [None, None, None, None, 1, 1]
    with pytest.raises(DataError) as error:
        BenchmarkView.create(build(), ALL, "list")
    assert "only 1 of 6 samples" in error.value.message
    assert "model_pool.exclude=[mid]" in error.value.hint


def test_split_and_groups_are_the_benchmarks(build):
    bench = build(split=Splitter(seed=3))
    view = BenchmarkView.create(bench, ModelPool("two", exclude=["large"]), "list", split_seed=3)
    split = bench.split("grouped", 3)
    assert view.split.tolist() == split["split"].tolist()
    assert view.split_group[0] == view.split_group[2]  # A/0 and A/2 show the same picture
    assert view.split_group[1] == view.split_group[3]  # A/1 and B/0 too, across datasets
    for name in ("train", "dev", "test"):
        assert (view.split[view.members(name)] == name).all()
    assert sum(len(view.members(name)) for name in ("train", "dev", "test")) == 6
    with pytest.raises(StateError, match="splits/grouped-9"):
        BenchmarkView.create(bench, ALL, "list", split_seed=9)


def test_samples_in_no_split_are_no_members(build):
    bench = build(split=LeaveDatasetOut(holdout="A"))  # B/0 shows a picture of A/1
    view = BenchmarkView.create(bench, ModelPool("two", exclude=["large"]), "list", split_name="leave_dataset_out-A")
    assert view.split.tolist()[:4] == ["test", "test", "test", "unused"]
    assert sorted(np.concatenate([view.members(name) for name in ("train", "dev", "test")])) == [0, 1, 2, 4, 5]


def test_aliases_give_the_pools_ids(build):
    cards = {"Big": {"aliases": ["large"], "display_name": "The big one"}, "mid": {}}
    view = BenchmarkView.create(build(), ModelPool("p", models=cards), "list")
    assert view.model_ids == ("Big", "mid")
    assert view.display_names == ("The big one", "mid")


def test_the_fingerprint_changes_with_the_data_a_run_sees_and_with_nothing_else(build, source, make_book):
    def take(pool=ALL, pricing="list", **options):
        return BenchmarkView.create(build(), pool, pricing, **options).fingerprint

    first = take()
    build(price_book=make_book("other", large=3.0), split=Splitter(seed=1))
    assert take() == first
    assert take(ModelPool("other_name")) == first
    different = {
        take(pricing="other"),
        take(split_seed=1),
        take(missing="mask"),
        take(ModelPool("two", exclude=["mid"])),
    }
    source.version, source.quality["small"][1] = 2, 1
    different.add(take())
    assert len(different) == 5
    assert first not in different


def test_parts_name_what_changed(build, source, make_book):
    def take(pricing="list", **options):
        return BenchmarkView.create(build(), ALL, pricing, **options).parts

    def changed(parts):
        return {name for name in before if parts[name] != before[name]}

    before = take()
    build(price_book=make_book("other", large=3.0), split=Splitter(seed=1))
    assert changed(take(pricing="other")) == {"costs"}
    assert changed(take(split_seed=1)) == {"split"}
    source.version, source.quality["small"][1] = 2, 1
    assert changed(take()) == {"quality"}
