"""A killed training goes on where it was, and stored weights go to the router that they are of."""

from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from training_steps import Noting, built, same, train, weights

from vlrb.routers.checkpoint import load_router_weights, save_router
from vlrb.routers.recipe import Recipe
from vlrb.tasks.resume import EpochCheckpoint
from vlrb.utils.errors import StateError

# --- going on after a kill --------------------------------------------------------------------------------------------


class Killed(Exception):  # noqa: N818 - it stands for a signal
    pass


class KillAt(Callback):
    def __init__(self, epoch: int, batch: int = 1) -> None:
        self.epoch, self.batch = epoch, batch

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if (trainer.current_epoch, batch_idx) == (self.epoch, self.batch):
            torch.manual_seed(99)
            raise Killed


MADE_OF = {"config": "a"}


def run(world, path, recipe: Recipe, *more: Callback, resume: bool = False, **options: Any):
    router, data = built(world, recipe, n=40)
    train(router, data, EpochCheckpoint(path, MADE_OF, resume=resume), *more, **options)
    return router


@pytest.mark.parametrize("given", [{}, {"accumulate_grad_batches": 2}, {"precision": "bf16-mixed"}])
def test_a_killed_training_goes_on_to_the_same_weights(world, tmp_path, given):
    recipe = Recipe(max_epochs=4, batch_size=8, patience=9, lr=2e-3)
    whole = run(world, tmp_path / "whole.ckpt", recipe, **given)
    with pytest.raises(Killed):
        run(world, tmp_path / "last.ckpt", recipe, KillAt(2), **given)
    epochs: list[dict[str, torch.Tensor]] = []
    again = run(world, tmp_path / "last.ckpt", recipe, Noting(epochs), resume=True, **given)
    assert len(epochs) == 2  # of 4: two were done
    assert same(weights(whole), weights(again))


def test_killed_twice_and_with_adapters(world, tmp_path):
    recipe = Recipe(max_epochs=4, batch_size=8, patience=9, lr=2e-3, lora_rank=2, layer_decay=0.7)
    whole = run(world, tmp_path / "whole.ckpt", recipe)
    for epoch, resume in ((1, False), (3, True)):
        with pytest.raises(Killed):
            run(world, tmp_path / "last.ckpt", recipe, KillAt(epoch), resume=resume)
    assert same(weights(whole), weights(run(world, tmp_path / "last.ckpt", recipe, resume=True)))


def test_a_training_that_had_stopped_early_is_only_finished(world, tmp_path):
    recipe = Recipe(max_epochs=9, batch_size=8, patience=1, lr=0.3)
    whole = run(world, tmp_path / "last.ckpt", recipe)
    epochs: list[dict[str, torch.Tensor]] = []
    again = run(world, tmp_path / "last.ckpt", recipe, Noting(epochs), resume=True)
    assert epochs == []
    assert same(weights(whole), weights(again))


def test_a_state_of_another_router_is_refused(world, tmp_path):
    run(world, tmp_path / "last.ckpt", Recipe(max_epochs=1, batch_size=8))
    with pytest.raises(StateError, match=r"does not fit this training(.|\n)*overwrite=true"):
        run(world, tmp_path / "last.ckpt", Recipe(max_epochs=1, batch_size=8, lora_rank=2), resume=True)


def test_a_full_disk_is_said_once_and_training_goes_on(world, tmp_path, monkeypatch, capfd):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vlrb.tasks.resume.torch.save", full)
    run(world, tmp_path / "last.ckpt", Recipe(max_epochs=2, batch_size=8))
    assert capfd.readouterr().out.count("No space left on device") == 1
    assert list(tmp_path.iterdir()) == []


# --- another backbone -------------------------------------------------------------------------------------------------


def test_weights_of_another_backbone_are_told_in_one_line(world, tmp_path):
    router, data = built(world)
    save_router(tmp_path, router.bind(data.spec))
    other = world.build("vlc")
    other.backbone.source.sizes["hidden_size"] = 32
    other.attach(other.backbone, Recipe())
    with pytest.raises(StateError, match=r"another backbone: sizes\.hidden_size is 16, not 32"):
        load_router_weights(tmp_path, other)
    backbone = type("OtherBackbone", (type(router.backbone),), {})
    third = world.build("vlc")
    third.backbone.__class__ = backbone
    third.attach(third.backbone, Recipe())
    with pytest.raises(StateError, match="class is LxmertBackbone, not OtherBackbone"):
        load_router_weights(tmp_path, third)


def test_a_router_of_another_pool_is_refused(world, tmp_path):
    router, data = built(world)
    save_router(tmp_path, router.bind(data.spec))
    loaded = load_router_weights(tmp_path, world.build("vlc"))
    view = world.view(n=60)
    view.model_ids = tuple("ABCDX")
    with pytest.raises(StateError, match="trained for other models; differing: E, X"):
        world.data(loaded, view, spec=loaded.spec)
