"""Trained routers, made once."""

import pytest
from routing_world import Runs, Trained


@pytest.fixture(scope="package")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Runs on a small demo."""
    folder = tmp_path_factory.mktemp("routing")
    return Trained(Runs(folder), folder / "data" / "demo")
