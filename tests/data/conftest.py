"""A view of ten samples and three models, small enough to compute by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vlrb.data.datamodule import BatchSettings, BenchmarkDataModule
from vlrb.data.sources import FusedFeatures
from vlrb.data.tradeoff import TradeOff
from vlrb.metrics.bounds import CostBounds

FEATURES = frozenset({"features"})


def small_view() -> SimpleNamespace:
    """Rows 2..11 of a benchmark of 12; six train, two dev, two test. Costs: A 1, B 2, C 3 (× 1e-4 USD)."""
    Y = np.array(
        [[1, 0, 1], [0, 1, 1], [0, 0, 0], [1, 1, 1], [0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 1]],
        dtype=np.float32,
    )
    return SimpleNamespace(
        rows=np.arange(2, 12),
        sample_ids=np.array([f"set/{i}" for i in range(10)]),
        model_ids=("A", "B", "C"),
        Y=Y,
        C=np.tile([1e-4, 2e-4, 3e-4], (10, 1)),
        split=np.array(["train"] * 3 + ["dev", "test"] + ["train"] * 3 + ["test", "dev"]),
        split_group=np.arange(10),
        dataset=np.array([0, 0, 1, 1, 0, 1, 0, 1, 0, 1]),
        dataset_names=("one", "two"),
        bounds=CostBounds(1e-4, 3e-4, "small"),
        fingerprint="small",
    )


def concat(text: torch.Tensor, vision: torch.Tensor) -> torch.Tensor:
    return torch.cat([text, vision], dim=1)


def small_features(resident_bytes: int = 10**6) -> FusedFeatures:
    """Twelve benchmark rows; row r has text (r, 10 r) and picture (100 r)."""
    r = np.arange(12, dtype=np.float32)
    return FusedFeatures(np.stack([r, 10 * r], axis=1), 100 * r[:, None], concat, resident_bytes)


@pytest.fixture
def small() -> SimpleNamespace:
    """The view, its features and a data module for any settings."""

    def data(
        inputs: frozenset[str] = FEATURES,
        trade_off: TradeOff | None = None,
        spec: object = None,
        view: SimpleNamespace | None = None,
        **settings: object,
    ) -> BenchmarkDataModule:
        given = BatchSettings(inputs, **{"batch_size": 4, "eval_batch_size": 3, **settings})
        sources = {"features": small_features()}
        return BenchmarkDataModule(view or small_view(), sources, trade_off or TradeOff(0.0), given, spec)

    return SimpleNamespace(view=small_view, features=small_features, data=data)
