"""Training a router with its backbone: rates, accumulation, precision, what learns, memory, stopping."""

import pickle

import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from training_steps import QUIET, Noting, built, same, train, weights

from vlrb.routers.adapters import attention_maps
from vlrb.routers.best_epoch import BestEpoch, changing_weights
from vlrb.routers.checkpoint import load_router_weights, save_router
from vlrb.routers.recipe import Recipe
from vlrb.routers.recompute import outermost, recomputed
from vlrb.utils.errors import ConfigError, StateError


class Rates(Callback):
    """The rate of every step of the optimiser, and the norm of its gradients as the optimiser sees them."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.norms: list[float] = []

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        optimizer = trainer.optimizers[0]
        optimizer.register_step_post_hook(lambda *_: self._note(pl_module, optimizer))

    def _note(self, module: L.LightningModule, optimizer: torch.optim.Optimizer) -> None:
        self.rates.append(optimizer.param_groups[0]["lr"])
        norms = [p.grad.norm() for p in module.parameters() if p.grad is not None]
        self.norms.append(float(torch.stack(norms).norm()))


# --- schedule and clipping --------------------------------------------------------------------------------------------


def test_the_rate_is_spread_over_the_steps_that_the_trainer_takes(world):
    """5 batches an epoch (limited), 2 batches a step → ⌈5/2⌉ = 3 steps; 2 epochs → 6 steps; half of them warm-up."""
    recipe = Recipe(lr=6.0e-3, warmup=0.5, schedule="linear", batch_size=4, max_epochs=9, patience=9)
    router, data = built(world, recipe)
    seen = Rates()
    train(router, data, seen, max_epochs=2, accumulate_grad_batches=2, limit_train_batches=5)
    assert seen.rates == pytest.approx([2e-3, 4e-3, 6e-3, 6e-3, 4e-3, 2e-3])


@pytest.mark.parametrize(("recipe", "trainer", "most"), [(0.01, None, 0.01), (0.01, 0.02, 0.02), (None, 0.02, 0.02)])
def test_gradients_are_clipped_by_the_trainer_else_by_the_recipe(world, recipe, trainer, most):
    router, data = built(world, Recipe(gradient_clip=recipe, max_epochs=1, batch_size=16))
    seen = Rates()
    train(router, data, seen, gradient_clip_val=trainer)
    assert seen.norms == pytest.approx([most] * len(seen.norms), rel=1e-3)


@pytest.mark.parametrize(("recipe", "trainer"), [(None, None), (0.01, 0)])
def test_null_and_zero_clip_nothing(world, recipe, trainer):
    router, data = built(world, Recipe(gradient_clip=recipe, max_epochs=1, batch_size=16))
    seen = Rates()
    train(router, data, seen, gradient_clip_val=trainer)
    assert min(seen.norms) > 0.02


# --- accumulation -----------------------------------------------------------------------------------------------------


class Gradients(Callback):
    """A copy of every step's gradients."""

    def __init__(self) -> None:
        self.steps: list[torch.Tensor] = []

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        trainer.optimizers[0].register_step_post_hook(lambda *_: self.steps.append(flat(pl_module)))


def flat(module: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.grad.flatten() for p in module.parameters() if p.grad is not None])


def without_dropout(router):
    for module in router.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return router


class Still(Callback):
    """No dropout, and no movement, so that all gradients are those of the same weights."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        without_dropout(pl_module)
        for group in trainer.optimizers[0].param_groups:
            group["weight_decay"] = 0.0


@pytest.mark.parametrize("name", ["vlc", "mlp"])
def test_batches_together_take_the_step_of_one_large_batch(world, name):
    """Rows without a target, a last batch that is short and a last step of one batch of two: all weigh by rows."""
    view = world.view(n=75)
    view.Y[::3] = 0.0  # no correct model: weight 0
    view.split[np.flatnonzero(view.split == "train")[37:]] = (
        "test"  # 37 = 2 × 16 + 5: the last step is one batch of two
    )
    found = []
    for batch_size, together in ((16, 1), (8, 2)):
        router = world.build(name)
        if name == "vlc":
            router.attach(router.backbone, Recipe(lr=1e-12, gradient_clip=None, batch_size=batch_size))
        else:
            router = world.build(name, lr=1e-12, batch_size=batch_size)
        data = world.data(router, view)
        seen = Gradients()
        train(router, data, Still(), seen, max_epochs=1, accumulate_grad_batches=together)
        found.append(seen.steps)
    one, two = found
    assert len(one) == len(two) == 3
    for large, small in zip(one, two, strict=True):
        assert (large - small).abs().max() <= 1e-5 * large.abs().max()


# --- precision --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_both_precisions_train_and_scores_are_float32(world, precision):
    router, data = built(world)
    trainer = train(router, data, precision=precision)
    out = torch.cat(L.Trainer(accelerator="cpu", precision=precision, **QUIET).predict(
        router, datamodule=data.decision_data("test")
    ))  # fmt: skip
    assert out.dtype == torch.float32
    assert torch.isfinite(out).all()
    assert all(p.dtype == torch.float32 for p in router.parameters())
    assert float(trainer.callback_metrics["train/loss"]) > 0


# --- what learns ------------------------------------------------------------------------------------------------------


def test_a_frozen_backbone_stays_and_draws_nothing(world):
    router, data = built(world, Recipe(freeze=True, max_epochs=2, batch_size=8, lr=0.01))
    router.bind(data.spec)
    before = weights(router)
    seen = []
    router.backbone.register_forward_hook(
        lambda module, _, out: seen.append((module.training, out.requires_grad, router.head.training))
    )
    L.Trainer(max_epochs=2, accelerator="cpu", **QUIET).fit(router, datamodule=data)
    after = weights(router)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    learns = {name for name, p in router.named_parameters() if p.requires_grad}
    assert moved <= learns
    assert {
        "head.linear.weight",
        "backbone.regions.tower.layers.0.weight",
    } <= moved  # random from the start: they learn
    assert all(name.startswith(("head.", "backbone.regions.")) for name in learns)
    assert set(seen) == {(False, True, True), (False, False, False)}  # no dropout in training, then dev
    assert changing_weights(router).keys() == learns | {"mean_train_cost"}


def test_adapters_learn_in_place_of_the_backbone_and_load_strictly(world, tmp_path):
    recipe = Recipe(lora_rank=2, max_epochs=2, batch_size=8, lr=0.01)
    router, data = built(world, recipe)
    router.bind(data.spec)
    before = weights(router)
    L.Trainer(max_epochs=2, accelerator="cpu", **QUIET).fit(router, datamodule=data)
    router.eval()
    moved = {name for name, value in weights(router).items() if not torch.equal(before[name], value)}
    assert any("lora_A" in name for name in moved)
    assert all("lora_" in n or n.startswith(("head.", "backbone.regions.")) for n in moved)
    assert "backbone.regions.tower.layers.0.weight" in moved  # random from the start: it must learn
    save_router(tmp_path, router)
    fresh = world.build("vlc")
    loaded = load_router_weights(tmp_path, fresh.attach(fresh.backbone, recipe))
    again = world.data(loaded, world.view(n=60), spec=loaded.spec)
    assert torch.equal(world.scores(router, data), world.scores(loaded, again))


def test_adapters_need_attention_and_peft(world, monkeypatch):
    router, data = built(world, Recipe(lora_rank=2))
    names = attention_maps(router.bind(data.spec).backbone)
    assert names == []  # they are wrapped now: the maps themselves are called base_layer
    router, data = built(world, Recipe(lora_rank=2))
    monkeypatch.setattr("vlrb.routers.adapters.QUERY_VALUE", frozenset({"nothing"}))
    with pytest.raises(ConfigError, match="no attention maps"):
        router.bind(data.spec)
    monkeypatch.undo()
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    router, data = built(world, Recipe(lora_rank=2))
    with pytest.raises(ConfigError, match=r'pip install -e "\.\[lora\]"'):
        router.bind(data.spec)


# --- computing again --------------------------------------------------------------------------------------------------


def step_of(world, *, checkpointing: bool) -> tuple[torch.Tensor, int]:
    """The gradients of one step with dropout, and the bytes kept for the backward pass."""
    router, data = built(world, Recipe(gradient_checkpointing=checkpointing), n=120)
    router.bind(data.spec).train()
    batch = next(iter(data.split_batches("train")))
    kept: dict[int, int] = {}
    own = {p.untyped_storage().data_ptr() for p in router.parameters()}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    torch.manual_seed(7)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = router.objective(batch).loss
    loss.backward()
    return flat(router), sum(kept.values())


def test_gradients_are_equal_and_less_is_kept(world):
    plain, much = step_of(world, checkpointing=False)
    again, little = step_of(world, checkpointing=True)
    assert torch.allclose(plain, again, rtol=1e-5, atol=1e-7)
    assert little < 0.5 * much, f"{little:,} of {much:,} bytes"


def test_modules_are_as_before_and_inner_ones_are_left_to_outer_ones():
    inner = torch.nn.Linear(2, 2)
    outer = torch.nn.Sequential(inner)
    assert outermost([inner, outer, outer]) == [outer]
    with recomputed([outer]):
        assert "forward" in vars(outer)
    assert "forward" not in vars(outer)
    pickle.loads(pickle.dumps(outer))


# --- early stopping ---------------------------------------------------------------------------------------------------


def test_without_a_dev_split_the_last_epoch_stands(world):
    view = world.view(n=60)
    view.split[view.split == "dev"] = "test"
    router, data = built(world, Recipe(max_epochs=3, batch_size=8, patience=1), view=view)
    last: list[dict[str, torch.Tensor]] = []
    trainer = train(router, data, Noting(last))
    assert trainer.current_epoch == 3
    assert same(weights(router), last[-1])


def test_the_best_epoch_is_put_back_and_kept_apart_from_frozen_weights(world):
    router, data = built(world, Recipe(max_epochs=6, batch_size=8, patience=1, lr=0.3, freeze=True))
    epochs: list[dict[str, torch.Tensor]] = []
    trainer = train(router, data, Noting(epochs))
    (best,) = [c for c in trainer.callbacks if isinstance(c, BestEpoch)]
    assert len(epochs) == min(6, best.best_epoch + 2)
    assert same(weights(router), epochs[best.best_epoch])
    assert best.weights.keys() == changing_weights(router).keys()
    assert not any(name.startswith("backbone.network.") for name in best.weights)
    assert all(value.device.type == "cpu" for value in best.weights.values())


def test_weights_that_are_no_numbers_are_refused(world):
    router, data = built(world, Recipe(max_epochs=1, batch_size=8))

    class Diverging(Callback):
        def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
            with torch.no_grad():
                pl_module.head.linear.weight.fill_(float("nan"))

        def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
            self.on_train_epoch_end(trainer, pl_module)

    (best, diverging) = (BestEpoch(3), Diverging())
    with pytest.raises(StateError, match=r"diverged(.|\n)*encoder\.training\.lr="):
        train(router, data, best, diverging)
