"""Two devices (processes) together train what one device trains."""

from dataclasses import replace

import lightning as L
import pytest
from training_steps import QUIET

from vlrb.data.datamodule import BenchmarkDataModule
from vlrb.data.sources import FusedFeatures
from vlrb.data.tradeoff import TradeOff
from vlrb.encoders.fusion import NormalizeConcatFusion
from vlrb.routers.recipe import Recipe
from vlrb.tasks.devices import strategy_of
from vlrb.utils.cli import ROOT


@pytest.mark.slow
@pytest.mark.process
def test_two_processes_equal_one(world):
    """Each of two devices takes half of every batch; losses agree up to what rounding does to Adam's first steps."""
    view = world.view()
    features = FusedFeatures(view.features[:, :4], view.features[:, 4:], NormalizeConcatFusion())
    figures = []
    for devices in (1, 2):
        router = world.build("mlp", dropout=0.0)
        settings = replace(router.batch_settings(0), batch_size=128, eval_batch_size=64)
        data = BenchmarkDataModule(view, {"features": features}, TradeOff(0.5), settings)
        trainer = L.Trainer(
            accelerator="cpu",
            devices=devices,
            strategy="auto" if devices == 1 else "ddp_spawn",
            max_epochs=3,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            num_sanity_val_steps=0,
        )
        trainer.fit(router.bind(data.spec), datamodule=data)
        figures.append({key: float(value) for key, value in trainer.callback_metrics.items()})
    one, two = figures
    assert two["dev/loss"] == pytest.approx(one["dev/loss"], abs=1e-4)
    assert two["train/loss"] == pytest.approx(one["train/loss"], abs=1e-4)
    assert two["dev/accuracy"] == pytest.approx(one["dev/accuracy"], abs=0.02)


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize(
    ("given", "together"), [({}, 1), ({}, 2), ({"freeze": True}, 1), ({"gradient_checkpointing": True}, 1)]
)
def test_two_processes_equal_one_with_a_backbone(world, monkeypatch, given, together):
    """Parts of a backbone without a share in a batch (no picture, every picture, unused layers) stop neither device."""
    monkeypatch.syspath_prepend(ROOT)  # the spawned processes import the small pictures of conftest.py
    found = []
    for devices in (1, 2):
        router = world.build("vlc", dropout=0.0)
        recipe = Recipe(lr=1e-3, max_epochs=2, patience=9, batch_size=8, **given)
        still(router.attach(router.backbone, recipe))
        data = world.data(router, world.view(n=80))
        strategy = strategy_of({"strategy": "auto", "devices": devices}, find_unused=True)
        options = {**QUIET, "accumulate_grad_batches": together, "max_epochs": 2}
        trainer = L.Trainer(accelerator="cpu", devices=devices, strategy=strategy, **options)
        trainer.fit(router.bind(data.spec), datamodule=data)
        figures = {key: float(value) for key, value in trainer.callback_metrics.items()}
        found.append((figures, world.scores(router.eval(), data)))
    (one, alone), (two, shared) = found
    assert two["dev/loss"] == pytest.approx(one["dev/loss"], abs=1e-4)
    assert two["train/loss"] == pytest.approx(one["train/loss"], abs=1e-4)
    assert (alone - shared).abs().max() < 1e-3


def still(router):
    """No dropout: its draws differ between one device and two."""
    sizes = router.backbone.source.sizes
    sizes |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return router
