"""Batches: what they hold, in which order, and what they never hold."""

import gc
import math
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vlrb.benchmark.view import BenchmarkView
from vlrb.data.batch import OUTCOME_KEYS
from vlrb.data.datamodule import BatchSettings, BenchmarkDataModule
from vlrb.data.tradeoff import TradeOff
from vlrb.utils.errors import ConfigError, DataError, StateError


def test_training_batches_hold_every_train_row_once(small):
    batches = list(small.data().train_dataloader())
    assert [len(b["index"]) for b in batches] == [4, 2]
    rows = torch.cat([b["index"] for b in batches])
    assert sorted(rows.tolist()) == [0, 1, 2, 5, 6, 7]


def test_columns_of_a_batch_belong_to_its_rows(small):
    view = small.view()
    for batch in small.data(inputs=frozenset({"features", "dataset"})).train_dataloader():
        rows = batch["index"].numpy()
        benchmark_row = view.rows[rows].astype(np.float32)
        np.testing.assert_array_equal(batch["features"].numpy(), benchmark_row[:, None] * [1, 10, 100])
        np.testing.assert_array_equal(batch["Y"].numpy(), view.Y[rows])
        np.testing.assert_allclose(batch["C"].numpy(), view.C[rows], rtol=1e-6)
        np.testing.assert_array_equal(batch["dataset"].numpy(), view.dataset[rows])


def test_soft_targets_by_hand(small):
    """λ=0: uniform over correct models; row 2 has none and weighs nothing."""
    batch = next(small.data(eval_batch_size=6).fitting_batches())
    assert batch["index"].tolist() == [0, 1, 2, 5, 6, 7]
    expected = [[0.5, 0, 0.5], [0, 0.5, 0.5], [0, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0.5, 0.5]]
    assert batch["targets"].tolist() == expected
    assert batch["weight"].tolist() == [1, 1, 0, 1, 1, 1]


def test_spec_by_hand(small):
    """Mean costs 1, 2, 3 (× 1e-4), so c₀ = 2e-4 and the scale is 5,000 per USD."""
    spec = small.data(trade_off=TradeOff(0.5)).spec
    np.testing.assert_allclose(spec.mean_train_cost, [1e-4, 2e-4, 3e-4])
    assert spec.trade_off.scale == pytest.approx(5000.0)
    assert (spec.n_models, spec.feature_dim, spec.seed) == (3, 3, 0)
    assert (spec.cost_bounds.cmin, spec.cost_bounds.cmax) == (1e-4, 3e-4)


def test_cost_scale_comes_from_train_alone(small):
    view = small.view()
    view.C[view.split != "train"] *= 100
    assert small.data(view=view).spec.mean_train_cost == pytest.approx((1e-4, 2e-4, 3e-4))


def test_frozen_spec_keeps_its_scale_when_prices_change(small):
    spec = small.data(trade_off=TradeOff(0.5)).spec
    view = small.view()
    view.C *= 10
    assert small.data(view=view, spec=spec).spec.trade_off.scale == pytest.approx(5000.0)


def test_unknown_cost_is_infinite_not_zero(small):
    view = small.view()
    view.C[:, 1] = np.nan
    assert math.isinf(small.data(view=view).spec.mean_train_cost[1])


def test_order_is_a_function_of_seed_and_epoch(small):
    def order(seed: int, epoch: int) -> list[int]:
        loader = small.data(seed=seed).train_dataloader()
        loader.sampler.set_epoch(epoch)
        return torch.cat([b["index"] for b in loader]).tolist()

    assert order(3, 5) == order(3, 5)
    assert len({tuple(order(3, e)) for e in range(6)}) > 1
    assert len({tuple(order(s, 0)) for s in range(6)}) > 1


def test_without_shuffle_the_order_is_the_views(small):
    batches = small.data(shuffle=False).train_dataloader()
    assert torch.cat([b["index"] for b in batches]).tolist() == [0, 1, 2, 5, 6, 7]


def test_dev_batches_have_outcomes_in_order(small):
    (batch,) = small.data().val_dataloader()
    assert batch["index"].tolist() == [3, 9]
    assert set(batch) >= OUTCOME_KEYS


def test_no_dev_split_means_no_dev_loader(small):
    view = small.view()
    view.split[view.split == "dev"] = "test"
    assert small.data(view=view).val_dataloader() == []


def tensors_within(start: object) -> list[object]:
    """Every array and tensor that can be reached from an object (types, modules and functions aside)."""
    seen, found, stack = {id(start)}, [], [start]
    skipped = (type, type(gc), type(tensors_within), type(len))
    while stack:
        thing = stack.pop()
        if isinstance(thing, np.ndarray | torch.Tensor):
            found.append(thing)
        inside = list(vars(thing).values()) if hasattr(thing, "__dict__") and not isinstance(thing, type) else []
        for child in [*gc.get_referents(thing), *inside]:
            if id(child) not in seen and not isinstance(child, skipped):
                seen.add(id(child))
                stack.append(child)
    return found


def holds_outcomes(found: list[object], n_models: int = 3) -> bool:
    """Whether any of the arrays is shaped like outcomes: rows × models (the features here are wider)."""
    return any(np.ndim(thing) == 2 and np.shape(thing)[1] == n_models for thing in found)


def test_decision_data_cannot_reach_outcomes(small):
    sources = {"features": WideFeatures()}
    settings = BatchSettings(frozenset({"features", "dataset"}))
    data = BenchmarkDataModule(small.view(), sources, TradeOff(0.5), settings)
    decisions = data.decision_data("test")
    assert decisions.sample_ids == ["set/4", "set/8"]
    for batch in decisions.predict_dataloader():
        assert set(batch) == {"index", "sample_key", "dataset", "features"}
    assert not holds_outcomes(tensors_within(decisions))
    assert holds_outcomes(tensors_within(data)), "the search itself must be able to find outcomes"


def test_training_data_keeps_no_test_outcomes(small):
    data = small.data()
    assert set(data._outcomes) == {"train", "dev"}
    assert not hasattr(data, "view")


def test_only_a_bound_gets_outcomes_to_decide_on(small):
    bound = small.data(inputs=frozenset({"outcomes"})).decision_data("test").rows([0, 1])
    assert bound["Y"].tolist() == [[0, 0, 1], [1, 1, 0]]
    assert "Y" not in small.data().decision_data("test").rows([0, 1])


class WideFeatures:
    """Seven columns, so that features are not as wide as there are models."""

    dim = 7

    def at(self, rows, sample_ids):
        return SimpleNamespace(fetch=lambda index: {"features": torch.zeros(len(index), 7)})


def test_datasets_are_matched_by_name(small):
    """A later view that lists other datasets first must not shift the codes; a new dataset is −1."""
    spec = small.data().spec
    view = small.view()
    view.dataset_names = ("new", "one", "two")
    view.dataset = view.dataset + 1
    view.dataset[4] = 0
    batch = small.data(view=view, spec=spec).decision_data("test").rows([0, 1])
    assert batch["dataset"].tolist() == [-1, 0]


def test_a_router_of_other_models_is_refused(small):
    spec = small.data().spec
    view = small.view()
    view.model_ids = ("A", "B", "D")
    with pytest.raises(StateError, match="other models; differing: C, D"):
        small.data(view=view, spec=spec)
    view.model_ids = ("B", "A", "C")
    with pytest.raises(StateError, match="their order"):
        small.data(view=view, spec=spec)


def test_a_router_of_other_features_is_refused(small):
    spec = small.data().spec
    settings = BatchSettings(frozenset({"features"}))
    with pytest.raises(StateError, match="width 3, these have 7"):
        BenchmarkDataModule(small.view(), {"features": WideFeatures()}, TradeOff(0.5), settings, spec)


def test_the_benchmarks_own_view_fits(small):
    """The tests use a stand-in; the real class must give the same batches."""
    view = small.view()
    given = {field.name: getattr(view, field.name, None) for field in fields(BenchmarkView)}
    real, stand_in = (small.data(view=v).decision_data("test").rows([0, 1]) for v in (BenchmarkView(**given), view))
    assert all(torch.equal(real[key], stand_in[key]) for key in stand_in)


def test_missing_source_is_named(small):
    with pytest.raises(ConfigError, match="reads raw"):
        small.data(inputs=frozenset({"raw"}))
    with pytest.raises(ConfigError, match="unknown router inputs"):
        BatchSettings(frozenset({"pixels"}))


def test_nothing_to_learn_from_is_an_error(small):
    view = small.view()
    view.split[:] = "test"
    with pytest.raises(DataError, match="training split is empty"):
        small.data(view=view)
    view = small.view()
    view.Y[:] = 0
    with pytest.raises(DataError, match="no training sample has a correct model"):
        small.data(view=view).train_dataloader()


def test_batches_may_be_prepared_by_workers(small):
    alone = [b["features"] for b in small.data().train_dataloader()]
    helped = [b["features"] for b in small.data(workers=1).train_dataloader()]
    assert all(torch.equal(a, b) for a, b in zip(alone, helped, strict=True))
