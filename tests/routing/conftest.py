"""Trained routers, made once."""

import pytest
from routing_world import Trained, train_all


@pytest.fixture(scope="package")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One run of each router on a small demo."""
    return train_all(tmp_path_factory.mktemp("routing"))
