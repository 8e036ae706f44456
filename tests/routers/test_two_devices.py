"""Two devices (processes) together train what one device trains."""

from dataclasses import replace

import lightning as L
import pytest

from vlrb.data.datamodule import BenchmarkDataModule
from vlrb.data.sources import FusedFeatures
from vlrb.data.tradeoff import TradeOff
from vlrb.encoders.fusion import NormalizeConcatFusion


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
