"""How fast an end-to-end router decides: alone on batches in memory, and with everything that comes before."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch

from vlrb.tasks.fit import Fitted
from vlrb.tasks.throughput import throughput_metrics


class Counting(L.LightningModule):
    """Chooses the first model and remembers what it was given."""

    inputs = frozenset({"raw"})

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[int]] = []

    def predict_step(self, batch: Any) -> torch.Tensor:
        self.seen.append(batch["index"].tolist())
        return torch.zeros(len(batch["index"]), 2)

    def decide(self, scores: torch.Tensor) -> torch.Tensor:
        return scores.argmax(dim=1)


@pytest.fixture
def world(tmp_path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("raw_world", Path(__file__).with_name("raw_world.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["raw_world"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.RawWorld(tmp_path, 100)


def test_router_alone_reads_nothing_while_timed_and_the_whole_reads_all(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20 test samples in batches of 16 and 4: one pass to prepare, one warm-up batch of 16, one timed pass."""
    inputs, loaded = world.inputs(1), []
    plain = inputs.pictures.load
    monkeypatch.setattr(inputs.pictures, "load", lambda row: loaded.append(row) or plain(row))
    data, view = world.data(inputs), world.view()
    list(data.train_dataloader())
    loaded.clear()
    rows = np.flatnonzero(view.split == "test")
    view.members = lambda name: np.flatnonzero(view.split == name)
    view.tokens_in = np.stack([np.arange(world.n), np.arange(world.n) + 2.0], axis=1)
    router = Counting()
    trainer = L.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    found = throughput_metrics({"encoder": {}}, SimpleNamespace(), view, Fitted(router, data, trainer))
    assert len(rows) == 20
    with_pictures = [row for row in rows.tolist() if world.shades[row + 1]]
    warm = [row for row in rows[:16].tolist() if world.shades[row + 1]]
    assert [row - 1 for row in loaded] == [*with_pictures, *warm, *with_pictures]
    assert [row for batch in router.seen for row in batch][-20:] == rows.tolist()
    tokens_per_query = (rows + 1.0).mean()  # the mean over both models
    for kind in ("router", "total"):
        ratio = found[f"throughput_{kind}"] / found[f"queries_per_second_{kind}"]
        assert ratio == pytest.approx(tokens_per_query)
    assert found["throughput_router"] > found["throughput_total"]
