"""Decisions, binding, training: what the base does for every router."""

import math
from types import SimpleNamespace

import lightning as L
import numpy as np
import pytest
import torch

from vlrb.data.spec import DataSpec
from vlrb.data.tradeoff import TradeOff
from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.rank_score import rank_score
from vlrb.routers.base import RouterModule, soft_cross_entropy
from vlrb.routers.best_epoch import BestEpoch
from vlrb.routers.mlp import MLPRouter
from vlrb.routers.references import CheapestGlobalRouter
from vlrb.routers.scaling import Standardizer
from vlrb.utils.errors import ConfigError, StateError

BOUNDS = CostBounds(1e-5, 1e-3, "x")


def spec(costs=(3e-4, 1e-4, 2e-4, 1e-4)) -> DataSpec:
    ids = tuple("ABCDEFGH"[: len(costs)])
    return DataSpec(ids, ("one",), 3, tuple(costs), TradeOff(0.5, cost_scale=1e4), BOUNDS, 0, "x")


def test_ties_go_to_the_cheaper_then_to_the_first_column():
    router = CheapestGlobalRouter().bind(spec())  # mean costs A 3, B 1, C 2, D 1
    scores = torch.tensor([[1.0, 1, 1, 1], [1, 0, 1, 0], [0, 0, 0, 1], [1, 0, 1, 1], [-math.inf] * 4])
    assert router.decide(scores).tolist() == [1, 2, 3, 3, 1]


def test_a_score_that_is_no_number_is_an_error_not_a_choice():
    router = CheapestGlobalRouter().bind(spec())
    with pytest.raises(StateError, match="not a number"):
        router.decide(torch.tensor([[0.0, math.nan, 0.0, 0.0]]))


def test_binding_happens_once_and_before_use():
    router = CheapestGlobalRouter()
    with pytest.raises(StateError, match="not bound"):
        _ = router.spec
    router.bind(spec())
    with pytest.raises(StateError, match="already bound"):
        router.bind(spec())


def test_initial_weights_depend_on_the_seed_alone():
    before = torch.random.get_rng_state()
    one = MLPRouter().bind(spec()).layers[0].weight
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(99)
    assert torch.equal(one, MLPRouter().bind(spec()).layers[0].weight)


def test_soft_cross_entropy_by_hand():
    """Row 1: −log softmax(0, ln 3)[1] = −ln 3/4 = 0.2877; row 2 weighs nothing; row 3: ln 2. Mean: 0.4904."""
    logits = torch.tensor([[0.0, math.log(3)], [5.0, -5.0], [0.0, 0.0]])
    targets = torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.5, 0.5]])
    loss = soft_cross_entropy(logits, targets, torch.tensor([1.0, 0.0, 1.0]))
    assert float(loss) == pytest.approx((math.log(4 / 3) + math.log(2)) / 2, abs=1e-6)
    assert float(soft_cross_entropy(logits, targets, torch.zeros(3))) == 0.0


def test_standardizer_against_numpy():
    X = (np.random.default_rng(0).normal(size=(500, 6)) * [1, 10, 0.01, 3, 1, 1] + [0, 1e3, 5, -2, 7, 0]).astype(
        np.float32
    )
    X[:, 5] = 0.1  # constant
    scaler = Standardizer(6)
    scaler.fit(torch.from_numpy(X).split(64))
    out = scaler(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=2e-3)
    np.testing.assert_allclose(out.std(axis=0), [1, 1, 1, 1, 1, 0], atol=2e-3)
    assert scaler.scale[5] == 1
    unchanged = Standardizer(6, enabled=False)
    unchanged.fit([torch.from_numpy(X)])
    assert torch.equal(unchanged(torch.from_numpy(X)), torch.from_numpy(X))


def test_statistics_come_from_train_alone(world):
    view = world.view()
    view.features[3:][view.split != "train"] += 1000
    router = world.build("mlp")
    world.fit(router, view, max_epochs=1)
    train = view.features[view.rows[view.split == "train"]]
    np.testing.assert_allclose(router.scaler.mean.numpy(), train.mean(axis=0), atol=1e-4)
    width = train.shape[1]
    np.testing.assert_allclose(router.scaler.scale.numpy(), train.std(axis=0) * width**0.5, rtol=1e-4)
    lengths = router.scaler(torch.from_numpy(train)).square().sum(dim=1)
    assert float(lengths.mean()) == pytest.approx(1, rel=1e-4)  # D variances of 1 / D
    plain = world.build("mlp", unit_rows=False)
    world.fit(plain, view, max_epochs=1)
    np.testing.assert_allclose(plain.scaler.scale.numpy(), train.std(axis=0), rtol=1e-4)


def test_biases_are_not_decayed():
    router = MLPRouter(hidden=[4], weight_decay=0.3).bind(spec())
    decayed, kept = router.configure_optimizers().param_groups
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.3, 0.0)
    assert {p.ndim for p in decayed["params"]} == {2}
    assert {p.ndim for p in kept["params"]} == {1}
    assert len(decayed["params"]) + len(kept["params"]) == len(list(router.parameters()))


def test_learning_routers_find_the_structure(world):
    """Four kinds of sample, each with its own best model (0.9 right); the best single model is right about 0.6."""
    view = world.view(n=1200)
    test = view.split == "test"
    for name in ("knn", "linear", "mlp"):
        router = world.build(name)
        data = world.fit(router, view, TradeOff(0.0), max_epochs=None if router.closed_form else 30)
        chosen = router.decide(world.scores(router, data)).numpy()
        assert (chosen == view.kind[test]).mean() > 0.9, name


def test_larger_trade_off_is_cheaper(world):
    view = world.view(n=600)
    test = view.split == "test"
    for name in ("knn", "linear", "mlp"):
        costs = []
        for value in (0.0, 1.0, math.inf):
            router = world.build(name)
            data = world.fit(router, view, TradeOff(value), max_epochs=None if router.closed_form else 15)
            chosen = router.decide(world.scores(router, data)).numpy()
            costs.append(view.C[test][np.arange(test.sum()), chosen].mean())
        assert costs[0] > costs[1] > costs[2], name


def test_best_epoch_is_put_back(world):
    """A learning rate that wrecks the network after its best epoch: what remains is the best epoch's dev loss."""
    view = world.view()
    router = world.build("mlp", lr=0.05, patience=4, dropout=0.0, weight_decay=0.0)
    data = world.data(router, view)
    trainer = world.trainer(40)
    router.bind(data.spec)
    trainer.fit(router, datamodule=data)
    (keeper,) = [c for c in trainer.callbacks if isinstance(c, BestEpoch)]
    assert trainer.current_epoch == keeper.best_epoch + 4 + 1  # it stopped early
    (dev,) = trainer.validate(router, datamodule=data, verbose=False)
    assert dev["dev/loss"] == pytest.approx(keeper.best_loss, abs=1e-5)


def test_dev_figures_by_hand(world):
    view = world.view()
    router = world.build("strongest_global")
    data = world.data(router, view)
    trainer = world.trainer(1)
    trainer.fit(router.bind(data.spec), datamodule=data)
    train, dev = view.split == "train", view.split == "dev"
    best = view.Y[train].mean(axis=0).argmax()
    assert float(trainer.callback_metrics["dev/accuracy"]) == pytest.approx(view.Y[dev, best].mean(), abs=1e-6)
    assert float(trainer.callback_metrics["dev/cost"]) == pytest.approx(view.C[dev, best].mean(), rel=1e-5)
    expected = rank_score(view.Y[dev, best].mean(), view.C[dev, best].mean(), view.bounds).value
    assert float(trainer.callback_metrics["dev/rank_score"]) == pytest.approx(expected, abs=1e-5)


def test_training_without_a_dev_split_keeps_the_last_epoch(world):
    view = world.view()
    view.split[view.split == "dev"] = "test"
    router = world.build("mlp")
    world.fit(router, view, max_epochs=2)
    assert torch.isfinite(router.layers[0].weight).all()


def test_resumed_training_equals_uninterrupted(world, tmp_path):
    """Two epochs, a checkpoint, a new process' worth of objects, two more: the same weights as four in one go."""
    view = world.view()

    def run(epochs: int, resume: str | None = None, save: str | None = None) -> RouterModule:
        router = world.build("mlp")
        data = world.data(router, view)
        trainer = world.trainer(epochs)
        torch.manual_seed(epochs)  # global state must not matter
        trainer.fit(router.bind(data.spec), datamodule=data, ckpt_path=resume)
        if save:
            trainer.save_checkpoint(save)
        return router

    path = str(tmp_path / "half.ckpt")
    straight = run(4)
    run(2, save=path)
    resumed = run(4, resume=path)
    for key, value in straight.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[key], value, atol=1e-6, rtol=1e-5)


def test_fitting_needs_the_data_module(world):
    router = world.build("mlp")
    data = world.data(router, world.view())
    router.bind(data.spec)
    with pytest.raises(StateError, match="BenchmarkDataModule"):
        world.trainer(1).fit(router, data.train_dataloader(), data.val_dataloader())


def test_closed_form_is_fitted_in_one_piece(world):
    router = world.build("linear").bind(world.data(world.build("linear"), world.view()).spec)
    router._trainer = SimpleNamespace(world_size=2)
    with pytest.raises(ConfigError, match="one device"):
        router._fit_collected()


@pytest.mark.parametrize(
    "settings",
    [{"hidden": [0]}, {"dropout": 1.0}, {"lr": 0}, {"weight_decay": -1}, {"max_epochs": 0}, {"batch_size": 0}],
)
def test_bad_settings_are_refused(settings):
    with pytest.raises(ConfigError, match="router\\."):
        MLPRouter(**settings)


def test_a_router_without_an_optimiser_says_so():
    class Nothing(RouterModule):
        def forward(self, batch):
            return torch.zeros(1, 1)

    with pytest.raises(NotImplementedError, match="configure_optimizers"):
        Nothing("nothing").configure_optimizers()
    assert isinstance(Nothing("nothing"), L.LightningModule)
